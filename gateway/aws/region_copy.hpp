// A copy between regions carries a request within the request: the same call, presigned for the source's region, which
// AWS runs there. SDKs make it by themselves with the credentials that they have: the gateway's own, which AWS would
// refuse. So it is taken out before anything is decided, and made anew when the call is sent. Pure.
#pragma once

#include <optional>
#include <string>

#include "gateway/aws/classify.hpp"
#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/sigv4.hpp"

namespace holdpoint::aws {

struct RegionCopy {
  std::string_view member;    ///< "PresignedUrl" of EC2, "PreSignedUrl" of RDS and what lives beside it
  std::string source_region;  ///< as the call states it, or the URL's own scope
};

/// Nothing when the call carries no such URL. Fails with `malformed` when it does not say where it copies from.
Result<std::optional<RegionCopy>> region_copy(const Classified& call);

/// The URL as AWS expects it: the call's own parameters, signed for the source's endpoint; an hour long.
Result<std::string> presigned_copy(const Classified& call, const RegionCopy& copy, const Endpoint& source,
                                   const SigningIdentity& identity, Instant now);

}  // namespace holdpoint::aws
