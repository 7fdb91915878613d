// REST routes: method, path segments, literal and required query keys, required headers; the most specific one wins.
#pragma once

#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// S3 included: the bucket comes from the path or the Host, the rest of the path is the key.
Result<Route> rest_route(const HttpHead& head, const CallScope& scope,
                         const std::vector<const ServiceModel*>& services);

}  // namespace holdpoint::aws
