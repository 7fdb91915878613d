#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

Result<policy::Policy> SessionPolicies::get(const std::string& text) {
  if (const auto found = policies_.find(text); found != policies_.end()) return found->second;
  auto compiled = policy::Policy::parse("session policy", text, policy::PolicyKind::session);
  if (!compiled) return compiled;
  if (policies_.size() >= kPoliciesMax) policies_.clear();
  policies_.emplace(text, *compiled);
  return compiled;
}

}  // namespace holdpoint::pipeline
