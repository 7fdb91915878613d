// Remembers which requests a worker has taken, so that a repeated one never runs twice. Pure: no clock, no socket.
//
//   unknown --request--> running --answer--> answered --memory full--> forgotten answer
//                           |                   |                            |
//                 repeat: nothing      repeat: the answer again      repeat: refused outcome_unknown
//
// Of a service that is a pure function an answered id is unknown again: working the answer out once more costs less
// than keeping thousands of them. An id is dropped once its deadline has passed (a repeat is then refused by its
// deadline) or, last, when more than ids_max are known. What must hold after a restart too is each service's own
// (PROTOCOL.md, "why repeating is safe").
#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include "bus/actor/transport.hpp"

namespace holdpoint::actor {

/// What a repeated request gets that was answered before.
enum class Repeats {
  answered_from_memory,
  run_again,  ///< the service is a pure function of the request
};

struct ResponderLimits {
  std::size_t ids_max = 65'536;              ///< about 10 MiB; more than a worker answers within a resend's pause
  std::size_t answer_bytes_max = 32u << 20;  ///< of all kept answers: some hundred masked payloads
};

class Responder {
 public:
  enum class Verdict { run, repeated };

  explicit Responder(ResponderLimits limits = {}) : limits_(limits) {}

  /// `run`: the caller runs the request and then calls answer(). `repeated`: nothing to do.
  Verdict on_request(const wire::Envelope& request, Instant now, Transport& transport);
  /// Sends the answer and keeps it, unless repeats may run again. Nothing if the request is not running.
  void answer(const wire::Envelope& request, wire::Message message, Instant now, Transport& transport,
              Repeats repeats = Repeats::answered_from_memory);
  void on_tick(Instant now);

  [[nodiscard]] std::size_t running() const { return running_entries_.size(); }

 private:
  struct Key {
    std::string key_id;  ///< of the requester: another peer's id is another request
    Id id;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept { return std::hash<Id>{}(key.id); }
  };
  enum class State { running, answered, forgotten };
  struct Entry {
    Key key;
    State state = State::running;
    Instant until;
    wire::Message answer;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;

  static wire::Envelope reply_to(const wire::Envelope& request, wire::Message message);
  void drop(Entries& entries, Entries::iterator entry);
  void sweep(Entries& entries, Instant now);
  void shrink();

  ResponderLimits limits_;
  Entries running_entries_;
  Entries answered_;   ///< oldest first
  Entries forgotten_;  ///< oldest first
  Instant swept_{};
  std::unordered_map<Key, Entries::iterator, KeyHash> index_;
  std::size_t answer_bytes_ = 0;
};

}  // namespace holdpoint::actor
