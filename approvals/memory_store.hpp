// A ReviewStore in memory: the reference that the PostgreSQL one is tested against, and the simulator's. Its methods
// are atomic because one thread at a time runs them. Survives the crash of a simulated process, not of a real one.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include "approvals/review_store.hpp"

namespace holdpoint::approvals {

class MemoryStore final : public ReviewStore {
 public:
  Result<Opened> open(const Question& question, const std::string& invocation_id, std::size_t pending_max,
                      const record::Event& requested, Instant now) override;
  Result<StoredReview> find(const Id& review_id) override;
  Result<std::vector<ReviewStatus>> statuses(std::span<const Id> review_ids, Instant now) override;
  Result<std::vector<StoredReview>> list(const ListFilter& filter) override;
  Result<std::size_t> pending_count() override;
  Result<std::vector<Result<StoredReview>>> change_all(std::span<const Edit> edits) override;
  Result<std::vector<Id>> overdue(Instant now, std::size_t limit) override;
  Result<std::vector<ClaimAnswer>> claim(std::span<const Claim> claims, std::span<const record::Event> claimed,
                                         Instant now) override;
  Result<std::vector<Result<bool>>> settle(std::span<const Settlement> settlements,
                                           std::span<const record::Event> settled) override;
  Result<std::vector<Claim>> claims_of(const std::string& gateway) override;
  Result<std::vector<record::Event>> unrecorded(Instant before, std::size_t limit) override;
  Result<void> recorded(std::span<const record::Event> events) override;
  Result<void> add_link(const Hash& code, const std::string& reviewer, Instant expires_at) override;
  Result<std::string> use_link(const Hash& code, Instant now) override;
  Result<void> add_session(const Hash& cookie, const ConsoleSession& session) override;
  Result<ConsoleSession> session(const Hash& cookie, Instant now) override;
  Result<void> remove_session(const Hash& cookie) override;

 private:
  using Call = std::tuple<std::string, std::string, std::string>;  // principal, digest, invocation id

  Result<StoredReview> change_one(const Edit& edit);
  StoredReview* joinable(const Question& question, const std::string& invocation_id, Instant now);
  const Claim* live_claim(const Id& review_id) const;
  const Claim* obstacle(const Claim& wanted, const Review& review) const;
  Result<bool> settle_one(const Settlement& settlement, const record::Event& settled);
  ClaimAnswer claim_one(const Claim& wanted, const record::Event& event, Instant now);

  std::mutex mutex_;
  std::map<Id, StoredReview> reviews_;
  std::map<Call, Id> calls_;
  std::map<Id, Claim> claims_;
  std::vector<record::Event> outbox_;  ///< in the order of the changes
  std::map<Hash, ConsoleSession> links_;
  std::map<Hash, ConsoleSession> sessions_;
};

}  // namespace holdpoint::approvals
