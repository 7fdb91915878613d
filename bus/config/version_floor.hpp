// The newest version of the configuration that was in force here, kept over a restart: a broker that was restored from
// a backup, or that lies, cannot bring back what was revoked since, however well it is signed.
#pragma once

#include <cstdint>
#include <filesystem>

#include "bus/base/result.hpp"

namespace holdpoint::config {

class VersionFloor {
 public:
  /// An empty path keeps nothing. Reads the file with the first use.
  explicit VersionFloor(std::filesystem::path file) : file_(std::move(file)) {}

  /// On disk when it returns. Fails with `conflict`, naming both versions and the file, when a newer one was in force;
  /// with `configuration` when the file cannot be read or written: then the version must not be used.
  Result<void> admit(std::uint64_t version);

 private:
  Result<void> read();

  std::filesystem::path file_;
  bool known_ = false;
  std::uint64_t newest_ = 0;
};

}  // namespace holdpoint::config
