// One replica's connection to the reviews' database: the production in-memory store, whose transactions fail before or
// after they took effect, and with which the replica may die at any step.
#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "approvals/review_store.hpp"
#include "tests/sim/world.hpp"

namespace holdpoint::sim {

struct StoreFaults {
  World& world;
  std::function<bool()> faulty;
  std::function<bool()> dead;
  std::function<void()> die;
  std::set<std::string>& given_up;  ///< operations whose release came before their claim
  bool claim_not_atomic = false;
  bool release_forgotten = false;
};

class FaultyReviewStore final : public approvals::ReviewStore {
 public:
  FaultyReviewStore(approvals::ReviewStore& store, StoreFaults faults) : store_(store), faults_(std::move(faults)) {}

  using Id = holdpoint::Id;
  using Event = record::Event;
  Result<approvals::Opened> open(const approvals::Question& question, const std::string& invocation_id,
                                 std::size_t pending_max, const Event& requested, Instant now) override {
    return run<approvals::Opened>([&] { return store_.open(question, invocation_id, pending_max, requested, now); });
  }
  Result<approvals::StoredReview> find(const Id& review_id) override {
    return run<approvals::StoredReview>([&] { return store_.find(review_id); });
  }
  Result<std::vector<approvals::ReviewStatus>> statuses(std::span<const Id> review_ids, Instant now) override {
    return run<std::vector<approvals::ReviewStatus>>([&] { return store_.statuses(review_ids, now); });
  }
  Result<std::vector<approvals::StoredReview>> list(const approvals::ListFilter& filter) override {
    return run<std::vector<approvals::StoredReview>>([&] { return store_.list(filter); });
  }
  Result<std::size_t> pending_count() override {
    return run<std::size_t>([&] { return store_.pending_count(); });
  }
  Result<std::vector<Result<approvals::StoredReview>>> change_all(std::span<const approvals::Edit> edits) override {
    return run<std::vector<Result<approvals::StoredReview>>>([&] { return store_.change_all(edits); });
  }
  Result<std::vector<Id>> overdue(Instant now, std::size_t limit) override {
    return run<std::vector<Id>>([&] { return store_.overdue(now, limit); });
  }
  Result<std::vector<approvals::ClaimAnswer>> claim(std::span<const approvals::Claim> claims,
                                                    std::span<const Event> claimed, Instant now) override {
    auto answers = run<std::vector<approvals::ClaimAnswer>>([&] { return store_.claim(claims, claimed, now); });
    for (const approvals::Claim& claim : claims) {
      if (faults_.given_up.contains(to_text(claim.operation_id))) faults_.world.saw("claim came after it was given up");
    }
    if (!answers || !faults_.claim_not_atomic) return answers;
    // As if both had read "granted" before either had written.
    for (approvals::ClaimAnswer& answer : *answers) {
      if (answer.result == approvals::ClaimResult::in_use) answer.result = approvals::ClaimResult::claimed;
    }
    return answers;
  }
  Result<std::vector<Result<bool>>> settle(std::span<const approvals::Settlement> settlements,
                                           std::span<const Event> settled) override {
    for (const approvals::Settlement& each : settlements) {
      if (each.state != approvals::ClaimState::released || is_claimed(each)) continue;
      faults_.given_up.insert(to_text(each.operation_id));
      if (faults_.release_forgotten) return fail(Code::not_found, "no such claim");
    }
    return run<std::vector<Result<bool>>>([&] { return store_.settle(settlements, settled); });
  }
  Result<std::vector<approvals::Claim>> claims_of(const std::string& gateway) override {
    return run<std::vector<approvals::Claim>>([&] { return store_.claims_of(gateway); });
  }
  Result<std::vector<Event>> unrecorded(Instant before, std::size_t limit) override {
    return run<std::vector<Event>>([&] { return store_.unrecorded(before, limit); });
  }
  Result<void> recorded(std::span<const Event> events) override {
    return run<void>([&] { return store_.recorded(events); });
  }
  Result<void> add_link(const Hash&, const std::string&, Instant) override { return console(); }
  Result<std::string> use_link(const Hash&, Instant) override { return console(); }
  Result<void> add_session(const Hash&, const approvals::ConsoleSession&) override { return console(); }
  Result<approvals::ConsoleSession> session(const Hash&, Instant) override { return console(); }
  Result<void> remove_session(const Hash&) override { return console(); }

 private:
  static Error console() { return fail(Code::unsupported, "the simulator has no console"); }

  [[nodiscard]] bool is_claimed(const approvals::Settlement& settlement) const {
    const auto claims = store_.claims_of(settlement.by.gateway).value();
    return std::any_of(claims.begin(), claims.end(),
                       [&](const approvals::Claim& claim) { return claim.operation_id == settlement.operation_id; });
  }

  template <class T, class Transaction>
  Result<T> run(Transaction transaction) {
    constexpr double kEach = 0.01;
    if (faults_.dead()) return fail(Code::unavailable, "this process is gone");
    Random& random = faults_.world.random();
    const bool faulty = faults_.faulty();
    if (faulty && random.chance(kEach)) {
      faults_.world.saw("review store failed before it took effect");
      return fail(Code::unavailable, "the transaction failed");
    }
    Result<T> result = transaction();
    if (faulty && random.chance(kEach)) {
      faults_.world.saw("review store failed after it took effect");
      return fail(Code::unavailable, "the transaction's answer was lost");
    }
    if (faulty && random.chance(kEach / 2)) {
      faults_.world.saw("approvals died between a transaction and what follows it");
      faults_.die();
      return fail(Code::unavailable, "this process is gone");
    }
    return result;
  }

  approvals::ReviewStore& store_;
  StoreFaults faults_;
};

}  // namespace holdpoint::sim
