// The journal's files: what is durable, in order, and where. One owner, one thread; journal.hpp puts a thread around
// it.
//
//   open --append fails--> failed --recover()--> open
//
// After a failed write or sync nothing is known about the segment's end, so a failed spool never writes to that file
// again: recover() begins a new segment after the last entry that is known to be durable, and the new header says that
// what may lie beyond it in the old segment does not count.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "bus/journal/directory.hpp"
#include "bus/journal/segment.hpp"

namespace holdpoint::journal {

struct SpoolOptions {
  std::uint64_t segment_bytes = 8 << 20;  ///< about 13,000 entries: forgetting is by whole segments
  std::uint64_t bytes_max = 1 << 30;      ///< an hour of 500 entries/s without an auditor
  std::uint64_t retain_bytes = 64 << 20;  ///< acknowledged segments kept, so that a restarted process can read back
  std::uint64_t epoch_if_new = 1;         ///< milliseconds since 1970, when the directory holds no journal yet
  std::uint64_t boot_least = 1;           ///< of this life's number: above those of lives that this disk has forgotten
};

/// A segment's durable part. Entries first .. first + count - 1 end before `end`.
struct SegmentInfo {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  std::uint64_t end = kHeaderBytes;
  Hash previous{};
  std::uint64_t file_bytes = 0;

  [[nodiscard]] std::uint64_t last() const { return first + count - 1; }
};

class Spool {
 public:
  /// Reads and checks what is there, cuts a torn tail, begins a segment for this boot. `directory` outlives the spool.
  /// Fails with `tampered` when entries before the tail are damaged or missing, with `not_durable` on the disk's word.
  static Result<Spool> open(Directory& directory, SpoolOptions options);

  /// All of `entries` are durable, or an error and none may be taken for durable. `not_durable` when the disk refuses,
  /// when the bound is reached, or while the spool is failed. An entry that is empty or above kEntryBytesMax is a bug.
  Result<void> append(const std::vector<Bytes>& entries);
  /// Only when failed(). Fails as long as the disk does.
  Result<void> recover();
  /// Entries up to `through` are in the log: their segments may go.
  void forget(std::uint64_t through);
  /// Asked before a segment goes: entries from there on stay, acknowledged or not.
  void keep_from(std::function<std::uint64_t()> sequence) { keep_from_ = std::move(sequence); }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  /// This life's number: above those of all lives that the journal knows of, and at least boot_least.
  [[nodiscard]] std::uint64_t boot() const { return boot_; }
  [[nodiscard]] std::uint64_t last() const { return segments_.back().last(); }
  [[nodiscard]] std::uint64_t oldest() const { return segments_.front().first; }
  [[nodiscard]] const Hash& head() const { return head_; }
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] const std::deque<SegmentInfo>& segments() const { return segments_; }

 private:
  Spool(Directory& directory, SpoolOptions options) : directory_(&directory), options_(options) {}
  Result<void> load();
  /// `next` is the first sequence of the segment after it: what this one holds beyond was never durable.
  Result<void> load_segment(std::uint64_t first, std::uint64_t next);
  Result<void> begin_segment(std::uint64_t bytes_wanted);
  Result<void> ensure_room(std::uint64_t bytes);
  Result<void> write_durably(BytesView framed);
  void close_segment();
  void drop_acknowledged(std::uint64_t bytes_kept, bool at_the_bound);

  Directory* directory_;
  SpoolOptions options_;
  std::uint64_t epoch_ = 0;
  std::uint64_t boot_ = 0;
  Hash head_{};
  std::uint64_t acknowledged_ = 0;
  std::function<std::uint64_t()> keep_from_;
  bool failed_ = false;
  std::deque<SegmentInfo> segments_;  ///< never empty once open; the last one is written to
  std::unique_ptr<File> file_;
  std::uint64_t zeroed_ = 0;  ///< of file_: written to, up to here
};

}  // namespace holdpoint::journal
