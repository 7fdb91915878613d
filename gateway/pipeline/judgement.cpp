#include "gateway/pipeline/judgement.hpp"

#include <algorithm>

#include "gateway/policy/engine.hpp"

namespace holdpoint::pipeline {

Result<policy::Decision> decide(const configuration::Snapshot& snapshot, const identity::Session& session,
                                const policy::Policy* session_policy, const aws::Operation& operation,
                                const config::RoleSettings& role, const config::Target& target,
                                const record::OperationFacts& facts, Instant now) {
  const auto policies = snapshot.roles.find(role.arn);
  if (policies == snapshot.roles.end()) return fail(Code::denied, "the role is not configured");
  HOLDPOINT_INVARIANT((session_policy == nullptr) == session.policy.empty());
  policy::Request request;
  request.principal = &session.principal;
  request.operation = &operation;
  request.role_arn = session.role_arn;
  request.role_session_name = session.role_session_name;
  request.target = target.name;
  request.target_account = target.account;
  request.source_ip = facts.source_ip;
  request.user_agent = facts.user_agent;
  request.secure_transport = snapshot.tls != nullptr;
  request.now = now;
  request.session_issued_at = session.issued_at;
  request.outside_hold = role.outside == config::Outside::hold;
  return policy::evaluate(policies->second, session_policy, request);
}

bool is_stricter(const policy::ReviewTerms& now_asked, const policy::ReviewTerms& reviewed) {
  if (now_asked.required > reviewed.required) return true;
  if (!std::ranges::is_permutation(now_asked.reviewers, reviewed.reviewers)) return true;
  if (!reviewed.grant_for) return false;
  return !now_asked.grant_for || *now_asked.grant_for < *reviewed.grant_for;
}

}  // namespace holdpoint::pipeline
