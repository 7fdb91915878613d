#include <pqxx/pqxx>

#include "auditor/verify/expected_columns.hpp"
#include "auditor/verify/log_source.hpp"

namespace holdpoint::auditor::verify {
namespace {

Bytes bytes_of(const pqxx::field& field) {
  if (field.is_null()) return {};
  return from_hex(std::string_view(field.c_str()).substr(2)).value_or(Bytes());
}

class PostgresLog final : public LogSource {
 public:
  explicit PostgresLog(const std::string& dsn) : connection_(dsn), transaction_(connection_) {
    // One picture of the log, though auditors go on writing.
    transaction_.exec(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL timezone = 'UTC'; "
        "SET LOCAL bytea_output = 'hex'");
    const auto rights = transaction_.exec("SELECT has_table_privilege('audit.entries', 'SELECT')");
    tables_ = rights[0][0].as<bool>();
    for (const auto& [name, value] : expected_columns({})) {
      names_.push_back(name);
      list_ += name == "time" ? ", to_char(time, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')" : ", " + name;
      nulls_ += ", NULL";
    }
  }

  Result<std::vector<StoredEntry>> read(std::uint64_t first, std::size_t count) override {
    try {
      const std::string fixed =
          "index, to_char(received_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), source, epoch, "
          "sequence, leaf_hash, head, bytes, quarantined, false";
      const auto rows = transaction_.exec_params(
          "(SELECT " + fixed + list_ + " FROM " + table("entries", "log") +
              " WHERE index >= $1 ORDER BY index LIMIT $2) UNION ALL "
              "(SELECT index, '', source, epoch, sequence, leaf_hash, head, ''::bytea, false, true" +
              nulls_ + " FROM " + table("dropped_leaves", "log_dropped_leaves") +
              " WHERE index >= $1 ORDER BY index LIMIT $2) ORDER BY 1 LIMIT $2",
          static_cast<std::int64_t>(first), static_cast<std::int64_t>(count));
      std::vector<StoredEntry> entries;
      entries.reserve(rows.size());
      for (const auto& row : rows) entries.push_back(entry_of(row));
      return entries;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading the log: ") + exception.what());
    }
  }

  Result<std::vector<StoredCheckpoint>> checkpoints() override {
    try {
      std::vector<StoredCheckpoint> all;
      for (const auto& row : transaction_.exec("SELECT size, root, note FROM " +
                                               table("checkpoints", "log_checkpoints") + " ORDER BY size")) {
        all.push_back({row[0].as<std::uint64_t>(), bytes_of(row[1]), row[2].as<std::string>()});
      }
      return all;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading checkpoints: ") + exception.what());
    }
  }

  Result<std::map<std::pair<unsigned, std::uint64_t>, Bytes>> nodes() override {
    try {
      std::map<std::pair<unsigned, std::uint64_t>, Bytes> all;
      for (const auto& row : transaction_.exec("SELECT level, index, hash FROM " + table("nodes", "log_nodes"))) {
        all[{row[0].as<unsigned>(), row[1].as<std::uint64_t>()}] = bytes_of(row[2]);
      }
      return all;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading the tree: ") + exception.what());
    }
  }

 private:
  [[nodiscard]] std::string table(const char* table, const char* view) const {
    return std::string("audit.") + (tables_ ? table : view);
  }

  StoredEntry entry_of(const pqxx::row& row) const {
    StoredEntry entry;
    entry.index = row[0].as<std::uint64_t>();
    entry.received_at = row[1].c_str();
    entry.source = row[2].as<std::string>();
    entry.epoch = row[3].as<std::uint64_t>();
    entry.sequence = row[4].as<std::uint64_t>();
    entry.leaf = bytes_of(row[5]);
    entry.head = bytes_of(row[6]);
    entry.bytes = bytes_of(row[7]);
    entry.quarantined = row[8].as<bool>();
    entry.dropped = row[9].as<bool>();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const pqxx::field field = row[static_cast<pqxx::row::size_type>(10 + i)];
      entry.columns[names_[i]] = field.is_null() ? std::nullopt : std::optional(field.as<std::string>());
    }
    return entry;
  }

  pqxx::connection connection_;
  pqxx::work transaction_;
  bool tables_ = false;
  std::vector<std::string> names_;
  std::string list_;
  std::string nulls_;
};

}  // namespace

Result<std::unique_ptr<LogSource>> open_log(const std::string& dsn) {
  try {
    return std::unique_ptr<LogSource>(std::make_unique<PostgresLog>(dsn));
  } catch (const std::exception& exception) {
    return fail(Code::unavailable, std::string("database: ") + exception.what());
  }
}

}  // namespace holdpoint::auditor::verify
