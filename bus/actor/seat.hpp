// One peer's membership of the bus: says what it serves and reads, and knows whether the broker is there. Pure.
//
//   seeking --welcome or heartbeat--> joined --silence for 2.5 s, goodbye--> seeking
//                                        \--another broker epoch--> joined anew
//
// Every 500 ms (100 ms while seeking) it states everything that it serves and reads (Paranoid Pirate), so a lost
// statement, a restarted broker and a new connection all heal by the next heartbeat.
#pragma once

#include <map>
#include <set>
#include <string>

#include "bus/actor/transport.hpp"

namespace holdpoint::actor {

constexpr Duration kHeartbeatInterval = std::chrono::milliseconds(500);
/// Five heartbeats: a loaded machine misses one or two.
constexpr Duration kLiveness = std::chrono::milliseconds(2500);

class Seat {
 public:
  enum class News {
    none,
    joined,  ///< the broker is there (again): what is pending should be sent again
    lost,
  };

  void start(Instant now, Transport& transport);
  void serve(const std::string& service, unsigned credit, Instant now, Transport& transport);
  void subscribe(const std::string& prefix, Instant now, Transport& transport);
  void leave(Transport& transport);
  /// Any message from the broker shows that it lives; `welcome`, `heartbeat` and `goodbye` are for here.
  News on_message(const wire::Envelope& envelope, Instant now);
  /// `running`: requests that are being worked on, so that the broker can reclaim credit of lost ones.
  News on_tick(std::size_t running, Instant now, Transport& transport);
  [[nodiscard]] bool connected() const { return joined_; }

 private:
  [[nodiscard]] wire::Envelope statement(wire::Kind kind, std::size_t running) const;

  std::map<std::string, unsigned> services_;
  std::set<std::string> topics_;
  bool joined_ = false;
  std::uint64_t broker_epoch_ = 0;
  Instant heard_{};
  Instant stated_{};
};

}  // namespace holdpoint::actor
