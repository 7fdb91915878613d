#include "approvals/voting.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "approvals/eligibility.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kOverdueMax = 200;  // of one tick; the next one goes on

}  // namespace

record::Event Voting::event(std::string_view type, const Id& review_id, Json data, Instant now) {
  record::Event event;
  event.id = ids_.next(now);
  event.source = signatory_.name;
  event.type = type;
  event.subject = to_text(review_id);
  event.time = now;
  event.data = std::move(data);
  return event;
}

// Signs what the votes have decided and names the event.
record::Event Voting::decide(Review& review, Instant now) {
  const Question& question = review.question();
  Decision decision;
  decision.deployment = signatory_.deployment;
  decision.review_id = question.review_id;
  decision.digest = question.digest;
  decision.approved = review.state() == ReviewState::approved;
  decision.reason = review.reason();
  if (review.grant()) decision.grant = *review.grant();
  const Verdict verdict = decision.approved ? Verdict::approve : Verdict::reject;
  for (const Vote& vote : review.votes()) {
    if (vote.verdict == verdict) decision.reviewers.push_back(vote.reviewer);
  }
  std::sort(decision.reviewers.begin(), decision.reviewers.end());
  decision.policy_version = question.policy_version;
  decision.decided_at = now;
  review.set_decision(sign_decision(decision, signatory_.key_id, signatory_.key));
  Json data = signed_decision_to_json(*review.decision());
  data["review_id"] = to_text(question.review_id);
  data["verdict"] = name(review.state());
  data["reason"] = decision.reason;
  data["reviewers"] = decision.reviewers;
  return event(record::type::kReviewDecided, question.review_id, std::move(data), now);
}

Result<std::vector<record::Event>> Voting::count(Review& review, const Cast& cast,
                                                 const config::Document& configuration, std::string_view via,
                                                 Instant now) {
  const Ballot& ballot = cast.ballot;
  std::vector<record::Event> events;
  if (auto eligible = may_vote(review.question(), cast.reviewer, configuration); !eligible) return eligible.error();
  // Who was eligible yesterday and is not today no longer counts towards a decision of today.
  review.keep_votes([&](const Vote& vote) { return !is_revoked(vote.reviewer, configuration); });
  const auto votes_before = review.votes();
  Vote vote{cast.reviewer.name(), ballot.verdict, ballot.reason, ballot.grant, now};
  const auto state = review.vote(vote);
  if (!state) return state.error();
  if (review.votes() == votes_before) return events;
  events.push_back(event(record::type::kReviewVoted, ballot.review_id,
                         {{"review_id", to_text(ballot.review_id)},
                          {"reviewer", vote.reviewer},
                          {"verdict", name(vote.verdict)},
                          {"reason", vote.reason},
                          {"via", via}},
                         now));
  if (*state != ReviewState::pending) events.push_back(decide(review, now));
  return events;
}

Result<StoredReview> Voting::cast(ReviewStore& store, const identity::Principal& reviewer, const Ballot& ballot,
                                  std::string_view via, Instant now) {
  const Cast one{reviewer, ballot};
  auto counted = cast(store, std::span(&one, 1), via, now);
  if (!counted) return counted.error();
  return std::move(counted->front());
}

Result<std::vector<Result<StoredReview>>> Voting::cast(ReviewStore& store, std::span<const Cast> casts,
                                                       std::string_view via, Instant now) {
  const auto configuration = documents_();
  if (!configuration) return fail(Code::unavailable, "no configuration has arrived yet");
  std::vector<std::vector<record::Event>> events(casts.size());
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < casts.size(); ++i) {
    edits.push_back({casts[i].ballot.review_id, [&, i](Review& review) -> Result<std::vector<record::Event>> {
                       auto made = count(review, casts[i], *configuration, via, now);
                       events[i] = made ? *made : std::vector<record::Event>();  // the store may try again
                       return made;
                     }});
  }
  auto stored = store.change_all(edits);
  if (!stored) return stored.error();
  HOLDPOINT_INVARIANT(stored->size() == casts.size());
  std::vector<record::Event> all;
  for (const auto& each : events) std::copy(each.begin(), each.end(), std::back_inserter(all));
  if (auto announced = announcer_.announce(store, all); !announced) {
    for (std::size_t i = 0; i < casts.size(); ++i) {
      if (!events[i].empty()) (*stored)[i] = announced.error();
    }
  }
  return stored;
}

void Voting::expire_overdue(ReviewStore& store, Instant now) {
  const auto overdue = store.overdue(now, kOverdueMax);
  if (!overdue || overdue->empty()) return;
  std::map<Id, record::Event> ended;
  std::vector<Edit> edits;
  for (const Id& id : *overdue) {
    edits.push_back({id, [&, id](Review& review) -> Result<std::vector<record::Event>> {
                       ended.erase(id);  // the store may try again
                       const bool undecided = review.state() == ReviewState::pending;
                       // An unused grant needs no event: its end stands in the decision.
                       if (review.expire(now) != ReviewState::expired || !undecided)
                         return std::vector<record::Event>();
                       ended[id] = event(record::type::kReviewDecided, id,
                                         {{"review_id", to_text(id)},
                                          {"verdict", "expired"},
                                          {"reason", "nobody decided in time"},
                                          {"reviewers", Json::array()}},
                                         now);
                       return std::vector{ended[id]};
                     }});
  }
  // What fails stays overdue, or in the outbox, for the next tick.
  if (!store.change_all(edits)) return;
  std::vector<record::Event> events;
  for (auto& [id, event] : ended) events.push_back(std::move(event));
  static_cast<void>(announcer_.announce(store, events));
}

}  // namespace holdpoint::approvals
