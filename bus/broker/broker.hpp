// The broker as one pure actor (Majordomo, Paranoid Pirate, Clone): who is here, who may do what, topics,
// configuration; requests go through Dispatch. No clock, no socket: the adapter (bus/socket/server.hpp) or the
// simulator calls it.
//
// A peer:  unknown --any statement--> present --silence for 2.5 s, goodbye, unreachable, revoked--> unknown
// Requests and publications need no statement: a role is enough.
//
// Not here: keys and CURVE (adapter; it stamps), the document's meaning.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <unordered_map>

#include "bus/broker/configuration.hpp"
#include "bus/broker/dispatch.hpp"
#include "bus/broker/outlet.hpp"

namespace holdpoint::broker {

struct BrokerLimits {
  std::size_t peers_max = 4096;  ///< connections; a large deployment has hundreds of processes
  std::size_t topics_per_peer_max = 64;
  std::size_t services_per_peer_max = 16;
  DispatchLimits dispatch;
};

struct BrokerSettings {
  std::string key_id;      ///< the broker's own, stamped on what it says itself
  bool with_echo = false;  ///< route the service `echo` (tests)
  BrokerLimits limits;
};

class Broker {
 public:
  /// `boot_epoch` rises with every start of a broker (milliseconds since 1970 will do). `configuration` and `ids`
  /// outlive the broker.
  Broker(BrokerSettings settings, std::uint64_t boot_epoch, Configuration& configuration, IdSource& ids);

  void on_message(const PeerId& from, const Stamp& stamp, wire::Packet packet, Instant now, Outlet& outlet);
  /// The adapter learnt that the connection is gone or its key revoked.
  void on_lost(const PeerId& peer, Instant now, Outlet& outlet);
  /// At least every 100 ms.
  void on_tick(Instant now, Outlet& outlet);
  /// Called after a new document was applied, before anyone else hears of it: the adapter renews its table of keys.
  void on_new_document(std::function<void(const config::Document&)> callback) { new_document_ = std::move(callback); }

  [[nodiscard]] const Dispatch& dispatch() const { return dispatch_; }
  [[nodiscard]] std::size_t peers() const { return peers_.size(); }

 private:
  struct Peer {
    Stamp stamp;
    Instant heard{};
    std::optional<Bytes> statement;      ///< the last one's body; an equal one says nothing new
    std::optional<std::size_t> running;  ///< requests it says that it works on
    std::set<std::string> services;
    std::set<std::string> topics;
  };

  /// The peer's entry, made if need be; nullptr when there are too many.
  Peer* present(const PeerId& from, const Stamp& stamp, Instant now, Outlet& outlet);
  void on_statement(const PeerId& from, const Stamp& stamp, const wire::Packet& packet, Instant now, Outlet& outlet);
  Result<void> serve(const PeerId& from, Peer& peer, const std::string& service, const Json& credit, Instant now,
                     Outlet& outlet);
  Result<void> subscribe(Peer& peer, const std::string& prefix);
  void on_request(const PeerId& from, wire::Packet packet, Instant now, Outlet& outlet);
  void on_goodbye(const PeerId& from, const Stamp& stamp, const wire::Packet& packet, Instant now, Outlet& outlet);
  void publish(const wire::Packet& packet, Outlet& outlet);
  void publish_own(std::string topic, std::string type, Json body, Instant now, Outlet& outlet);
  Result<wire::Message> on_configuration(const wire::Packet& packet, Instant now, Outlet& outlet);
  /// Peers whose key the new document no longer admits.
  void drop_revoked(Instant now, Outlet& outlet);
  [[nodiscard]] wire::Message status(Instant now) const;
  [[nodiscard]] Json configuration_body() const;
  void send_own(const PeerId& to, wire::Kind kind, Outlet& outlet);
  void refuse(const PeerId& to, const wire::Header& header, const Error& error, Outlet& outlet);

  BrokerSettings settings_;
  std::uint64_t boot_epoch_;
  Configuration& configuration_;
  IdSource& ids_;
  Dispatch dispatch_;
  std::unordered_map<PeerId, Peer> peers_;
  Instant heartbeat_at_{};
  Instant ticked_{};
  std::function<void(const config::Document&)> new_document_;
};

}  // namespace holdpoint::broker
