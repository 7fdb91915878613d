// The bus in the simulator: the production Broker as a node, and a base for nodes that sit on the bus through the
// production Peer (requester, responder, seat). Frames are really encoded and decoded.
#pragma once

#include <memory>
#include <string>

#include "bus/actor/peer.hpp"
#include "bus/broker/broker.hpp"
#include "tests/sim/world.hpp"

namespace holdpoint::sim {

inline const std::string kBus = "bus";

/// The signed document of a broker, kept over its crashes. Signatures are the verifier's matter.
class MemoryDocument final : public broker::DocumentStore {
 public:
  Result<config::SignedDocument> load() override;
  Result<void> save(const config::SignedDocument& document) override;

 private:
  std::optional<config::SignedDocument> document_;
};

/// Adds the broker under the name kBus. `roles` says which role (and key) each node's name has. Both outlive the world.
struct BusSettings {
  std::map<std::string, wire::Role> roles;
  MemoryDocument document;
  broker::DocumentVerifier verifier;  ///< empty = every document is refused
  broker::BrokerLimits limits;
};
void add_bus(World& world, BusSettings& settings);

/// A process on the bus. Derive, and call serve(), subscribe(), request() from start() on.
class PeerNode : public Node, protected actor::Transport {
 public:
  PeerNode(const Life& life, actor::RequesterLimits requester = {}, actor::ResponderLimits responder = {})
      : life_(life), peer_(requester, responder) {}

  void start() override;
  void on_frames(const std::string& from, wire::Frames frames) override;

 protected:
  /// What the node does when it has started.
  virtual void run() = 0;

  void send(wire::Envelope envelope) override;
  [[nodiscard]] World& world() { return life_.world; }
  [[nodiscard]] const Life& life() const { return life_; }
  [[nodiscard]] Instant now() const { return life_.world.now(); }
  void after(Duration delay, std::function<void()> event) { life_.world.after(life_, delay, std::move(event)); }

  void serve(const std::string& service, unsigned credit, actor::Peer::Handler handler);
  void subscribe(const std::string& prefix, actor::Peer::Subscriber subscriber);
  void publish(const std::string& topic, wire::Message message);
  Id request(const std::string& service, wire::Message message, Duration patience, actor::Requester::Done done,
             const std::string& stream = {});
  void answer(const wire::Envelope& question, Result<wire::Message> result);
  [[nodiscard]] bool connected() const { return peer_.connected(); }

 private:
  void tick();

  Life life_;
  actor::Peer peer_;
  std::set<Id> requests_seen_;
};

}  // namespace holdpoint::sim
