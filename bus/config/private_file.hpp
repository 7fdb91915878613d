// Files that hold secrets: written whole or not at all, readable by their owner alone.
#pragma once

#include <filesystem>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::config {

/// Fails with `configuration`, naming the file: missing, larger than 1 MiB, or readable by others than its owner.
Result<Bytes> read_private_file(const std::filesystem::path& file);

/// Atomic (a new file beside it, fsync, rename, fsync of the folder). `mode` is 0600 for secrets.
/// Fails with `configuration`, naming file and cause; the old content then still stands.
Result<void> write_file_atomically(const std::filesystem::path& file, BytesView bytes, unsigned mode = 0600);

}  // namespace holdpoint::config
