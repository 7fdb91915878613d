// Signs where the log stands: at most every 2 s while it grows, into the table, a directory, and out on the bus.
//
// In the directory: `latest`, and the last one of each hour as YYYY-MM-DDTHH (UTC), so that somebody can carry an
// earlier one away and later show a cut-off tail. The auditor itself continues no log that lacks what it once signed:
// kept() is what it compares with (sequencer.hpp). Not here: the note's form (bus/record/note.hpp).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "auditor/log_store.hpp"
#include "auditor/sequencer.hpp"
#include "bus/record/note.hpp"

namespace holdpoint::auditor {

class Checkpointer {
 public:
  /// `key` outlives this. `directory` may be empty: none is kept. `publish` gets every note.
  Checkpointer(LogStore& store, std::string origin, const SigningKey& key, std::filesystem::path directory,
               std::function<void(const std::string& note)> publish)
      : store_(&store),
        origin_(std::move(origin)),
        key_(&key),
        directory_(std::move(directory)),
        publish_(std::move(publish)) {}

  /// After the store was opened: `size` of the last checkpoint that it holds.
  void resume(std::uint64_t size) { last_size_ = size; }
  /// The newest one in the directory that this auditor signed; size 0 without any. `tampered` when there are files and
  /// none is of its key and log.
  [[nodiscard]] Result<KeptCheckpoint> kept() const;
  /// Whether one would be made now; the same question answers when to ask again.
  [[nodiscard]] bool due(std::uint64_t size, Instant now) const {
    return size > last_size_ && (now < last_at_ || now - last_at_ >= kInterval);
  }
  /// Fails when the table does not take it; a directory that does not take it keeps what it
  /// has, and `trouble` says why.
  Result<void> make(std::uint64_t size, const Hash& root, Instant now);

  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  static constexpr Duration kInterval = std::chrono::seconds(2);

 private:
  Result<void> keep(const std::string& note, Instant now) const;

  LogStore* store_;
  std::string origin_;
  const SigningKey* key_;
  std::filesystem::path directory_;
  std::function<void(const std::string&)> publish_;
  std::uint64_t last_size_ = 0;
  Instant last_at_{};
  std::string trouble_;
};

}  // namespace holdpoint::auditor
