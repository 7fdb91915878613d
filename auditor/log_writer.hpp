// The thread that writes the log: gathers what sources submit while one batch commits, sequences it, checkpoints.
//
//   standing by --lock taken--> writing --database lost--> standing by
//                                  \--another auditor has the lock--> lost (the process ends and starts anew)
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "auditor/checkpoint.hpp"
#include "auditor/sequencer.hpp"

namespace holdpoint::auditor {

/// On the writer's thread: hand over and return.
using Answer = std::function<void(Result<SourceMark>)>;

struct LogWriterEvents {
  std::function<void()> writing;              ///< the lock was taken: offer the service
  std::function<void(const Error&)> trouble;  ///< the database failed, or is not there yet
  /// The log is written, its checkpoints are not kept in the directory; empty = they are again.
  std::function<void(const std::string& why)> unkept;
  std::function<void()> lost;  ///< somebody else writes the log that this one wrote
  std::function<void(const std::string& note)> checkpoint;
};

struct LogStatus {
  bool writing = false;
  std::uint64_t entries = 0;
  Hash root{};
};

class LogWriter {
 public:
  /// `key` outlives the writer.
  LogWriter(std::unique_ptr<LogStore> store, std::string deployment, const SigningKey& key,
            std::filesystem::path checkpoints, LogWriterEvents events);
  /// Answers what is queued with `unavailable`.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void start();
  void set_keys(SourceKeys keys);
  /// Any thread. `overloaded` when more than kQueueBytesMax wait.
  void submit(Submitted submitted, Answer answer);
  void position(std::string source, std::string sender_key_id, Answer answer);
  [[nodiscard]] LogStatus status() const;

  static constexpr std::size_t kQueueBytesMax = 64 << 20;  ///< a second of the log's speed at its largest batches
  static constexpr std::size_t kBatchEntriesMax = 2000;    ///< larger transactions are slower (measured)

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdpoint::auditor
