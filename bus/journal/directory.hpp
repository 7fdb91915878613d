// All that the journal wants from the operating system, so that tests and the simulator can swap the world: short
// writes, a failing sync, a full disk, a crash that forgets what was not synced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::journal {

class File {
 public:
  virtual ~File() = default;
  /// Bytes written, which may be fewer than given, but at least one.
  virtual Result<std::size_t> write_at(std::uint64_t offset, BytesView bytes) = 0;
  /// Up to `count` bytes; fewer only at the end of the file.
  virtual Result<Bytes> read_at(std::uint64_t offset, std::size_t count) = 0;
  /// Makes the file `size` bytes long; what is new reads as zeros and has its place on the disk.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  /// What was written is on the disk. After a failure nothing is known about the file any more.
  virtual Result<void> sync() = 0;
};

class Directory {
 public:
  virtual ~Directory() = default;
  virtual Result<std::unique_ptr<File>> create(const std::string& name) = 0;  ///< fails when it exists
  virtual Result<std::unique_ptr<File>> open(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& name) = 0;
  /// Creations, renames and removals so far are on the disk.
  virtual Result<void> sync() = 0;
};

/// A directory of the file system; made (mode 0700) if it is not there. Held by one process at a time: a second one
/// fails with `conflict`.
Result<std::unique_ptr<Directory>> open_directory(const std::filesystem::path& path);

/// Writes all of `bytes`, however short the single writes are.
Result<void> write_all(File& file, std::uint64_t offset, BytesView bytes);

}  // namespace holdpoint::journal
