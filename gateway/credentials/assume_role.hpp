// The STS call by which a gateway becomes the role of a target, in the agent's name. Pure: builds the request and
// reads the answer. CloudTrail then shows agent, session and review beside every call.
#pragma once

#include <string>

#include "gateway/aws/http_head.hpp"
#include "gateway/credentials/sealed.hpp"

namespace holdpoint::credentials {

/// In whose name.
struct OnBehalf {
  std::string principal;
  std::string session_id;
  std::string review_id;  ///< empty without a review
};

/// STS accepts [A-Za-z0-9_+=,.@-], 2 to 64 characters: others become "-", and what is cut off stands as a hash, so
/// that two principals never share a name.
std::string session_name(const OnBehalf& on_behalf);
std::string source_identity(std::string_view principal);

/// The form body of AssumeRole.
std::string assume_role_body(std::string_view role_arn, const OnBehalf& on_behalf, std::chrono::seconds duration);
/// Fails with `denied` or `unavailable` with STS's own code, and what to add to the role's trust policy where that is
/// the usual cause (sts:TagSession, sts:SetSourceIdentity).
Result<CredentialsPtr> read_assume_role(int status, std::string_view body);

}  // namespace holdpoint::credentials
