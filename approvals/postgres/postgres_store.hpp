// The ReviewStore in PostgreSQL. One connection, one thread; a process has several stores. The connection is made at
// the first use and again whenever it is lost; a statement that met a conflict, a deadlock or a server that went away
// is tried again for a few seconds, then `unavailable`.
#pragma once

#include <memory>
#include <string>

#include "approvals/review_store.hpp"

namespace holdpoint::approvals {

/// Applies schema/reviews.sql as the schema's owner, unless it is of this version or a later one. Safe to repeat, also
/// at the same time and beside replicas at work.
Result<void> migrate(const std::string& database);
/// Fails with `configuration`, saying what to do, when this program does not work under the schema as it is, and with
/// `unavailable` when it cannot be looked at. Every connection of a store looks anew.
Result<void> check_schema(const std::string& database);

class PostgresStore final : public ReviewStore {
 public:
  /// `database` is a libpq connection string or URI; several hosts are fine.
  explicit PostgresStore(std::string database, Duration patience = std::chrono::seconds(5));
  ~PostgresStore() override;

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
  class Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace holdpoint::approvals
