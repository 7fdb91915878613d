#include <deque>
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
        "SET LOCAL bytea_output = 'hex'; "
        // By the indexes from the first row on: sorting would write the whole log to the disk once more.
        "SET LOCAL enable_sort = off");
    const auto rights = transaction_.exec("SELECT has_table_privilege('audit.entries', 'SELECT')");
    tables_ = rights[0][0].as<bool>();
    for (const auto& [name, value] : expected_columns({})) {
      names_.push_back(name);
      list_ += name == "time" ? ", to_char(time, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')" : ", " + name;
      nulls_ += ", NULL";
    }
  }

  Result<void> begin(std::int64_t first) override {
    const std::string order = " WHERE index >= " + std::to_string(first) + " ORDER BY index";
    try {
      if (!streams_.empty()) transaction_.exec("CLOSE ALL");
      // Cursors: pages that ask for what follows the last index would pass over a second row of that index. Two, since
      // PostgreSQL would sort a union of both.
      transaction_.exec("DECLARE entries NO SCROLL CURSOR FOR SELECT index, " + moment("received_at") +
                        ", source, epoch, sequence, leaf_hash, head, bytes, quarantined, false" + list_ + " FROM " +
                        table("entries", "log") + order);
      transaction_.exec(
          "DECLARE leaves NO SCROLL CURSOR FOR SELECT index, '', source, epoch, sequence, leaf_hash, head, ''::bytea, "
          "false, true" +
          nulls_ + " FROM " + table("dropped_leaves", "log_dropped_leaves") + order);
      streams_ = {{"entries", {}, false}, {"leaves", {}, false}};
      return {};
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading the log: ") + exception.what());
    }
  }

  Result<std::vector<StoredEntry>> next(std::size_t count) override {
    try {
      std::vector<StoredEntry> merged;
      while (merged.size() < count) {
        Stream* least = nullptr;
        for (Stream& stream : streams_) {
          fetch(stream, count);
          if (stream.rows.empty()) continue;
          if (least == nullptr || stream.rows.front().index < least->rows.front().index) least = &stream;
        }
        if (least == nullptr) break;
        merged.push_back(std::move(least->rows.front()));
        least->rows.pop_front();
      }
      return merged;
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

  Result<std::map<std::int64_t, std::string>> quarantine() override {
    try {
      std::map<std::int64_t, std::string> all;
      for (const auto& row : transaction_.exec("SELECT index, reason FROM " + table("quarantine", "log_quarantine"))) {
        all[row[0].as<std::int64_t>()] = row[1].as<std::string>();
      }
      return all;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading the quarantine: ") + exception.what());
    }
  }

  Result<std::vector<Removal>> removals() override {
    try {
      std::vector<Removal> all;
      for (const auto& row :
           transaction_.exec("SELECT first, last, partition, " + moment("dropped_at") + ", dropped_by FROM " +
                             table("dropped", "log_dropped") + " ORDER BY first")) {
        all.push_back({row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::string>(),
                       row[3].as<std::string>(), row[4].as<std::string>()});
      }
      return all;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading what retention removed: ") + exception.what());
    }
  }

  Result<std::vector<StoredSource>> sources() override {
    try {
      std::vector<StoredSource> all;
      for (const auto& row :
           transaction_.exec("SELECT source, epoch, key_id FROM " + table("sources", "log_sources"))) {
        all.push_back({row[0].as<std::string>(), row[1].as<std::uint64_t>(), row[2].as<std::string>()});
      }
      return all;
    } catch (const std::exception& exception) {
      return fail(Code::unavailable, std::string("reading the sources: ") + exception.what());
    }
  }

 private:
  /// What a cursor has given and next() has not.
  struct Stream {
    std::string cursor;
    std::deque<StoredEntry> rows;
    bool ended = false;
  };

  void fetch(Stream& stream, std::size_t count) {
    if (stream.ended || !stream.rows.empty()) return;
    for (const auto& row : transaction_.exec("FETCH " + std::to_string(count) + " FROM " + stream.cursor)) {
      stream.rows.push_back(entry_of(row));
    }
    stream.ended = stream.rows.empty();
  }

  static std::string moment(const std::string& column) {
    return "to_char(" + column + ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
  }

  [[nodiscard]] std::string table(const char* table, const char* view) const {
    return std::string("audit.") + (tables_ ? table : view);
  }

  StoredEntry entry_of(const pqxx::row& row) const {
    StoredEntry entry;
    entry.index = row[0].as<std::int64_t>();
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
  std::vector<Stream> streams_;
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
