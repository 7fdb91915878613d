#include "approvals/grant.hpp"

#include <algorithm>
#include <array>

#include "bus/base/json.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::string_view kDecisionDomain = "holdpoint-decision-v1\n";
constexpr std::array<std::string_view, 6> kClaimStates{"claimed", "sent", "done", "failed", "unknown", "released"};

int rank(ClaimState state) {
  switch (state) {
    case ClaimState::claimed:
      return 0;
    case ClaimState::sent:
      return 1;
    default:
      return 2;
  }
}

}  // namespace

GrantTerms narrower(const GrantTerms& a, const GrantTerms& b) {
  if (a.once() || b.once()) return {};
  return {std::min(*a.window, *b.window)};
}

bool within_terms(const GrantTerms& inner, const GrantTerms& outer) { return narrower(inner, outer) == inner; }

Grant make_grant(const GrantTerms& terms, Instant decided_at, Duration once_within) {
  return {terms.once(), decided_at, decided_at + terms.window.value_or(once_within)};
}

std::string decision_text(const Decision& decision) {
  const bool once = decision.grant.once || !decision.approved;
  // count: how often a grant may be used; 0 with "for" means any number within the window, 0 in a rejection never.
  const Json grant{{"kind", once ? "once" : "for"},
                   {"count", decision.approved && once ? 1 : 0},
                   {"not_before", to_rfc3339(decision.approved ? decision.grant.not_before : decision.decided_at)},
                   {"expires_at", to_rfc3339(decision.approved ? decision.grant.expires_at : decision.decided_at)}};
  return to_json(Json{{"deployment", decision.deployment},
                      {"review_id", to_text(decision.review_id)},
                      {"digest", decision.digest},
                      {"verdict", decision.approved ? "approved" : "rejected"},
                      {"reason", decision.reason},
                      {"grant", grant},
                      {"reviewers", decision.reviewers},
                      {"policy_version", decision.policy_version},
                      {"decided_at", to_rfc3339(decision.decided_at)}});
}

SignedDecision sign_decision(const Decision& decision, std::string_view key_id, const SigningKey& key) {
  std::string text = decision_text(decision);
  Bytes signature = key.sign(std::string(kDecisionDomain) + text);
  return {std::move(text), std::string(key_id), std::move(signature)};
}

bool verify_decision(const SignedDecision& decision, BytesView public_key) {
  return verify_ed25519(public_key, std::string(kDecisionDomain) + decision.text, decision.signature);
}

std::string_view name(ClaimState state) { return kClaimStates.at(static_cast<std::size_t>(state)); }

std::optional<ClaimState> claim_state_from_name(std::string_view name) {
  const auto found = std::find(kClaimStates.begin(), kClaimStates.end(), name);
  if (found == kClaimStates.end()) return std::nullopt;
  return static_cast<ClaimState>(found - kClaimStates.begin());
}

bool settled(ClaimState state) {
  return state == ClaimState::done || state == ClaimState::failed || state == ClaimState::unknown;
}

std::string_view name(ClaimResult result) {
  constexpr std::array<std::string_view, 4> names{"claimed", "in_use", "settled", "closed"};
  return names.at(static_cast<std::size_t>(result));
}

ClaimAnswer answer_claim(const Claim& wanted, const Claim* own, const Claim* other) {
  const auto stands = [&](const Claim& claim, ClaimResult result) {
    return ClaimAnswer{wanted.operation_id, result, claim.state, claim.outcome};
  };
  if (own != nullptr) {
    const bool same = own->review_id == wanted.review_id && own->digest == wanted.digest &&
                      own->principal == wanted.principal && own->claimer == wanted.claimer;
    if (!same || own->state == ClaimState::released) return {wanted.operation_id, ClaimResult::closed, {}, {}};
    if (settled(own->state)) return stands(*own, ClaimResult::settled);
    // Once it says `sent`, asking again cannot be the answer that got lost: nobody may send on this.
    return stands(*own, own->state == ClaimState::claimed ? ClaimResult::claimed : ClaimResult::in_use);
  }
  if (other == nullptr || other->digest != wanted.digest || other->principal != wanted.principal) {
    return {wanted.operation_id, ClaimResult::closed, {}, {}};
  }
  if (!settled(other->state)) return stands(*other, ClaimResult::in_use);
  const bool same_call = !wanted.invocation_id.empty() && other->invocation_id == wanted.invocation_id;
  if (same_call) return stands(*other, ClaimResult::settled);
  return {wanted.operation_id, ClaimResult::closed, {}, {}};
}

Result<bool> settle(Claim& claim, const Settlement& settlement) {
  const ClaimState state = settlement.state;
  const std::string& outcome = settlement.outcome;
  // What permits nothing a gateway may say of its earlier self even under a new key, as one whose host was lost has.
  const bool gives_up = state == ClaimState::unknown && claim.claimer.gateway == settlement.by.gateway &&
                        claim.claimer.epoch == settlement.by.epoch;
  if (claim.claimer != settlement.by && !gives_up)
    return fail(Code::denied, "only the gateway that claimed the grant may settle it");
  if (claim.state == state && rank(state) < 2) return false;
  if (claim.state == state) {
    if (outcome.empty() || outcome == claim.outcome) return false;
    return fail(Code::conflict, "the operation already has another outcome");
  }
  if (rank(state) < rank(claim.state)) return false;  // overtaken on the way
  if (rank(claim.state) == 2) {
    return fail(Code::conflict, "the operation is already " + std::string(name(claim.state)));
  }
  if (state == ClaimState::released && claim.state != ClaimState::claimed) {
    return fail(Code::conflict, "bytes may have left: a claim that was sent cannot be released");
  }
  claim.state = state;
  if (!outcome.empty()) claim.outcome = outcome;
  return true;
}

}  // namespace holdpoint::approvals
