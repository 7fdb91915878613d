// Where reviews, votes, claims and console sessions are kept: what all replicas of approvals share. Nothing is cached
// in front of it, so no replica can act on what another one has changed.
//
// Every method is one transaction and may block: call it from a worker thread, each thread with a store of its own
// (postgres_store.hpp), or in a test and the simulator from the one thread there is (memory_store.hpp).
// Each change leaves its events in the store's outbox within the same transaction; they stay there until recorded().
// Errors: `unavailable` when the store cannot be reached (the change may or may not have happened; every method is
// safe to repeat), `malformed` for a value that it cannot hold, `not_found`, `conflict`, and what each method names.
//
// Not here: what a vote means (review.hpp), who may vote (eligibility.hpp).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "approvals/review.hpp"
#include "bus/record/event.hpp"

namespace holdpoint::approvals {

/// A review as the store holds it.
struct StoredReview {
  Review review;
  bool announced = false;  ///< its outcome is on record: gateways may be told, grants may be claimed
};

struct Opened {
  StoredReview stored;
  bool joined = false;
};

inline ReviewStatus status_of(const StoredReview& stored, Instant now) {
  const Review& review = stored.review;
  return {review.question().review_id, review.state_at(now), review.decision(), stored.announced};
}

/// A change of a review: edits it and names the events that the change makes. It may run again after a conflict, on a
/// fresh copy; an error leaves everything as it was.
using Change = std::function<Result<std::vector<record::Event>>(Review&)>;

struct Edit {
  Id review_id;
  Change change;
};

enum class ListOrder : std::uint8_t { newest_first, soonest_to_expire };

struct ListFilter {
  std::optional<ReviewState> state;
  std::size_t limit = 100;
  std::optional<Id> before = std::nullopt;  ///< of the newest: those asked before this review, the last of a page
  ListOrder order = ListOrder::newest_first;
};

struct ConsoleSession {
  std::string reviewer;  ///< identity::Principal as JSON text
  Instant expires_at{};
};

/// Reviews of one principal that may wait, for each call of theirs that one gateway may park: several gateways park,
/// and a client that hung up leaves its review open.
constexpr std::size_t kPendingPerParked = 5;

class ReviewStore {
 public:
  virtual ~ReviewStore() = default;

  /// Joins, or keeps a new review with its event. Joined is, for the same principal and digest, in this order: the
  /// review that this invocation asked before (but for one that another call used up), a review that is pending or
  /// granted and not used, and, for a client without invocation ids, one whose operation is still under way.
  /// Fails with `overloaded` when `pending_max` of the principal wait already.
  virtual Result<Opened> open(const Question& question, const std::string& invocation_id, std::size_t pending_max,
                              const record::Event& requested, Instant now) = 0;
  virtual Result<StoredReview> find(const Id& review_id) = 0;
  /// Of those that exist, in no order. Gateways ask it of all that waits, so it reads no questions.
  virtual Result<std::vector<ReviewStatus>> statuses(std::span<const Id> review_ids, Instant now) = 0;
  virtual Result<std::vector<StoredReview>> list(const ListFilter& filter) = 0;
  virtual Result<std::size_t> pending_count() = 0;
  /// Answers in order. What one edit is refused with leaves its review as the edits before left it and stops no other.
  /// Neither the edits nor the answers can count on the question's details: what is decided does not depend on them.
  virtual Result<std::vector<Result<StoredReview>>> change_all(std::span<const Edit> edits) = 0;
  Result<StoredReview> change(const Id& review_id, const Change& change);
  /// Reviews that time has overtaken (Review::expire would change them).
  virtual Result<std::vector<Id>> overdue(Instant now, std::size_t limit) = 0;

  /// Answers in order. `claimed[i]` is the event of claims[i]. Atomic: of all who try, at any replica, at most one
  /// gets a grant for once, and one operation of each invocation a grant for a time.
  virtual Result<std::vector<ClaimAnswer>> claim(std::span<const Claim> claims, std::span<const record::Event> claimed,
                                                 Instant now) = 0;
  /// approvals::settle() on each stored claim, in order; a release gives a grant for once back, and forbids a claim
  /// that has not come yet. Answers in order: false when nothing changed. `settled[i]` is the event of settlements[i].
  virtual Result<std::vector<Result<bool>>> settle(std::span<const Settlement> settlements,
                                                   std::span<const record::Event> settled) = 0;
  /// Claims of a gateway that have no outcome yet, at most 1000, oldest first.
  virtual Result<std::vector<Claim>> claims_of(const std::string& gateway) = 0;

  /// Events that are older than `before` and not known to be recorded (their replica died in between), in the order
  /// of the changes.
  virtual Result<std::vector<record::Event>> unrecorded(Instant before, std::size_t limit) = 0;
  /// The events are durable in a journal. Announces the decisions among them.
  virtual Result<void> recorded(std::span<const record::Event> events) = 0;

  /// Console: a secret is kept as its hash alone. A link works once (`not_found` afterwards, or when too late).
  virtual Result<void> add_link(const Hash& code, const std::string& reviewer, Instant expires_at) = 0;
  virtual Result<std::string> use_link(const Hash& code, Instant now) = 0;
  virtual Result<void> add_session(const Hash& cookie, const ConsoleSession& session) = 0;
  virtual Result<ConsoleSession> session(const Hash& cookie, Instant now) = 0;
  virtual Result<void> remove_session(const Hash& cookie) = 0;
};

inline Result<StoredReview> ReviewStore::change(const Id& review_id, const Change& change) {
  const Edit edit{review_id, change};
  auto changed = change_all(std::span(&edit, 1));
  if (!changed) return changed.error();
  return std::move(changed->front());
}

}  // namespace holdpoint::approvals
