// The stored log as the verifier reads it; verify_store.cpp reads it from PostgreSQL.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::auditor::verify {

/// All as stored, nothing believed: hashes may have any length.
struct StoredEntry {
  std::int64_t index = 0;
  std::string received_at;
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  Bytes leaf;
  Bytes head;
  Bytes bytes;
  bool quarantined = false;
  bool dropped = false;  ///< by retention: no bytes, no columns
  std::map<std::string, std::optional<std::string>> columns;
};

struct StoredCheckpoint {
  std::uint64_t size = 0;
  Bytes root;
  std::string note;
};

/// A month that retention removed, as it is recorded.
struct Removal {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::string partition;
  std::string at;  ///< as received_at
  std::string by;
};

/// A chain as the log says that it began.
struct StoredSource {
  std::string source;
  std::uint64_t epoch = 0;
  std::string key_id;
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Begins at the entries with index >= first; next() then gives every one of them by index, those that share an index
  /// too, and none twice.
  virtual Result<void> begin(std::int64_t first) = 0;
  /// Up to `count`; empty at the end.
  virtual Result<std::vector<StoredEntry>> next(std::size_t count) = 0;
  virtual Result<std::vector<StoredCheckpoint>> checkpoints() = 0;  ///< by size
  /// By (level, index).
  virtual Result<std::map<std::pair<unsigned, std::uint64_t>, Bytes>> nodes() = 0;
  virtual Result<std::map<std::int64_t, std::string>> quarantine() = 0;  ///< reasons by index
  virtual Result<std::vector<Removal>> removals() = 0;
  virtual Result<std::vector<StoredSource>> sources() = 0;
};

/// Reads audit.entries where the role may, else the views: a superuser could have changed those to show something else.
Result<std::unique_ptr<LogSource>> open_log(const std::string& dsn);

}  // namespace holdpoint::auditor::verify
