// Decides one operation by a role's policies: Deny, then Hold, then Allow, then the implicit deny; every (action,
// resource) pair must pass and the strictest pair wins. Pure and reentrant: no clock, no I/O.
//
// Not here: what an operation needs (gateway/aws), who is asking (bus/identity), the review itself (gateway/review).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "bus/base/time.hpp"
#include "gateway/policy/decision.hpp"
#include "gateway/policy/policy.hpp"

namespace holdpoint::identity {
struct Principal;
}
namespace holdpoint::aws {
struct Operation;
struct Requirement;
}  // namespace holdpoint::aws

namespace holdpoint::policy {

/// What is asked, by whom, from where. Nothing in it is copied by the engine: it must live through the call.
struct Request {
  const identity::Principal* principal = nullptr;
  const aws::Operation* operation = nullptr;
  std::string role_arn;
  std::string role_session_name;
  std::string target;          ///< the target's name
  std::string target_account;  ///< 12 digits; what aws:ResourceAccount is where the ARN names no account
  std::string source_ip;
  std::string user_agent;
  bool secure_transport = false;
  Instant now{};
  std::optional<Instant> session_issued_at;
  bool outside_hold = false;  ///< the role's `outside: hold`: what no statement allows is held
};

/// Condition keys of a request for one of its pairs. The keys that the gateway knows by itself can not be overridden by
/// what the classifier read from the request. aws:username is the principal's subject, aws:userid "issuer:subject",
/// aws:PrincipalTag/NAME and holdpoint:claim/NAME the token's claims, holdpoint:hour and holdpoint:weekday are UTC.
class RequestContext final : public Context {
 public:
  RequestContext(const Request& request, const aws::Requirement* requirement)
      : request_(request), requirement_(requirement) {}
  [[nodiscard]] std::vector<std::string> values(std::string_view key) const override;
  [[nodiscard]] Knowledge knowledge(std::string_view key) const override;

 private:
  /// What the classifier read from the request; nullptr = nothing.
  [[nodiscard]] const std::vector<std::string>* read(std::string_view key) const;

  const Request& request_;
  const aws::Requirement* requirement_;
};

/// Whether `key` (lower case) is one of the aws: and holdpoint: keys that a request here can have.
bool is_known_key(std::string_view key);
/// All of them, for suggestions; those with a free part end in "/".
std::span<const std::string_view> known_keys();
/// Keys that can have several values.
bool is_multivalued_key(std::string_view key);

/// `session_policy` (null = none) only narrows: what it does not allow is denied, whatever the role says. An operation
/// without a single pair is denied. Several Hold statements on one call: the highest count, the shortest times, and the
/// reviewers that all of them name; if none is named by all, the call is denied, saying which statements disagree.
/// `Decision::review.reviewers` empty = any of the configuration's groups.
Decision evaluate(std::span<const Policy> policies, const Policy* session_policy, const Request& request);

/// The decision and how each statement took part, as text for a terminal.
std::string explain(std::span<const Policy> policies, const Policy* session_policy, const Request& request);

}  // namespace holdpoint::policy
