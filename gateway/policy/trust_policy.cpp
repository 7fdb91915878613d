#include "gateway/policy/trust_policy.hpp"

#include <algorithm>

#include "gateway/aws/operation.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {
namespace {

std::string_view without_scheme(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  return url.starts_with(kScheme) ? url.substr(kScheme.size()) : url;
}

// arn:aws:iam::123456789012:oidc-provider/HOST/PATH names an issuer as AWS does.
std::string_view provider_of(std::string_view arn) {
  constexpr std::string_view kProvider = ":oidc-provider/";
  const std::size_t at = arn.find(kProvider);
  return arn.starts_with("arn:") && at != std::string_view::npos ? arn.substr(at + kProvider.size())
                                                                 : std::string_view();
}

std::string_view account_of_role(std::string_view arn) {
  constexpr std::string_view kStart = "arn:aws:iam::";
  return arn.starts_with(kStart) && arn.size() > kStart.size() + 12 && arn[kStart.size() + 12] == ':'
             ? arn.substr(kStart.size(), 12)
             : std::string_view();
}

bool is_trusted(const PrincipalPattern& trusted, const TrustRequest& request) {
  const bool web_identity = request.action == TrustRequest::Action::assume_role_with_web_identity;
  const std::string& value = trusted.value;
  switch (trusted.kind) {
    case PrincipalPattern::Kind::anybody:
      return true;
    case PrincipalPattern::Kind::federated:
      if (!web_identity) return false;
      return value == "*" || value == request.principal.issuer || value == request.issuer_url ||
             (!provider_of(value).empty() && provider_of(value) == without_scheme(request.issuer_url));
    case PrincipalPattern::Kind::aws: {
      if (web_identity || request.caller_role_arn.empty()) return false;
      const std::string_view account = account_of_role(request.caller_role_arn);
      return value == "*" || value == request.caller_role_arn ||
             (!account.empty() && (value == account || value == "arn:aws:iam::" + std::string(account) + ":root"));
    }
  }
  return false;
}

// The keys of any request, and those of the issuer in front of them.
class TrustContext final : public Context {
 public:
  TrustContext(const TrustRequest& request, const RequestContext& common) : request_(request), common_(common) {}

  [[nodiscard]] std::vector<std::string> values(std::string_view key) const override {
    if (key == "sts:rolesessionname") {
      return request_.role_session_name.empty() ? std::vector<std::string>{} : std::vector{request_.role_session_name};
    }
    for (const std::string_view issuer :
         {std::string_view(request_.principal.issuer), without_scheme(request_.issuer_url)}) {
      const std::string prefix = to_lower(issuer) + ":";
      // "holdpoint" or "aws" as an issuer's name must not hide the keys of that prefix.
      if (issuer.empty() || !key.starts_with(prefix) || is_known_key(key)) continue;
      return claim(key.substr(prefix.size()));
    }
    return common_.values(key);
  }

 private:
  [[nodiscard]] std::vector<std::string> claim(std::string_view name) const {
    if (name == "sub") return {request_.principal.subject};
    if (name == "groups") return request_.principal.groups;
    return common_.values("holdpoint:claim/" + std::string(name));
  }

  const TrustRequest& request_;
  const RequestContext& common_;
};

}  // namespace

Decision evaluate_trust(const Policy& policy, const TrustRequest& request) {
  HOLDPOINT_INVARIANT(policy.kind() == PolicyKind::trust);
  const bool web_identity = request.action == TrustRequest::Action::assume_role_with_web_identity;
  const std::string action = web_identity ? "sts:AssumeRoleWithWebIdentity" : "sts:AssumeRole";
  aws::Operation operation;
  operation.service = "sts";
  operation.operation = action.substr(4);
  const Request common{.principal = &request.principal,
                       .operation = &operation,
                       .role_arn = request.caller_role_arn,
                       .role_session_name = request.role_session_name,
                       .source_ip = request.source_ip,
                       .secure_transport = request.secure_transport,
                       .now = request.now};
  const RequestContext common_context(common, nullptr);
  const TrustContext context(request, common_context);

  Decision decision;
  const std::string action_lower = to_lower(action);
  for (const auto& statement : policy.statements()) {
    const auto trusts = [&](const PrincipalPattern& trusted) { return is_trusted(trusted, request); };
    if (!statement.covers_action(action_lower, context) || std::ranges::none_of(statement.principals, trusts) ||
        !statement.conditions_hold(context)) {
      continue;
    }
    if (statement.effect != Effect::deny && decision.effect == Effect::allow) continue;
    decision.effect = statement.effect;
    decision.policy = policy.name();
    decision.statement = statement.name;
    if (statement.effect == Effect::deny) break;
  }
  const std::string who = display(request.principal.name(), 300);
  const std::string role = display(request.role_arn, 256);
  if (decision.effect == Effect::allow) {
    decision.reason = "role " + role + " trusts " + who + " by statement \"" + decision.statement + "\"";
  } else if (decision.effect == Effect::deny) {
    decision.reason = "the trust policy of role " + role + " denies " + action + " to " + who + " by statement \"" +
                      decision.statement + "\"; ask the role's owner";
  } else {
    decision.reason = "the trust policy of role " + role + " does not allow " + action + " to " + who +
                      "; ask the role's owner to trust this principal";
  }
  return decision;
}

}  // namespace holdpoint::policy
