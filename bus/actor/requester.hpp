// Owns the requests of one peer from the question to the answer. Pure: no clock, no socket.
//
//   pending --reply--> done (the answer, or what a Refused carries)
//      |  \--resend, same id, after 0.5 s, 1 s, 2 s, 4 s, 4 s ...--> pending
//      \--deadline--> done (timed_out)
//
// Each request ends exactly once. Resending is harmless because the broker and the worker know ids that they have
// seen; so a lost message costs a delay, never an effect.
// Not here: choosing a worker (bus/broker), which requests may be sent (the broker's table of roles).
#pragma once

#include <functional>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>

#include "bus/actor/transport.hpp"

namespace holdpoint::actor {

struct RequesterLimits {
  /// Twice the requests that one gateway parks; beyond it the process is not keeping up.
  std::size_t pending_max = 20'000;
  /// Streams are released when done; these many are open at once only if somebody forgets to.
  std::size_t streams_max = 10'000;
  Duration resend_first = std::chrono::milliseconds(500);
  Duration resend_max = std::chrono::seconds(4);
  Duration stream_idle_max = std::chrono::hours(1);
};

class Requester {
 public:
  using Done = std::function<void(Result<wire::Message>)>;

  explicit Requester(RequesterLimits limits = {}) : limits_(limits) {}

  /// Sends, and calls `done` exactly once: at the reply, at the deadline, at cancel or fail_all; at once with
  /// `overloaded`, `too_large` or (a deadline that has passed) `timed_out`. `id` is fresh.
  void request(const Id& id, std::string service, wire::Message message, Instant deadline, std::string stream,
               Instant now, Transport& transport, Done done);
  /// A reply to nothing that is pending is ignored: it came too late or twice.
  void on_reply(wire::Envelope reply);
  void on_tick(Instant now, Transport& transport);
  /// After a reconnect: everything pending once more, without waiting for its turn.
  void resend_all(Instant now, Transport& transport);
  /// Ends one request with `error`; nothing if it has ended.
  void cancel(const Id& id, const Error& error);
  void fail_all(const Error& error);
  /// Forgets the lease of a stream and says so to the broker.
  void release(const std::string& service, const std::string& stream, Instant now, Transport& transport);

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  struct Pending {
    wire::Envelope envelope;
    Instant resend_at;
    Duration pause;
    Done done;
  };
  struct Stream {
    std::uint64_t epoch = 0;
    Instant used{};
  };
  struct Due {
    Instant at;
    Id id;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  using StreamKey = std::pair<std::string, std::string>;  ///< service, stream id

  void finish(std::unordered_map<Id, Pending>::iterator found, Result<wire::Message> result);
  void schedule(const Id& id, const Pending& pending);
  /// Nobody waits longer because the clock was set.
  void set_back(Duration by);
  void send(Pending& pending, Instant now, Transport& transport);

  RequesterLimits limits_;
  std::unordered_map<Id, Pending> pending_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;  ///< may hold ids that have ended
  std::map<StreamKey, Stream> streams_;
  Instant ticked_{};
};

}  // namespace holdpoint::actor
