#include "tests/sim/bus_nodes.hpp"

#include "bus/wire/packet.hpp"

namespace holdpoint::sim {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(100);

// Half of the connections to a dead process are known to be dead, as a socket knows after a reset.
constexpr double kNoticesDeadPeer = 0.5;

class BrokerNode final : public Node, broker::Outlet {
 public:
  BrokerNode(const Life& life, BusSettings& settings)
      : life_(life),
        settings_(settings),
        configuration_(
            [&settings](const config::SignedDocument& document) -> Result<config::Document> {
              if (!settings.verifier) return fail(Code::tampered, "no configuration in this scenario");
              return settings.verifier(document);
            },
            settings.document),
        broker_({"bus-key", true, settings.limits}, static_cast<std::uint64_t>(to_unix_ms(life.world.now())),
                configuration_, life.world.ids()) {}

  void start() override {
    HOLDPOINT_INVARIANT(configuration_.load().has_value());
    if (life_.incarnation > 1) life_.world.saw("broker restarted");
    tick();
  }

  void on_frames(const std::string& from, wire::Frames frames) override {
    auto packet = wire::packet_from_frames(std::move(frames));
    HOLDPOINT_INVARIANT(packet.has_value());  // the simulated network does not corrupt: TCP and CURVE would notice
    const std::string name = from.substr(0, from.find('#'));
    const broker::Stamp stamp{settings_.roles.at(name), name + "-key", name};
    broker_.on_message(from, stamp, std::move(*packet), life_.world.now(), *this);
  }

 private:
  broker::Sent send(const broker::PeerId& to, wire::Packet& packet) override {
    World& world = life_.world;
    if (!world.reachable(to) && world.random().chance(kNoticesDeadPeer)) {
      world.saw("broker noticed a dead connection");
      return broker::Sent::unreachable;
    }
    world.send(kBus, to, wire::to_frames(std::move(packet)));
    return broker::Sent::yes;
  }

  void tick() {
    broker_.on_tick(life_.world.now(), *this);
    life_.world.after(life_, kTick, [this] { tick(); });
  }

  Life life_;
  BusSettings& settings_;
  broker::Configuration configuration_;
  broker::Broker broker_;
};

}  // namespace

Result<config::SignedDocument> MemoryDocument::load() {
  if (!document_) return fail(Code::not_found, "no document yet");
  return *document_;
}

Result<void> MemoryDocument::save(const config::SignedDocument& document) {
  document_ = document;
  return {};
}

void add_bus(World& world, BusSettings& settings) {
  world.add(kBus, [&settings](const Life& life) { return std::make_unique<BrokerNode>(life, settings); });
}

void PeerNode::start() {
  peer_.start(now(), *this);
  run();
  tick();
}

void PeerNode::tick() {
  peer_.on_tick(now(), *this);
  after(kTick, [this] { tick(); });
}

void PeerNode::on_frames(const std::string&, wire::Frames frames) {
  auto envelope = wire::decode(frames);
  HOLDPOINT_INVARIANT(envelope.has_value());
  if (envelope->kind == wire::Kind::request && !requests_seen_.insert(envelope->id).second) {
    world().saw("request repeated to the worker that had it");
  }
  peer_.on_message(std::move(*envelope), now(), *this);
}

void PeerNode::send(wire::Envelope envelope) { world().send(life_.address(), kBus, wire::encode(envelope)); }

void PeerNode::serve(const std::string& service, unsigned credit, actor::Peer::Handler handler) {
  peer_.serve(service, credit, std::move(handler), now(), *this);
}

void PeerNode::subscribe(const std::string& prefix, actor::Peer::Subscriber subscriber) {
  peer_.subscribe(prefix, std::move(subscriber), now(), *this);
}

void PeerNode::publish(const std::string& topic, wire::Message message) {
  peer_.publish(world().ids().next(now()), topic, std::move(message), *this);
}

Id PeerNode::request(const std::string& service, wire::Message message, Duration patience, actor::Requester::Done done,
                     const std::string& stream) {
  const Id id = world().ids().next(now());
  peer_.request(id, service, std::move(message), now() + patience, stream, now(), *this, std::move(done));
  return id;
}

void PeerNode::answer(const wire::Envelope& question, Result<wire::Message> result) {
  peer_.answer(question, std::move(result), now(), *this);
}

}  // namespace holdpoint::sim
