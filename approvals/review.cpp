#include "approvals/review.hpp"

#include <algorithm>
#include <array>

namespace holdpoint::approvals {
namespace {

constexpr std::array<std::string_view, 5> kStates{"pending", "approved", "rejected", "expired", "consumed"};

}  // namespace

bool satisfies(const Question& reviewed, const Question& asked) {
  return reviewed.required >= asked.required && std::ranges::is_permutation(reviewed.reviewers, asked.reviewers) &&
         within_terms(reviewed.terms, asked.terms);
}

std::string_view name(ReviewState state) { return kStates.at(static_cast<std::size_t>(state)); }

std::optional<ReviewState> review_state_from_name(std::string_view name) {
  const auto found = std::find(kStates.begin(), kStates.end(), name);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<ReviewState>(found - kStates.begin());
}

std::string_view name(Verdict verdict) { return verdict == Verdict::approve ? "approve" : "reject"; }

std::optional<Verdict> verdict_from_name(std::string_view name) {
  if (name == "approve") return Verdict::approve;
  if (name == "reject") return Verdict::reject;
  return std::nullopt;
}

Review::Review(Question question, ReviewState state, std::vector<Vote> votes, std::optional<Grant> grant,
               std::optional<SignedDecision> decision)
    : question_(std::make_shared<const Question>(std::move(question))),
      state_(state),
      votes_(std::move(votes)),
      grant_(grant),
      decision_(std::move(decision)) {}

Result<ReviewState> Review::vote(const Vote& vote) {
  // First of all, so that no state and no repetition hides it.
  if (vote.reviewer == question_->principal) return fail(Code::denied, "nobody decides on their own request");
  if (vote.reason.size() > kReasonBytesMax || !is_utf8(vote.reason) || vote.reason.find('\0') != std::string::npos) {
    return fail(Code::malformed, "a reason is UTF-8 text of at most 2000 bytes, without NUL");
  }
  const bool approves = vote.verdict == Verdict::approve;
  if (approves && !within_terms(vote.grant, question_->terms)) {
    return fail(Code::malformed, "the policy does not allow a grant that wide; narrow it");
  }
  const auto mine = std::find_if(votes_.begin(), votes_.end(),
                                 [&](const Vote& earlier) { return earlier.reviewer == vote.reviewer; });
  const bool repeated = mine != votes_.end() && mine->verdict == vote.verdict;
  expire(vote.at);
  if (state_ != ReviewState::pending) {
    if (repeated) return state_;
    return fail(Code::review_closed, "the review is already " + std::string(name(state_)));
  }
  if (repeated) {
    mine->grant = narrower(mine->grant, vote.grant);
  } else if (mine != votes_.end()) {
    *mine = vote;
  } else {
    votes_.push_back(vote);
  }
  if (!approves) {
    state_ = ReviewState::rejected;
  } else if (approvals() >= question_->required) {
    GrantTerms terms = question_->terms;
    for (const Vote& each : votes_) terms = narrower(terms, each.grant);
    state_ = ReviewState::approved;
    grant_ = make_grant(terms, vote.at, question_->within);
  }
  return state_;
}

ReviewState Review::state_at(Instant now) const {
  const bool undecided = state_ == ReviewState::pending && now >= question_->expires_at();
  const bool unused = state_ == ReviewState::approved && now >= grant_->expires_at;
  return undecided || unused ? ReviewState::expired : state_;
}

bool Review::consume(Instant now) {
  if (state_ != ReviewState::approved || !grant_->once || !grant_->holds(now)) return false;
  state_ = ReviewState::consumed;
  return true;
}

bool Review::give_back() {
  if (state_ != ReviewState::consumed) return false;
  state_ = ReviewState::approved;
  return true;
}

void Review::keep_votes(const std::function<bool(const Vote&)>& keep) {
  if (state_ == ReviewState::pending) std::erase_if(votes_, [&](const Vote& vote) { return !keep(vote); });
}

unsigned Review::approvals() const {
  // votes_ holds one vote for each identity, so people are counted, not their groups.
  return static_cast<unsigned>(
      std::count_if(votes_.begin(), votes_.end(), [](const Vote& vote) { return vote.verdict == Verdict::approve; }));
}

std::string Review::reason() const {
  std::string out;
  const auto verdict = state_ == ReviewState::rejected ? Verdict::reject : Verdict::approve;
  for (const Vote& vote : votes_) {
    if (vote.verdict != verdict || vote.reason.empty()) continue;
    // The decision travels in error messages and in lists of a thousand: all reasons together have one's bound.
    if (out.size() + vote.reason.size() + 2 > kReasonBytesMax && !out.empty()) break;
    if (!out.empty()) out += "; ";
    out += vote.reason;
  }
  return out;
}

}  // namespace holdpoint::approvals
