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
  std::uint64_t index = 0;
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

class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Up to `count` entries with index >= first, in order of index.
  virtual Result<std::vector<StoredEntry>> read(std::uint64_t first, std::size_t count) = 0;
  virtual Result<std::vector<StoredCheckpoint>> checkpoints() = 0;  ///< by size
  /// By (level, index).
  virtual Result<std::map<std::pair<unsigned, std::uint64_t>, Bytes>> nodes() = 0;
};

/// Reads audit.entries where the role may, else the views: a superuser could have changed those to show something else.
Result<std::unique_ptr<LogSource>> open_log(const std::string& dsn);

}  // namespace holdpoint::auditor::verify
