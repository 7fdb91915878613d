#include "auditor/log_store.hpp"

#include <libpq-fe.h>

#include <array>
#include <pqxx/pqxx>
#include <set>

#include "auditor/copy_binary.hpp"
#include "auditor/schema.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::int64_t kLogLock = 0x686f6c64706f696e;  // "holdpoin": one log per database, one writer per log

constexpr std::size_t kCopyBytes = 64 << 10;  // handed to libpq at once

/// bytea as parameters take it.
std::string bytea(BytesView bytes) { return "\\x" + to_hex(bytes); }

Bytes bytes_of(const pqxx::field& field) { return from_hex(std::string_view(field.c_str()).substr(2)).value(); }

Result<Hash> hash_of(const pqxx::field& field) {
  const Bytes bytes = bytes_of(field);
  if (bytes.size() != sizeof(Hash)) return fail(Code::tampered, "a hash in the log has another length");
  return hash_from(bytes);
}

/// `malformed` for what the statement's data caused; anything else leaves the outcome unknown.
Error error_of(const std::exception& exception) {
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&exception)) {
    // Class 22 data exception, 23 integrity, 54 limits: sent again they fail again.
    const std::string state = sql->sqlstate();
    // Only who holds the log's lock may write; a row is in the way all the same.
    if (state == "23505" || std::string_view(exception.what()).find("duplicate key") != std::string_view::npos) {
      return fail(Code::tampered, std::string("another hand has written into the log: ") + exception.what());
    }
    for (const char* data : {"22", "23", "54"}) {
      if (state.starts_with(data)) return fail(Code::malformed, exception.what());
    }
    // libpqxx 6.4 reports what COPY of the tree's nodes refuses without a state.
    if (state.empty() && dynamic_cast<const pqxx::broken_connection*>(&exception) == nullptr) {
      return fail(Code::malformed, exception.what());
    }
  }
  return fail(Code::unavailable, std::string("database: ") + exception.what());
}

/// libpqxx 6.4 copies texts alone. A connection policy is its way to libpq's own handle.
class WriterConnection final : public pqxx::connection_base {
 public:
  explicit WriterConnection(const std::string& dsn) : connection_base(policy_), policy_(dsn) {
    init();
    // The lock on the log ends with the connection: one that the library made anew would write without it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    inhibit_reactivation(true);
#pragma GCC diagnostic pop
  }
  ~WriterConnection() noexcept { close(); }

  /// Rows of COPY's binary format, between its beginning and its end.
  void put_copy(const std::string& data) {
    if (PQputCopyData(policy_.handle_, data.data(), static_cast<int>(data.size())) != 1) {
      throw pqxx::broken_connection(PQerrorMessage(policy_.handle_));
    }
  }
  void end_copy() {
    if (PQputCopyEnd(policy_.handle_, nullptr) != 1) throw pqxx::broken_connection(PQerrorMessage(policy_.handle_));
    std::string state = "08006";  // no answer, or one without a code: the connection is gone
    std::string message = "COPY was not answered";
    bool done = false;
    bool failed = false;
    while (PGresult* const result = PQgetResult(policy_.handle_)) {
      if (PQresultStatus(result) == PGRES_COMMAND_OK) {
        done = true;
      } else if (!failed) {
        failed = true;
        const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (code != nullptr) state = code;
        message = PQresultErrorMessage(result);
      }
      PQclear(result);
    }
    if (failed || !done) throw pqxx::sql_error(message, "COPY", state.c_str());
  }

 private:
  struct Policy final : pqxx::connect_direct {
    using connect_direct::connect_direct;
    handle do_startconnect(handle given) override { return handle_ = connect_direct::do_startconnect(given); }
    handle do_disconnect(handle given) noexcept override {
      handle_ = nullptr;
      return connect_direct::do_disconnect(given);
    }
    handle handle_ = nullptr;
  };
  Policy policy_;
};

class PostgresLogStore final : public LogStore {
 public:
  explicit PostgresLogStore(std::string dsn) : dsn_(std::move(dsn)) {}

  Result<LogState> open() override {
    try {
      return connect_and_read();
    } catch (const std::exception& exception) {
      connection_.reset();
      return fail(Code::unavailable, std::string("database: ") + exception.what());
    }
  }

  void close() override { connection_.reset(); }

  Result<void> commit(const Batch& batch) override {
    try {
      ensure_partition(batch.received_at);
      pqxx::work transaction(*connection_);
      copy_rows(transaction, batch);
      copy_nodes(transaction, batch);
      add_sources_and_quarantine(transaction, batch);
      transaction.commit();
      known_sources_.merge(sources_in_flight_);
      return {};
    } catch (const std::exception& exception) {
      return error_of(exception);
    }
  }

