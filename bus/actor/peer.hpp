// A whole peer of the bus as one pure actor: membership, requests out, services in, topics. The Port (bus/socket)
// gives it sockets and coroutines, the simulator a seeded network; the behaviour is the same.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bus/actor/requester.hpp"
#include "bus/actor/responder.hpp"
#include "bus/actor/seat.hpp"

namespace holdpoint::actor {

class Peer {
 public:
  /// Takes one request; answers later, once, with answer().
  using Handler = std::function<void(wire::Envelope request)>;
  using Subscriber = std::function<void(const wire::Envelope& publication)>;

  explicit Peer(RequesterLimits requester = {}, ResponderLimits responder = {})
      : requester_(requester), responder_(responder) {}

  void start(Instant now, Transport& transport) { seat_.start(now, transport); }
  void serve(std::string service, unsigned credit, Handler handler, Instant now, Transport& transport,
             Repeats repeats = Repeats::answered_from_memory);
  /// Takes no new requests of `service`; those that run may still be answered.
  void withdraw(const std::string& service, Instant now, Transport& transport);
  void subscribe(std::string prefix, Subscriber subscriber, Instant now, Transport& transport);
  void publish(const Id& id, std::string topic, wire::Message message, Transport& transport);
  void request(const Id& id, std::string service, wire::Message message, Instant deadline, std::string stream,
               Instant now, Transport& transport, Requester::Done done);
  void answer(const wire::Envelope& request, Result<wire::Message> result, Instant now, Transport& transport);
  void on_message(wire::Envelope envelope, Instant now, Transport& transport);
  void on_tick(Instant now, Transport& transport);
  /// Says goodbye and fails what is pending with `unavailable`.
  void leave(Transport& transport);

  [[nodiscard]] bool connected() const { return seat_.connected(); }
  Requester& requester() { return requester_; }
  [[nodiscard]] const Responder& responder() const { return responder_; }

 private:
  void on_request(wire::Envelope request, Instant now, Transport& transport);
  void react(Seat::News news, Instant now, Transport& transport);

  Seat seat_;
  Requester requester_;
  Responder responder_;
  struct Service {
    Handler handler;
    Repeats repeats;
  };
  std::map<std::string, Service> handlers_;
  std::vector<std::pair<std::string, Subscriber>> subscribers_;
};

}  // namespace holdpoint::actor
