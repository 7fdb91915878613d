// Owns one review from question to outcome. Pure: no clock, no store, no bus.
//
//   pending --enough votes--> approved --claimed (a grant for once)--> consumed
//      |  \--one veto--> rejected  |  <--released, nothing was sent--/
//      |                           \--the grant's time is over--> expired
//      \--nobody decided within the time--> expired
//
// Not here: who may vote (eligibility.hpp), what an approval permits (grant.hpp), where it is kept (review_store.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "approvals/grant.hpp"
#include "bus/base/id.hpp"
#include "bus/base/json.hpp"
#include "bus/base/result.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::approvals {

enum class ReviewState : std::uint8_t { pending, approved, rejected, expired, consumed };
std::string_view name(ReviewState state);
std::optional<ReviewState> review_state_from_name(std::string_view name);

enum class Verdict : std::uint8_t { approve, reject };
std::string_view name(Verdict verdict);  ///< "approve", "reject"
std::optional<Verdict> verdict_from_name(std::string_view name);

constexpr std::size_t kReasonBytesMax = 2000;  ///< of one vote; a text for people that also travels in error messages
constexpr unsigned kRequiredMax = 16;          ///< more people than an on-call rota has cannot be meant
constexpr Duration kWithinMax = std::chrono::hours(24 * 7);
constexpr Duration kWindowMax = std::chrono::hours(24 * 30);

/// What is put to people. Never changes once asked.
struct Question {
  Id review_id;
  std::string digest;                  ///< base64; an HMAC under a key of the gateways, opaque here
  std::string principal;               ///< identity::Principal::name() of who asks
  std::vector<std::string> reviewers;  ///< names in the configuration's `reviewers`; empty = any of them
  unsigned required = 1;
  Duration within = std::chrono::minutes(15);
  GrantTerms terms;
  std::uint64_t policy_version = 0;
  Instant requested_at{};
  Json details = Json::object();  ///< the other members of PROTOCOL.md's review, as the gateway sent them

  [[nodiscard]] Instant expires_at() const { return requested_at + within; }
};
/// True when what people were asked in `reviewed` satisfies a policy that asks for `asked`: as many of the same people,
/// and a grant that permits no more. A later call joins no other review.
bool satisfies(const Question& reviewed, const Question& asked);

struct Vote {
  std::string reviewer;  ///< identity::Principal::name()
  Verdict verdict = Verdict::reject;
  std::string reason;
  GrantTerms grant;  ///< what the reviewer would permit; of an approval only
  Instant at{};
  bool operator==(const Vote&) const = default;
};

/// What a gateway is told of a review.
struct ReviewStatus {
  Id review_id;
  ReviewState state = ReviewState::pending;
  std::optional<SignedDecision> decision;
  bool announced = false;  ///< the decision is on record
};

class Review {
 public:
  explicit Review(Question question) : question_(std::make_shared<const Question>(std::move(question))) {}
  /// As it was stored.
  Review(Question question, ReviewState state, std::vector<Vote> votes, std::optional<Grant> grant,
         std::optional<SignedDecision> decision);

  /// Counts one vote. A repeated vote changes nothing, so a resent message is harmless. A reviewer who approved may
  /// still veto or narrow, never widen. Fails with `denied` for the requester, with `review_closed` once the review
  /// has left `pending`, with `malformed` when the vote asks for more than the policy's terms.
  [[nodiscard]] Result<ReviewState> vote(const Vote& vote);
  /// Pending past its time, or approved past its grant's: expired. Otherwise the state as it is.
  [[nodiscard]] ReviewState state_at(Instant now) const;
  ReviewState expire(Instant now) { return state_ = state_at(now); }
  /// A grant for once is used up, or given back because nothing was sent. False where the state does not allow it.
  bool consume(Instant now);
  bool give_back();
  /// Forgets the votes of an undecided review that `keep` is false for.
  void keep_votes(const std::function<bool(const Vote&)>& keep);
  void set_decision(SignedDecision decision) { decision_ = std::move(decision); }

  [[nodiscard]] const Question& question() const { return *question_; }
  [[nodiscard]] ReviewState state() const { return state_; }
  [[nodiscard]] const std::vector<Vote>& votes() const { return votes_; }
  [[nodiscard]] const std::optional<Grant>& grant() const { return grant_; }
  [[nodiscard]] const std::optional<SignedDecision>& decision() const { return decision_; }
  [[nodiscard]] unsigned approvals() const;  ///< distinct people who approve
  /// What people said: the veto's reason, or the approvals' reasons.
  [[nodiscard]] std::string reason() const;

 private:
  std::shared_ptr<const Question> question_;  ///< never changes: copies of a review share it
  ReviewState state_ = ReviewState::pending;
  std::vector<Vote> votes_;  ///< at most one for each reviewer
  std::optional<Grant> grant_;
  std::optional<SignedDecision> decision_;
};

}  // namespace holdpoint::approvals