  Result<Hash> node(NodeId id) override {
    try {
      pqxx::nontransaction query(*connection_);
      if (id.level < kStoredLevel) return from_leaves(query, id);
      const auto rows = query.exec_params("SELECT hash FROM audit.nodes WHERE level = $1 AND index = $2",
                                          static_cast<int>(id.level), static_cast<std::int64_t>(id.index));
      if (rows.empty()) return fail(Code::tampered, "the log's tree lacks a node");
      return hash_of(rows[0][0]);
    } catch (const std::exception& exception) {
      return error_of(exception);
    }
  }

  Result<std::optional<Hash>> head_at(const std::string& source, record::Position position) override {
    try {
      pqxx::nontransaction query(*connection_);
      const auto rows = query.exec_params(
          "SELECT head FROM audit.entries WHERE source = $1 AND epoch = $2 AND sequence = $3 UNION ALL "
          "SELECT head FROM audit.dropped_leaves WHERE source = $1 AND epoch = $2 AND sequence = $3",
          source, static_cast<std::int64_t>(position.epoch), static_cast<std::int64_t>(position.sequence));
      if (rows.empty()) return std::optional<Hash>();
      const auto head = hash_of(rows[0][0]);
      if (!head) return head.error();
      return std::optional<Hash>(*head);
    } catch (const std::exception& exception) {
      return error_of(exception);
    }
  }

  Result<void> add_checkpoint(std::uint64_t size, const Hash& root, const std::string& note, Instant now) override {
    try {
      pqxx::work transaction(*connection_);
      transaction.exec_params("INSERT INTO audit.checkpoints VALUES ($1, $2::bytea, $3, $4)",
                              static_cast<std::int64_t>(size), bytea(view(root)), note, to_rfc3339(now));
      transaction.commit();
      return {};
    } catch (const std::exception& exception) {
      return error_of(exception);
    }
  }

  Result<StoredCheckpoint> last_checkpoint() override {
    try {
      pqxx::nontransaction query(*connection_);
      const auto rows = query.exec("SELECT size, note FROM audit.checkpoints ORDER BY size DESC LIMIT 1");
      if (rows.empty()) return StoredCheckpoint{};
      return StoredCheckpoint{rows[0][0].as<std::uint64_t>(), rows[0][1].as<std::string>()};
    } catch (const std::exception& exception) {
      return error_of(exception);
    }
  }

 private:
  Result<LogState> connect_and_read() {
    partition_month_ = {};
    known_sources_.clear();
    connection_.reset();
    connection_ = std::make_unique<WriterConnection>(dsn_);
    pqxx::nontransaction query(*connection_);
    if (auto fits = check_version(query); !fits) {
      connection_.reset();
      return fits.error();
    }
    // For the session: it lasts exactly as long as the connection that writes.
    const auto locked = query.exec_params("SELECT pg_try_advisory_lock($1)", kLogLock);
    if (!locked[0][0].as<bool>()) {
      connection_.reset();
      return fail(Code::conflict, "another auditor writes the log");
    }
    query.exec("SET synchronous_commit = on; SET timezone = 'UTC'");
    LogState state;
    const auto size = query.exec(
        "SELECT greatest((SELECT max(index) FROM audit.entries), (SELECT max(last) FROM audit.dropped), -1) + 1, "
        "coalesce((SELECT max(size) FROM audit.checkpoints), 0)");
    state.size = size[0][0].as<std::uint64_t>();
    if (state.size < size[0][1].as<std::uint64_t>()) {
      return fail(Code::tampered, "the log ends at " + std::to_string(state.size) + ", its last checkpoint at " +
                                      size[0][1].as<std::string>() + ": entries are missing");
    }
    for (const auto& row : query.exec("SELECT source, max(epoch) FROM audit.sources GROUP BY source")) {
      auto mark = read_mark(query, row[0].as<std::string>(), row[1].as<std::int64_t>());
      if (!mark) return mark.error();
      state.marks[row[0].as<std::string>()] = *mark;
      known_sources_.insert({row[0].as<std::string>(), row[1].as<std::uint64_t>()});
    }
    return state;
  }

  static Result<void> check_version(pqxx::transaction_base& query) {
    const int found = query.exec("SELECT coalesce(max(version), 0) FROM audit.schema_version")[0][0].as<int>();
    if (found == kSchemaVersion) return {};
    const std::string what = "the schema audit is of version " + std::to_string(found) + " and this auditor's is " +
                             std::to_string(kSchemaVersion) + ": ";
    return fail(Code::configuration,
                what + (found < kSchemaVersion ? "run this program's `holdpoint-auditor --migrate` first"
                                               : "replace it by the version that the schema was migrated with"));
  }

