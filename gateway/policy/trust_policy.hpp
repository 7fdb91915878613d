// Who may become a role: an IAM trust policy, evaluated for the STS operations that the gateway serves. Deny beats
// Allow, and without an Allow nobody may.
//
// Principals: {"Federated": issuer name, issuer url, or an OIDC provider's ARN}, {"AWS": role ARN, or an account for
// all of its roles}. Condition keys beside those of any policy: ISSUER:sub, ISSUER:aud, ISSUER:CLAIM, with ISSUER the
// name or the url without "https://", and sts:RoleSessionName.
#pragma once

#include <string>
#include <string_view>

#include "bus/base/time.hpp"
#include "bus/identity/principal.hpp"
#include "gateway/policy/decision.hpp"
#include "gateway/policy/policy.hpp"

namespace holdpoint::policy {

struct TrustRequest {
  enum class Action { assume_role_with_web_identity, assume_role };
  Action action = Action::assume_role_with_web_identity;
  identity::Principal principal;  ///< of the verified token; for AssumeRole of the calling session
  std::string issuer_url;         ///< of the principal's issuer
  std::string caller_role_arn;    ///< for AssumeRole: the role that the caller has now
  std::string role_arn;           ///< the role to become
  std::string role_session_name;
  std::string source_ip;
  bool secure_transport = false;
  Instant now{};
};

/// Effect allow, deny or implicit_deny, with a reason for people. `policy` must be of PolicyKind::trust. An account as
/// principal trusts its roles; that the caller's own policies allow sts:AssumeRole is for the caller to check besides.
Decision evaluate_trust(const Policy& policy, const TrustRequest& request);

}  // namespace holdpoint::policy
