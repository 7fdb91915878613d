#include "bus/socket/server.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "bus/socket/zmq_sockets.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/pace.hpp"

namespace holdpoint::socket {
namespace {

using broker::PeerId;
using broker::Sent;
using broker::Stamp;

constexpr Duration kServerTick = std::chrono::milliseconds(50);
// Then timers and handshakes get their turn.
constexpr int kServerMessagesPerTurn = 256;
// Connections whose key was revoked and that have not gone yet.
constexpr std::size_t kCutMax = 8192;

// Who is admitted: the keys of the current document.
class KeyTable {
 public:
  void renew(const config::Document& document) {
    by_curve_.clear();
    by_id_.clear();
    for (const config::PeerKey& key : document.keys) {
      if (key.revoked || key.role == wire::Role::none) continue;
      by_curve_[key.curve_public] = key.key_id;
      by_id_[key.key_id] = {key.role, key.key_id, key.name};
    }
  }
  [[nodiscard]] const std::string* key_id(const Bytes& curve_public) const {
    const auto found = by_curve_.find(curve_public);
    return found == by_curve_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Stamp* stamp(const std::string& key_id) const {
    const auto found = by_id_.find(key_id);
    return found == by_id_.end() ? nullptr : &found->second;
  }

 private:
  std::unordered_map<Bytes, std::string> by_curve_;
  std::unordered_map<std::string, Stamp> by_id_;
};

// What a ROUTER makes up itself. A peer that names itself could take over the id of one that has just gone.
bool is_own_routing_id(const PeerId& id) { return id.size() == 5 && id[0] == '\0'; }

}  // namespace

struct Server::State final : broker::Outlet {
  State(const ServerSettings& server_settings, const config::PeerIdentity& identity,
        broker::Configuration& server_configuration)
      : configuration(server_configuration),
        actor({identity.key_id, server_settings.with_echo, server_settings.limits},
              static_cast<std::uint64_t>(to_unix_ms(system_now())), configuration, ids),
        stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (configuration.document()) keys.renew(*configuration.document());
    actor.on_new_document([this](const config::Document& document) { keys.renew(document); });
  }
  ~State() override {
    if (stop_event >= 0) ::close(stop_event);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Sent send(const PeerId& to, wire::Packet& packet) override {
    if (cut_set.contains(to)) return Sent::unreachable;
    wire::Frames frames;
    frames.reserve(2 + packet.attachments.size());
    frames.push_back(wire::encode_header(packet.header));
    frames.push_back(std::move(packet.body));
    for (Bytes& attachment : packet.attachments) frames.push_back(std::move(attachment));
    const Sent sent = send_to(router, to, frames);
    if (sent == Sent::yes) return sent;
    packet.body = std::move(frames[1]);
    for (std::size_t index = 0; index < packet.attachments.size(); ++index) {
      packet.attachments[index] = std::move(frames[index + 2]);
    }
    return sent;
  }

  void refused(const wire::Header& asked, const Error& why) override {
    if (!pace.take(system_now())) return;
    const Stamp* stamp = keys.stamp(asked.sender.key_id);
    telemetry::log_warning("refused", {{"peer", stamp == nullptr ? std::string() : stamp->name},
                                       {"key_id", asked.sender.key_id},
                                       {"type", asked.type},
                                       {"because", why.context},
                                       {"not_shown", pace.missed()}});
  }

  void cut(const PeerId& peer) override {
    if (!cut_set.insert(peer).second) return;
    cut_order.push_back(peer);
    if (cut_order.size() <= kCutMax) return;
    cut_set.erase(cut_order.front());
    cut_order.pop_front();
  }

  void on_incoming(Incoming incoming, Instant now) {
    if (cut_set.contains(incoming.from)) return;
    const Stamp* stamp = keys.stamp(incoming.user);
    if (stamp == nullptr || !is_own_routing_id(incoming.from)) {
      telemetry::log_warning("peer cut off", {{"key_id", incoming.user}});
      actor.on_lost(incoming.from, now, *this);
      cut(incoming.from);
      return;
    }
    auto packet = wire::packet_from_frames(std::move(incoming.frames));
    if (!packet) {
      // Without a header there is no id to answer to.
      telemetry::log_warning("malformed message", {{"peer", stamp->name}, {"reason", packet.error().context}});
      return;
    }
    actor.on_message(incoming.from, *stamp, std::move(*packet), now, *this);
  }

  // RFC 27 (ZAP): version, request id, domain, address, identity, mechanism, credentials.
  void on_authentication() {
    while (auto request = authenticator.receive(8)) {
      const bool whole = request->size() == 7 && (*request)[0] == "1.0" && (*request)[5] == "CURVE";
      const std::string* key_id = whole ? keys.key_id((*request)[6]) : nullptr;
      const Bytes request_id = request->size() > 1 ? (*request)[1] : Bytes();
      if (key_id == nullptr) {
        telemetry::log_warning("unknown or revoked key refused",
                               {{"address", whole ? (*request)[3] : Bytes()},
                                {"key", whole ? to_hex(view(sha256((*request)[6]))).substr(0, 16) : Bytes()}});
      }
      wire::Frames reply = {"1.0",
                            request_id,
                            key_id != nullptr ? "200" : "400",
                            key_id != nullptr ? "OK" : "this key is not admitted",
                            key_id != nullptr ? *key_id : Bytes(),
                            ""};
      authenticator.send(reply);
    }
  }

  broker::Configuration& configuration;
  RandomIdSource ids;
  KeyTable keys;
  broker::Broker actor;
  std::unordered_set<PeerId> cut_set;
  std::deque<PeerId> cut_order;
  telemetry::Pace pace{20};  // of one peer gone wild, this is enough to see it
  ZmqContext context;        // before the sockets: it ends after them
  ZmqSocket authenticator;
  ZmqSocket router;
  std::vector<std::string> endpoints;
  int stop_event;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const ServerSettings& settings, const config::PeerIdentity& identity,
                                             broker::Configuration& configuration) {
  auto state = std::make_unique<State>(settings, identity, configuration);
  // In this order: a CURVE server that binds before its handler exists would admit anybody.
  auto authenticator = open_authenticator(state->context);
  if (!authenticator) return authenticator.error();
  state->authenticator = std::move(*authenticator);
  auto router = open_router(state->context, {identity.curve_public, identity.curve_secret.clone()});
  if (!router) return router.error();
  state->router = std::move(*router);
  for (const std::string& endpoint : settings.endpoints) {
    auto bound = bind_router(state->router, endpoint);
    if (!bound) return bound.error();
    state->endpoints.push_back(std::move(*bound));
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::run(int stop_descriptor) {
  State& state = *state_;
  Instant tick_at = system_now();
  const int router_descriptor = state.router.descriptor();
  const int authenticator_descriptor = state.authenticator.descriptor();
  bool authenticate = true;  // asking libzmq costs a call of the kernel's, handshakes are rare
  while (true) {
    const Instant now = system_now();
    if (now >= tick_at || tick_at > now + kServerTick) {  // the second: the clock was set back
      state.actor.on_tick(now, state);
      tick_at = now + kServerTick;
      authenticate = true;
    }
    int count = 0;
    while (count < kServerMessagesPerTurn) {
      auto incoming = receive_from_router(state.router);
      if (!incoming) break;
      ++count;
      state.on_incoming(std::move(*incoming), system_now());
    }
    if (std::exchange(authenticate, false)) state.on_authentication();
    // The router's descriptor tells of what comes after it was found empty, and that was its last word above.
    const bool more = count == kServerMessagesPerTurn;
    const Duration pause = more ? Duration(0) : std::max(Duration(0), tick_at - system_now());
    const unsigned readable =
        wait_readable({state.stop_event, stop_descriptor, router_descriptor, authenticator_descriptor}, pause);
    if ((readable & 0b11U) != 0) return;
    authenticate = (readable & 0b1000U) != 0;
  }
}

void Server::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->stop_event, &one, sizeof one);
}

const std::vector<std::string>& Server::endpoints() const { return state_->endpoints; }

}  // namespace holdpoint::socket
