// Whose data an S3 request's Host names: a bucket's in virtual-host style, an access point's, or nobody's in path
// style.
#pragma once

#include <string>

#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// A bucket's name, an access point's ARN, or nothing in path style. AWS's own hosts are known in all their forms
/// (regional, dual-stack, FIPS, accelerated, zonal); below the gateway's names everything is a bucket. Fails with
/// `malformed` on an access point's host that names none.
Result<std::string> s3_host_owner(std::string_view host, const CallScope& scope);

}  // namespace holdpoint::aws
