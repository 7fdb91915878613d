// Where the log is kept. One writer: open() takes the log's lock and holds it as long as the store lives.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auditor/hash_tree.hpp"
#include "auditor/intake.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::auditor {

struct Row {
  std::uint64_t index = 0;
  std::string source;
  record::Position position;
  std::string key_id;  ///< of the submission's sender
  Hash leaf{};
  Hash head{};
  Bytes bytes;
  std::vector<std::optional<std::string>> columns;
  std::string quarantine;  ///< why its columns are left out; empty = they are not
};

/// Rows with consecutive indices, and the nodes that they complete (of level kStoredLevel and above).
struct Batch {
  std::vector<Row> rows;
  std::vector<Node> nodes;
  Instant received_at{};
};

/// Subtrees of 256 leaves and more are kept; smaller ones are computed, which saves two rows per entry.
constexpr unsigned kStoredLevel = 8;

struct LogState {
  std::uint64_t size = 0;
  std::map<std::string, SourceMark> marks;  ///< of each source's newest epoch
};

struct StoredCheckpoint {
  std::uint64_t size = 0;
  std::string note;
};

class LogStore {
 public:
  virtual ~LogStore() = default;
  /// Connects, takes the lock, reads. `conflict` while another auditor holds it, `unavailable` without a database,
  /// `tampered` when the log is shorter than its last checkpoint.
  virtual Result<LogState> open() = 0;
  /// Gives the lock back. Nothing but open() may follow.
  virtual void close() {}
  /// All or nothing. `malformed`: the database refuses something in it, nothing was stored. `tampered`: nothing was
  /// stored, since somebody else put a row where this batch belongs. Any other error: whether it was stored is unknown,
  /// and open() must be called again before anything else.
  virtual Result<void> commit(const Batch& batch) = 0;
  virtual Result<Hash> node(NodeId id) = 0;
  virtual Result<std::optional<Hash>> head_at(const std::string& source, record::Position position) = 0;
  virtual Result<void> add_checkpoint(std::uint64_t size, const Hash& root, const std::string& note, Instant now) = 0;
  virtual Result<StoredCheckpoint> last_checkpoint() = 0;
};

/// PostgreSQL. `dsn` is that of a role with INSERT and SELECT alone.
std::unique_ptr<LogStore> postgres_log_store(std::string dsn);

/// Applies schema/*.sql as the schema's owner. Safe to repeat. For start-up: says what failed.
Result<void> migrate(const std::string& owner_dsn);

}  // namespace holdpoint::auditor
