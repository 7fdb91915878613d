// One canonical JSON from any protocol: members by their model names, typed where header and query carry text; without
// idempotency tokens that SDKs make, transport checksums and lengths.
#pragma once

#include "bus/base/json.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// `body` is the decoded body; for operations whose body is data it is not looked at. Fails with `malformed`,
/// `too_large`, `denied` (a body or header that the operation does not model) or `unsupported`.
Result<Json> decode_parameters(const Route& route, const HttpHead& head, BytesView body);

/// True when the body is bytes of the caller's (an object, a function's payload): bound by hash, never parsed.
bool body_is_data(const OperationModel& operation);

/// JSON pointers of the members below `paths` ("A.B[].C", "M{}") that `parameters` has.
std::vector<std::string> expand_paths(const std::vector<std::string_view>& paths, const Json& parameters);

/// "Tags.member.1.Key=a" and the like to {"Tags":[{"Key":"a"}]}. Leaves stay text.
Result<Json> unflatten(const Fields& form);

}  // namespace holdpoint::aws
