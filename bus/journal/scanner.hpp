// Walks the entries of one segment, checking each against the chain. Recovery and reading both go through it.
#pragma once

#include <memory>
#include <optional>

#include "bus/journal/directory.hpp"
#include "bus/journal/segment.hpp"

namespace holdpoint::journal {

class Scanner {
 public:
  /// Begins after the header; `previous` is head(first - 1).
  Scanner(std::unique_ptr<File> file, std::uint64_t first, const Hash& previous)
      : file_(std::move(file)), sequence_(first), head_(previous) {}

  /// Nothing is read beyond `offset`: what comes there is not durable yet, or zeros.
  void set_end(std::uint64_t offset) { end_ = offset; }
  /// The next entry, or nullopt where none follows that fits the chain. An Error only when the file cannot be read.
  Result<std::optional<Bytes>> next();

  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }  ///< of the entry that next() would give
  [[nodiscard]] const Hash& head() const { return head_; }            ///< of the entry before it
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] File& file() { return *file_; }

 private:
  Result<std::optional<Bytes>> try_next();
  Result<BytesView> at_least(std::size_t count);

  std::unique_ptr<File> file_;
  std::uint64_t offset_ = kHeaderBytes;
  std::uint64_t end_ = UINT64_MAX;
  std::uint64_t sequence_;
  Hash head_;
  Bytes buffer_;
  std::uint64_t buffer_offset_ = 0;
};

}  // namespace holdpoint::journal
