// What an approval permits: for how long and how often, and the signed text that says so to gateways. Pure.
//
// The states of one claim on a grant:
//   claimed --intent is in the gateway's journal--> sent --> done | failed | unknown
//      \--the claimer, still alive, has sent nothing--> released
//
// A release that comes before its claim (which a slow database holds up) leaves a claim that was never used: one that
// is released already, so that the late one finds it and takes nothing.
//
// Not here: votes (review.hpp); the statement that makes a claim atomic (the stores).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/base/id.hpp"
#include "bus/base/result.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::approvals {

/// Once, or any number of times within a window that begins with the decision.
struct GrantTerms {
  std::optional<Duration> window;  ///< nullopt = once
  [[nodiscard]] bool once() const { return !window.has_value(); }
  bool operator==(const GrantTerms&) const = default;
};
/// The stricter of the two: once before a window, a short window before a long one.
GrantTerms narrower(const GrantTerms& a, const GrantTerms& b);
/// True when `inner` permits nothing that `outer` does not.
bool within_terms(const GrantTerms& inner, const GrantTerms& outer);

struct Grant {
  bool once = true;
  Instant not_before{};
  Instant expires_at{};  ///< exclusive
  [[nodiscard]] bool holds(Instant now) const { return not_before <= now && now < expires_at; }
  bool operator==(const Grant&) const = default;
};

/// The time to live runs from the decision: the window, or for a grant for once `once_within`.
Grant make_grant(const GrantTerms& terms, Instant decided_at, Duration once_within);

struct Decision {
  std::string deployment;
  Id review_id;
  std::string digest;
  bool approved = false;
  std::string reason;
  Grant grant;                         ///< of a rejection: empty, count 0
  std::vector<std::string> reviewers;  ///< distinct people, sorted
  std::uint64_t policy_version = 0;
  Instant decided_at{};
};

struct SignedDecision {
  std::string text;  ///< canonical JSON, PROTOCOL.md, "reviews"
  std::string key_id;
  Bytes signature;
  bool operator==(const SignedDecision&) const = default;
};

std::string decision_text(const Decision& decision);
SignedDecision sign_decision(const Decision& decision, std::string_view key_id, const SigningKey& key);
bool verify_decision(const SignedDecision& decision, BytesView public_key);

enum class ClaimState : std::uint8_t { claimed, sent, done, failed, unknown, released };
std::string_view name(ClaimState state);
std::optional<ClaimState> claim_state_from_name(std::string_view name);
/// done, failed or unknown: there is an outcome, which a retry of the same call gets.
bool settled(ClaimState state);

/// Who claims and therefore alone sends: a gateway in one life of its process.
struct Claimer {
  std::string gateway;
  std::uint64_t epoch = 0;
  std::string key_id;  ///< stamped by the broker, so that no gateway settles for another
  bool operator==(const Claimer&) const = default;
};

/// One operation's use of a grant.
struct Claim {
  Id operation_id;
  Id review_id;
  std::string digest;
  std::string principal;
  std::string invocation_id;  ///< empty = the client sends none
  Claimer claimer;
  ClaimState state = ClaimState::claimed;
  std::string outcome;  ///< JSON object text; empty = none
  Instant claimed_at{};
};

enum class ClaimResult : std::uint8_t { claimed, in_use, settled, closed };
std::string_view name(ClaimResult result);

struct ClaimAnswer {
  Id operation_id;
  ClaimResult result = ClaimResult::closed;
  std::optional<ClaimState> state;
  std::string outcome;
};

/// What a gateway is told, from what the store holds after the attempt: the operation's own claim and the live claim
/// of another operation that stands in its way (of the same call, or of a grant for once).
ClaimAnswer answer_claim(const Claim& wanted, const Claim* own, const Claim* other);

/// What a claimer says became of its claim.
struct Settlement {
  Id operation_id;
  Id review_id;
  Claimer by;
  ClaimState state = ClaimState::sent;
  std::string outcome;  ///< as Claim::outcome
};

/// True when the settlement changes the claim, false when it is already true (resent, overtaken by a later state).
/// Fails with `denied` for anybody but the claimer (for `unknown`: but the claimer's gateway, under any key of its
/// own), `conflict` where it would go back or contradict an outcome.
Result<bool> settle(Claim& claim, const Settlement& settlement);

}  // namespace holdpoint::approvals