  static Result<SourceMark> read_mark(pqxx::transaction_base& query, const std::string& source, std::int64_t epoch) {
    SourceMark mark{static_cast<std::uint64_t>(epoch), 0, {}};
    for (const char* table : {"entries", "dropped_leaves"}) {
      const auto rows = query.exec_params(std::string("SELECT sequence, head FROM audit.") + table +
                                              " WHERE source = $1 AND epoch = $2 ORDER BY sequence DESC LIMIT 1",
                                          source, epoch);
      if (rows.empty() || rows[0][0].as<std::uint64_t>() <= mark.through) continue;
      const auto head = hash_of(rows[0][1]);
      if (!head) return head.error();
      mark.through = rows[0][0].as<std::uint64_t>();
      mark.head = *head;
    }
    return mark;
  }

  static Result<Hash> from_leaves(pqxx::transaction_base& query, NodeId id) {
    const std::uint64_t first = id.index << id.level;
    const std::uint64_t count = std::uint64_t{1} << id.level;
    const auto rows = query.exec_params(
        "SELECT leaf_hash FROM (SELECT index, leaf_hash FROM audit.entries WHERE index >= $1 AND index < $2 UNION ALL "
        "SELECT index, leaf_hash FROM audit.dropped_leaves WHERE index >= $1 AND index < $2) AS leaves ORDER BY index",
        static_cast<std::int64_t>(first), static_cast<std::int64_t>(first + count));
    if (rows.size() != count) return fail(Code::tampered, "entries are missing from index " + std::to_string(first));
    std::vector<Node> completed;
    HashTree subtree;
    for (const auto& row : rows) {
      const auto leaf = hash_of(row[0]);
      if (!leaf) return leaf;
      subtree.append(*leaf, completed);
    }
    return subtree.root();
  }

  void ensure_partition(Instant moment) {
    const auto month = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(moment));
    const auto this_month = month.year() / month.month();
    if (partition_month_ == this_month) return;
    pqxx::nontransaction query(*connection_);
    query.exec_params("SELECT audit.ensure_partition($1)", to_rfc3339(moment));
    partition_month_ = this_month;
  }

  void copy_rows(pqxx::work& transaction, const Batch& batch) {
    transaction.exec(copy_statement());
    std::string data;
    put_copy_header(data);
    for (const Row& row : batch.rows) {
      put_row(row, batch.received_at, data);
      if (data.size() < kCopyBytes) continue;
      connection_->put_copy(data);
      data.clear();
    }
    put_copy_trailer(data);
    connection_->put_copy(data);
    connection_->end_copy();
  }

  static void copy_nodes(pqxx::work& transaction, const Batch& batch) {
    if (batch.nodes.empty()) return;
    pqxx::stream_to stream(transaction, "audit.nodes", std::vector<std::string>{"level", "index", "hash"});
    for (const Node& node : batch.nodes) {
      stream << std::array<std::string, 3>{std::to_string(node.id.level), std::to_string(node.id.index),
                                           bytea(view(node.hash))};
    }
    stream.complete();
  }

  void add_sources_and_quarantine(pqxx::work& transaction, const Batch& batch) {
    std::set<std::pair<std::string, std::uint64_t>> fresh;
    for (const Row& row : batch.rows) {
      if (!row.quarantine.empty()) {
        transaction.exec_params("INSERT INTO audit.quarantine VALUES ($1, $2)", static_cast<std::int64_t>(row.index),
                                row.quarantine);
      }
      const std::pair chain{row.source, row.position.epoch};
      if (known_sources_.contains(chain) || !fresh.insert(chain).second) continue;
      transaction.exec_params("INSERT INTO audit.sources VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", row.source,
                              static_cast<std::int64_t>(row.position.epoch), row.key_id, to_rfc3339(batch.received_at));
    }
    sources_in_flight_ = std::move(fresh);  // known once the transaction is
  }

  std::string dsn_;
  std::unique_ptr<WriterConnection> connection_;
  std::chrono::year_month partition_month_{};
  std::set<std::pair<std::string, std::uint64_t>> known_sources_;
  std::set<std::pair<std::string, std::uint64_t>> sources_in_flight_;
};

}  // namespace

std::unique_ptr<LogStore> postgres_log_store(std::string dsn) {
  return std::make_unique<PostgresLogStore>(std::move(dsn));
}

}  // namespace holdpoint::auditor
