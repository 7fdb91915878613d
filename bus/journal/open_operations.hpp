// Which operations have an intent on record and no outcome yet, so that each gets one: after a restart, and after an
// outcome that could not be written. Their part of the journal is kept meanwhile (keep_from), and of those that run for
// long it says anew that they do (carry), so that what is kept stays bounded.
//
//   begin --> under way --closing--> end
//                 |            \--could not be written--> abandoned --end (as unknown)
//                 \--the process died: restore()----------> abandoned
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "bus/journal/journal.hpp"

namespace holdpoint::journal {

class OpenOperations {
 public:
  struct Abandoned {
    std::string operation_id;
    std::string session_id;
    bool nothing_sent = false;  ///< its intent was not taken for recorded
  };

  /// From what the journal holds. Before anything else, and before the journal may forget.
  Result<void> restore(Journal& journal);
  /// The same, entry by entry; restored() after the last.
  void take(BytesView entry, std::uint64_t sequence);
  void restored();

  /// Before the intent is appended; `from` is at most its sequence.
  void begin(const std::string& operation_id, std::string session_id, std::uint64_t from);
  /// Before the outcome is appended: from here on nothing says that the operation runs.
  void closing(const std::string& operation_id);
  void end(const std::string& operation_id);
  void abandon(const std::string& operation_id, bool nothing_sent = false);

  /// The journal's entries from here on are needed.
  [[nodiscard]] std::uint64_t keep_from() const;
  [[nodiscard]] std::vector<Abandoned> abandoned() const;
  /// Calls `say` for those whose last entry is before `sequence`. Nothing closes meanwhile, so that what `say` appends
  /// stands before the outcome.
  void carry(std::uint64_t sequence, const std::function<void(const std::string& id, const std::string& session)>& say);
  void carried(const std::string& operation_id, std::uint64_t sequence);

 private:
  enum class State : std::uint8_t { under_way, closing, abandoned };
  struct Open {
    std::string session_id;
    std::uint64_t from = 0;
    State state = State::under_way;
    bool nothing_sent = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Open> open_;  ///< bounded by the gateway's connections
};

}  // namespace holdpoint::journal
