#include "bus/broker/broker.hpp"

#include "bus/actor/seat.hpp"

namespace holdpoint::broker {
namespace {

using wire::Kind;
using wire::Packet;

Error denied(wire::Role role, std::string_view what, std::string_view address) {
  return fail(Code::denied, "role " + std::string(wire::name(role)) + " may not " + std::string(what) + " \"" +
                                display(address, 255) + "\"");
}

/// What nobody asks by accident.
bool is_suspect(Code code) { return code == Code::denied || code == Code::tampered; }

Result<Json> body_of(const Packet& packet) {
  auto body = parse_json(packet.body, {.bytes_max = wire::kBodyBytesMax, .depth_max = 8});
  if (!body) return body.error();
  if (!body->is_object()) return fail(Code::malformed, "the body is not a JSON object");
  return body;
}

}  // namespace

Broker::Broker(BrokerSettings settings, std::uint64_t boot_epoch, Configuration& configuration, IdSource& ids)
    : settings_(std::move(settings)),
      boot_epoch_(boot_epoch),
      configuration_(configuration),
      ids_(ids),
      // Epochs of leases rise across restarts as long as a broker makes fewer than a million leases per millisecond.
      dispatch_(settings_.limits.dispatch, boot_epoch << 20) {}

void Broker::on_message(const PeerId& from, const Stamp& stamp, Packet packet, Instant now, Outlet& outlet) {
  // Whoever wrote the header, its sender is who holds the connection's key.
  packet.header.sender = {stamp.role, stamp.key_id};
  if (const auto peer = peers_.find(from); peer != peers_.end()) {
    if (peer->second.stamp.key_id != stamp.key_id) {
      on_lost(from, now, outlet);  // a new connection under an old routing id
    } else {
      peer->second.heard = now;
    }
  }
  switch (packet.header.kind) {
    case Kind::request:
      return on_request(from, std::move(packet), now, outlet);
    case Kind::reply:
      return dispatch_.answer(from, std::move(packet), now, outlet);
    case Kind::publish:
      if (!may_publish(packet.header.address, stamp.role)) {
        return refuse(from, packet.header, denied(stamp.role, "publish", packet.header.address), outlet);
      }
      if (!packet.attachments.empty()) {
        return refuse(from, packet.header, fail(Code::too_large, "a publication has no attachments"), outlet);
      }
      return publish(packet, outlet);
    case Kind::hello:
    case Kind::heartbeat:
    case Kind::serve:
    case Kind::credit:
    case Kind::subscribe:
    case Kind::unsubscribe:
      return on_statement(from, stamp, packet, now, outlet);
    case Kind::goodbye:
      return on_goodbye(from, stamp, packet, now, outlet);
    case Kind::welcome:
      return refuse(from, packet.header, fail(Code::malformed, "only a broker says welcome"), outlet);
  }
}

Broker::Peer* Broker::present(const PeerId& from, const Stamp& stamp, Instant now, Outlet& outlet) {
  const auto found = peers_.find(from);
  if (found != peers_.end()) return &found->second;
  if (peers_.size() >= settings_.limits.peers_max) {
    send_own(from, Kind::goodbye, outlet);
    return nullptr;
  }
  Peer& peer = peers_[from];
  peer.stamp = stamp;
  peer.heard = now;
  send_own(from, Kind::welcome, outlet);
  return &peer;
}

void Broker::on_statement(const PeerId& from, const Stamp& stamp, const Packet& packet, Instant now, Outlet& outlet) {
  Peer* peer = present(from, stamp, now, outlet);
  if (peer == nullptr) return;
  const wire::Header& header = packet.header;
  const bool whole = header.kind == Kind::hello || header.kind == Kind::heartbeat;
  if (whole && packet.body == peer->statement) {
    if (peer->running) dispatch_.reclaim(from, *peer->running, now, outlet);
    return;
  }
  const auto body = body_of(packet);
  if (!body) return refuse(from, header, body.error(), outlet);
  const auto check = [&](const Result<void>& result) {
    if (!result) refuse(from, header, result.error(), outlet);
  };
  if (header.kind == Kind::serve || header.kind == Kind::credit) {
    return check(serve(from, *peer, header.address, body->value("credit", Json()), now, outlet));
  }
  if (header.kind == Kind::subscribe) return check(subscribe(*peer, header.address));
  if (header.kind == Kind::unsubscribe) {
    peer->topics.erase(header.address);
    return;
  }
  // The whole truth about this peer: what it no longer names, it no longer does.
  const Json services = body->value("services", Json::object());
  const Json topics = body->value("topics", Json::array());
  if (!services.is_object() || !topics.is_array()) {
    return check(fail(Code::malformed, "a statement has {\"services\": {name: credit}, \"topics\": [prefix]}"));
  }
  // Counted here, so that one message never causes more refusals than that.
  if (services.size() > settings_.limits.services_per_peer_max ||
      topics.size() > settings_.limits.topics_per_peer_max) {
    return check(fail(Code::too_large, "one peer serves at most 16 services and reads at most 64 topics"));
  }
  for (const std::string& service : std::set<std::string>(peer->services)) {
    if (services.contains(service)) continue;
    peer->services.erase(service);
    dispatch_.withdraw(service, from, now, outlet);
  }
  peer->topics.clear();
  for (const auto& [service, credit] : services.items()) check(serve(from, *peer, service, credit, now, outlet));
  for (const Json& topic : topics) {
    check(topic.is_string() ? subscribe(*peer, topic.get<std::string>())
                            : Result<void>(fail(Code::malformed, "a topic is a string")));
  }
  const Json running = body->value("running", Json());
  peer->running = running.is_number_unsigned() ? std::optional(running.get<std::size_t>()) : std::nullopt;
  if (peer->running) dispatch_.reclaim(from, *peer->running, now, outlet);
  peer->statement = packet.body;
}

Result<void> Broker::serve(const PeerId& from, Peer& peer, const std::string& service, const Json& credit, Instant now,
                           Outlet& outlet) {
  const ServiceRule* rule = service_rule(service, settings_.with_echo);
  if (rule == nullptr || !may_serve(*rule, peer.stamp.role) || rule->served_by == 1u << unsigned(wire::Role::broker)) {
    return denied(peer.stamp.role, "serve", service);
  }
  if (!credit.is_number_unsigned()) return fail(Code::malformed, "\"credit\" is a number of requests");
  if (!peer.services.contains(service) && peer.services.size() >= settings_.limits.services_per_peer_max) {
    return fail(Code::overloaded, "one peer serves at most 16 services");
  }
  const auto count = static_cast<unsigned>(std::min<std::uint64_t>(credit.get<std::uint64_t>(), 1u << 20));
  auto served = dispatch_.serve(*rule, from, count, now, outlet);
  if (served) peer.services.insert(service);
  return served;
}

Result<void> Broker::subscribe(Peer& peer, const std::string& prefix) {
  if (!may_subscribe(prefix, peer.stamp.role)) return denied(peer.stamp.role, "read", prefix);
  if (!peer.topics.contains(prefix) && peer.topics.size() >= settings_.limits.topics_per_peer_max) {
    return fail(Code::overloaded, "one peer reads at most 64 topics");
  }
  peer.topics.insert(prefix);
  return {};
}

void Broker::on_request(const PeerId& from, Packet packet, Instant now, Outlet& outlet) {
  const wire::Header& header = packet.header;
  const ServiceRule* rule = service_rule(header.address, settings_.with_echo);
  if (rule == nullptr || !may_request(*rule, header.sender.role)) {
    return refuse(from, header, denied(header.sender.role, "ask", header.address), outlet);
  }
  if (header.id.empty()) return refuse(from, header, fail(Code::malformed, "a request has an id"), outlet);
  if (rule->service == "configuration") {
    auto answer = on_configuration(packet, now, outlet);
    if (!answer && is_suspect(answer.error().code)) outlet.refused(header, answer.error());
    Packet reply = reply_to(header, answer ? *answer : wire::refusal(answer.error()));
    reply.header.sender.key_id = settings_.key_id;
    outlet.send(from, reply);
    return;
  }
  if (rule->service == "status") {
    Packet reply = reply_to(header, status(now));
    reply.header.sender.key_id = settings_.key_id;
    outlet.send(from, reply);
    return;
  }
  dispatch_.submit(*rule, from, std::move(packet), now, outlet);
}

void Broker::on_goodbye(const PeerId& from, const Stamp& stamp, const Packet& packet, Instant now, Outlet& outlet) {
  if (packet.header.stream.empty()) return on_lost(from, now, outlet);
  dispatch_.release(packet.header.address, stamp.key_id, packet.header.stream);
}

void Broker::on_lost(const PeerId& peer, Instant now, Outlet& outlet) {
  peers_.erase(peer);
  dispatch_.lost(peer, now, outlet);
}

void Broker::publish(const Packet& packet, Outlet& outlet) {
  for (const auto& [id, peer] : peers_) {
    if (!may_read(packet.header.address, peer.stamp.role)) continue;
    const bool wanted = std::any_of(peer.topics.begin(), peer.topics.end(), [&](const std::string& prefix) {
      return packet.header.address.starts_with(prefix);
    });
    if (!wanted) continue;
    Packet copy = packet;
    outlet.send(id, copy);
  }
}

void Broker::publish_own(std::string topic, std::string type, Json body, Instant now, Outlet& outlet) {
  Packet packet;
  packet.header.kind = Kind::publish;
  packet.header.id = ids_.next(now);
  packet.header.address = std::move(topic);
  packet.header.type = std::move(type);
  packet.header.sender = {wire::Role::broker, settings_.key_id};
  packet.body = to_json(body);
  publish(packet, outlet);
}

Json Broker::configuration_body() const {
  const config::SignedDocument& current = configuration_.signed_document();
  return {
      {"version", configuration_.version()}, {"document", current.text}, {"signature", to_base64(current.signature)}};
}

Result<wire::Message> Broker::on_configuration(const Packet& packet, Instant now, Outlet& outlet) {
  if (packet.header.type == "ConfigurationRequested") {
    if (!configuration_.document()) return fail(Code::not_found, "no configuration was applied yet");
    return wire::Message{"ConfigurationReported", configuration_body(), {}};
  }
  if (packet.header.type != "ConfigurationApplied") {
    return fail(Code::unsupported, "\"configuration\" knows ConfigurationRequested and ConfigurationApplied");
  }
  if (packet.header.sender.role != wire::Role::op) return denied(packet.header.sender.role, "change", "configuration");
  const auto body = body_of(packet);
  if (!body) return body.error();
  auto text = get_string(*body, "document");
  if (!text) return text.error();
  auto signature = from_base64(string_or(*body, "signature"));
  if (!signature) return fail(Code::malformed, "\"signature\" is not base64");
  const auto applied = configuration_.apply({std::move(*text), std::move(*signature)});
  if (!applied) return applied.error();
  if (*applied) {
    if (new_document_) new_document_(*configuration_.document());
    drop_revoked(now, outlet);
    publish_own("configuration.changed", "ConfigurationChanged", configuration_body(), now, outlet);
  }
  return wire::Message{"ConfigurationAccepted", Json{{"version", configuration_.version()}}, {}};
}

void Broker::drop_revoked(Instant now, Outlet& outlet) {
  std::vector<PeerId> gone;
  for (const auto& [id, peer] : peers_) {
    const config::PeerKey* key = configuration_.document()->key(peer.stamp.key_id);
    if (key == nullptr || key->revoked || key->role != peer.stamp.role) gone.push_back(id);
  }
  for (const PeerId& id : gone) {
    send_own(id, Kind::goodbye, outlet);
    on_lost(id, now, outlet);
    outlet.cut(id);
  }
}

wire::Message Broker::status(Instant now) const {
  Json peers = Json::array();
  for (const auto& [id, peer] : peers_) {
    const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(now - peer.heard).count();
    peers.push_back({{"name", peer.stamp.name},
                     {"role", std::string(wire::name(peer.stamp.role))},
                     {"key_id", peer.stamp.key_id},
                     {"services", peer.services},
                     {"topics", peer.topics},
                     {"silent_ms", silent}});
  }
  Json services = Json::array();
  for (const auto& service : dispatch_.status()) {
    services.push_back({{"service", service.service},
                        {"workers", service.workers},
                        {"queued", service.queued},
                        {"in_flight", service.in_flight}});
  }
  return {"StatusReported",
          {{"configuration_version", configuration_.version()},
           {"peers", std::move(peers)},
           {"services", std::move(services)}},
          {}};
}

void Broker::on_tick(Instant now, Outlet& outlet) {
  if (now < ticked_) {  // the clock was set back: what was to come soon would come that much later
    for (auto& [id, peer] : peers_) peer.heard = std::min(peer.heard, now);
    heartbeat_at_ = now;
    dispatch_.on_clock_set_back(ticked_ - now);
  }
  ticked_ = now;
  std::vector<PeerId> silent;
  for (const auto& [id, peer] : peers_) {
    if (now - peer.heard > actor::kLiveness) silent.push_back(id);
  }
  for (const PeerId& id : silent) on_lost(id, now, outlet);
  dispatch_.on_tick(now, outlet);
  if (now < heartbeat_at_) return;
  heartbeat_at_ = now + actor::kHeartbeatInterval;
  std::vector<PeerId> unreachable;
  for (const auto& [id, peer] : peers_) {
    Packet heartbeat;
    heartbeat.header.kind = Kind::heartbeat;
    heartbeat.header.epoch = boot_epoch_;
    heartbeat.header.sender = {wire::Role::broker, settings_.key_id};
    if (outlet.send(id, heartbeat) == Sent::unreachable) unreachable.push_back(id);
  }
  for (const PeerId& id : unreachable) on_lost(id, now, outlet);
  if (configuration_.document()) {
    publish_own("configuration.heartbeat", "ConfigurationHeartbeat", Json{{"version", configuration_.version()}}, now,
                outlet);
  }
}

void Broker::send_own(const PeerId& to, Kind kind, Outlet& outlet) {
  Packet packet;
  packet.header.kind = kind;
  packet.header.epoch = boot_epoch_;
  packet.header.sender = {wire::Role::broker, settings_.key_id};
  outlet.send(to, packet);
}

void Broker::refuse(const PeerId& to, const wire::Header& header, const Error& error, Outlet& outlet) {
  if (is_suspect(error.code)) outlet.refused(header, error);
  Packet packet = reply_to(header, wire::refusal(error));
  packet.header.sender.key_id = settings_.key_id;
  outlet.send(to, packet);
}

}  // namespace holdpoint::broker
