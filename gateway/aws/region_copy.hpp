// A copy between regions carries a request within the request: the same call, presigned for the source's region, which
// AWS runs there. SDKs make it by themselves with the credentials that they have: the gateway's own, which AWS would
// refuse. So it is taken out before anything is decided, and made anew when the call is sent. With or without such a
// URL the copy reads in the source's region: what the call needs there is asked of policy together with the rest. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/aws/classify.hpp"
#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/sigv4.hpp"

namespace holdpoint::aws {

struct RegionCopy {
  std::string_view member;    ///< "PresignedUrl" of EC2, "PreSignedUrl" of RDS and what lives beside it; empty: no URL
  std::string source_region;  ///< as the call states it, its source's ARN, or the URL's own scope
  std::vector<std::string> sources{};  ///< ARNs that the call names there
};

/// Nothing when the call carries no such URL and names no other region that it copies from. Fails with `malformed` when
/// it does not say where it copies from, or names two regions.
Result<std::optional<RegionCopy>> region_copy(const Classified& call);

/// What the call needs in the source's region joins the operation's pairs. Fails as requirements_of does.
Result<void> add_source_requirements(const RegionCopy& copy, const CallScope& scope, Classified& call);

/// The URL as AWS expects it: the call's own parameters, signed for the source's endpoint; an hour long.
Result<std::string> presigned_copy(const Classified& call, const RegionCopy& copy, const Endpoint& source,
                                   const SigningIdentity& identity, Instant now);

}  // namespace holdpoint::aws
