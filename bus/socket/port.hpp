// A process's (or shard's) seat on the bus: requests out, services in, topics. One thread: that of its executor.
//
// Resends an unanswered request with the same id until its deadline, reconnects, heartbeats, and repeats an answer
// that it has already given for an id instead of running the handler again (unless the service is a pure function).
// Not here: routing (bus/broker), frames (bus/wire), libzmq (zmq_sockets.hpp), what is resent when (bus/actor).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "bus/actor/responder.hpp"
#include "bus/config/peer_identity.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::socket {

/// Answers one request. An Error becomes a "Refused" to the requester.
using Handler = std::function<boost::asio::awaitable<Result<wire::Message>>(wire::Envelope request)>;
using Subscriber = std::function<void(const wire::Envelope& publication)>;

class Port {
 public:
  /// Throws std::runtime_error when the identity's endpoint or keys cannot be used. An absent broker is no failure.
  Port(boost::asio::any_io_executor executor, const config::PeerIdentity& identity);
  ~Port();

  /// The answer; or `timed_out` at the deadline, `unavailable` when no worker serves, `overloaded`, or what the
  /// worker refused with. `stream` pins successive requests to one worker until release (masking, record streams).
  boost::asio::awaitable<Result<wire::Message>> request(std::string service, wire::Message message, Instant deadline,
                                                        std::string stream = {});
  /// Best effort: a fact that receivers reconcile by asking.
  void publish(std::string topic, wire::Message message);
  /// Called on the executor for every publication whose topic begins with `prefix`.
  void subscribe(std::string prefix, Subscriber subscriber);
  /// At most `credit` requests run at once; the rest wait at the broker, bounded.
  void serve(std::string service, unsigned credit, Handler handler,
             actor::Repeats repeats = actor::Repeats::answered_from_memory);
  /// True while the broker has been heard from within its liveness bound.
  [[nodiscard]] bool connected() const;
  /// Ends a stream that request() opened: the broker forgets which worker it was pinned to.
  void release(const std::string& service, const std::string& stream);
  /// Takes no new requests, lets running handlers finish for up to 3 s and then cancels them, says goodbye, fails what
  /// is pending with `unavailable`.
  boost::asio::awaitable<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::socket
