// The local durable spool of one process: entries from any thread, one writer thread, group commit.
//
//   open --disk refuses--> failed (everything is answered not_durable) --a new segment succeeds--> open
//
// While one batch is being synced the next one gathers, so batches grow with the load and one entry alone waits for
// one sync. Not here: the files (spool.hpp), sending to the auditor (shipper.hpp).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bus/journal/directory.hpp"
#include "bus/journal/spool.hpp"
#include "bus/record/chain.hpp"

namespace holdpoint::journal {

using record::Position;

/// Called once, on the writer thread (of the journal or of whoever acknowledges): hand over and return.
using Appended = std::function<void(Result<Position>)>;

struct JournalOptions {
  SpoolOptions spool;
  std::size_t queue_bytes_max = 32 << 20;          ///< waiting for the disk; beyond it `overloaded`
  std::size_t batch_bytes_max = 4 << 20;           ///< one write and sync: half a segment, so that rolling stays rare
  Duration retry_after = std::chrono::seconds(1);  ///< a failed journal tries the disk again this often
  /// A write that held so many entries says that many come at once: the next one waits for company, unless it has it.
  std::size_t gather_from = 4;
  std::size_t gather_enough = 64;
  /// It waits so long for each entry of the write before: the more come, the more share a sync, whose price in
  /// processor time is that of a whole call. One wait is at most `gather_max`, some syncs.
  std::chrono::microseconds gather_each{100};
  std::chrono::microseconds gather_max{2000};
  /// As Spool::keep_from, on the writer thread; empty = what is acknowledged may go.
  std::function<std::uint64_t()> keep_from;
};

/// Consecutive durable entries of the chain.
struct Chunk {
  std::uint64_t first = 0;
  Hash previous{};  ///< head(first - 1)
  Hash head{};
  std::vector<Bytes> entries;
};

struct JournalStatus {
  std::uint64_t epoch = 0;
  std::uint64_t durable = 0;       ///< last durable sequence
  std::uint64_t acknowledged = 0;  ///< last sequence that is in the log, as far as this boot has heard
  std::uint64_t bytes = 0;         ///< on the disk
  std::size_t queued_bytes = 0;
  bool failed = false;
  std::string failure;
};

class Journal {
 public:
  /// `spool.epoch_if_new` 0 takes the wall clock's milliseconds. Fails as Spool::open does.
  static Result<std::unique_ptr<Journal>> open(std::unique_ptr<Directory> directory, JournalOptions options);
  /// Writes what is queued, then ends the thread.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Any thread. `done` gets the position once the entry is durable; `overloaded` when the queue is full, `too_large`
  /// or `malformed` (empty), `not_durable` when it could not be written: it must then be taken for not recorded.
  void append(Bytes entry, Appended done);

  /// Any thread. The log holds everything up to `through`; segments go, waiters of when_acknowledged are called.
  void acknowledge(Position through);
  /// `durable: database`: `done` is called when the log holds `position`. Bounded by the callers' own requests.
  void when_acknowledged(Position position, Appended done);
  /// Any thread. Whether somebody waits for an acknowledgement.
  [[nodiscard]] bool is_awaited() const;

  /// Called on the writer thread after every batch that became durable, and on a caller's when it begins to wait for an
  /// acknowledgement. Set before the first append.
  void on_durable(std::function<void()> notify);

  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  /// How often this journal was opened: a claimer's boot epoch.
  [[nodiscard]] std::uint64_t boot() const { return boot_; }
  [[nodiscard]] JournalStatus status() const;
  /// The oldest sequence that can still be read; one beyond the last when there is none.
  [[nodiscard]] std::uint64_t oldest() const;

  class Reader;
  /// Any thread, each Reader on one at a time; the journal outlives it.
  [[nodiscard]] Reader reader();

 private:
  struct State;
  Journal(std::unique_ptr<State> state, std::uint64_t epoch, std::uint64_t boot);
  std::unique_ptr<State> state_;
  std::uint64_t epoch_;
  std::uint64_t boot_;
};

class Journal::Reader {
 public:
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  /// Durable entries from `first` on, at least one unless there is none yet (then empty), of at most `entries_max` and
  /// about `bytes_max`, all of one segment. `not_found` when they were forgotten, `tampered` when they do not fit the
  /// chain any more.
  Result<Chunk> read(std::uint64_t first, std::size_t entries_max, std::size_t bytes_max);

 private:
  friend class Journal;
  struct Cursor;
  Reader(State* state);
  State* state_;
  std::unique_ptr<Cursor> cursor_;
};

}  // namespace holdpoint::journal
