// A broker between scripted peers: what it sends is kept in order, time is moved by hand.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "bus/broker/broker.hpp"

namespace holdpoint::broker {

using namespace std::chrono_literals;
using wire::Kind;
using wire::Packet;
using wire::Role;

struct Sending {
  PeerId to;
  Packet packet;
};

class ScriptedStore final : public DocumentStore {
 public:
  Result<config::SignedDocument> load() override {
    if (!saved) return fail(Code::not_found, "none");
    return *saved;
  }
  Result<void> save(const config::SignedDocument& document) override {
    if (broken) return fail(Code::configuration, "disk full");
    saved = document;
    return {};
  }
  std::optional<config::SignedDocument> saved;
  bool broken = false;
};

/// Documents of the tests: "VERSION KEY KEY ..."; the right signature is "signed".
inline Result<config::Document> scripted_verifier(const config::SignedDocument& signed_document) {
  if (signed_document.signature != "signed") return fail(Code::tampered, "bad signature");
  config::Document document;
  document.version = std::stoull(signed_document.text);
  document.deployment = signed_document.text.ends_with("elsewhere") ? "elsewhere" : "test";
  for (const auto& [name, role] : {std::pair("op-key", Role::op), std::pair("gateway-key", Role::gateway)}) {
    const bool revoked = signed_document.text.find(std::string("-") + name) != std::string::npos;
    document.keys.push_back({name, name, role, {}, {}, revoked});
  }
  return document;
}

class Stage : public testing::Test, protected Outlet {
 protected:
  explicit Stage(BrokerLimits limits = {}) : broker_({"bus-key", true, limits}, 1000, configuration_, ids_) {}

  Sent send(const PeerId& to, Packet& packet) override {
    if (unreachable_.contains(to)) return Sent::unreachable;
    if (full_.contains(to)) return Sent::full;
    sent_.push_back({to, std::move(packet)});
    return Sent::yes;
  }
  void cut(const PeerId& peer) override { cut_.insert(peer); }
  void refused(const wire::Header& asked, const Error& why) override {
    refused_.push_back(asked.sender.key_id + ": " + why.context);
  }

  void from(const PeerId& peer, Role role, Packet packet) {
    broker_.on_message(peer, {role, peer_key(peer), peer}, std::move(packet), now_, *this);
  }
  /// "gateway" and "gateway/2" are two connections of one key.
  static std::string peer_key(const PeerId& peer) { return peer.substr(0, peer.find('/')) + "-key"; }

  void serve(const PeerId& peer, Role role, const std::string& service, unsigned credit) {
    Packet packet = make(Kind::serve, service);
    packet.body = to_json(Json{{"credit", credit}});
    from(peer, role, std::move(packet));
    sent_.clear();
  }
  void subscribe(const PeerId& peer, Role role, const std::string& prefix) {
    from(peer, role, make(Kind::subscribe, prefix));
  }
  Id ask(const PeerId& peer, Role role, const std::string& service, const std::string& stream = {},
         std::uint64_t epoch = 0) {
    Packet packet = request(service, stream, epoch);
    const Id id = packet.header.id;
    from(peer, role, std::move(packet));
    return id;
  }
  Packet request(const std::string& service, const std::string& stream = {}, std::uint64_t epoch = 0) {
    Packet packet = make(Kind::request, service);
    packet.header.id = ids_.next(now_);
    packet.header.deadline = now_ + 10s;
    packet.header.type = "Asked";
    packet.header.stream = stream;
    packet.header.epoch = epoch;
    return packet;
  }
  void reply(const PeerId& worker, Role role, const Id& id) {
    Packet packet = make(Kind::reply, "");
    packet.header.id = id;
    packet.header.type = "Answered";
    from(worker, role, std::move(packet));
  }
  static Packet make(Kind kind, const std::string& address) {
    Packet packet;
    packet.header.kind = kind;
    packet.header.address = address;
    return packet;
  }

  /// Moves time; peers named here stay alive by a heartbeat.
  void pass(Duration duration, const std::vector<std::pair<PeerId, Role>>& alive = {}) {
    for (const Instant end = now_ + duration; now_ < end;) {
      now_ += 100ms;
      for (const auto& [peer, role] : alive) {
        // Not the whole statement: only a sign of life.
        from(peer, role, make(Kind::credit, "none"));
      }
      std::erase_if(sent_, [](const Sending& sending) {
        return sending.packet.header.type == "Refused" && sending.packet.header.address == "none";
      });
      broker_.on_tick(now_, *this);
      std::erase_if(sent_, [](const Sending& sending) { return sending.packet.header.kind == Kind::heartbeat; });
    }
  }

  /// The oldest that was sent and not looked at.
  Sending next() {
    EXPECT_FALSE(sent_.empty()) << "nothing was sent";
    if (sent_.empty()) return {};
    Sending sending = std::move(sent_.front());
    sent_.pop_front();
    return sending;
  }
  void expect_nothing() {
    EXPECT_TRUE(sent_.empty()) << sent_.front().to << " got " << sent_.front().packet.header.type;
  }
  void expect_refused(const PeerId& to, Code code) {
    const Sending sending = next();
    EXPECT_EQ(sending.to, to);
    EXPECT_EQ(sending.packet.header.type, "Refused");
    EXPECT_EQ(sending.packet.header.sender.role, Role::broker);
    EXPECT_EQ(string_or(parse_json(sending.packet.body).value(), "code"), name(code));
  }
  PeerId expect_request(const Id& id) {
    const Sending sending = next();
    EXPECT_EQ(sending.packet.header.kind, Kind::request);
    EXPECT_EQ(sending.packet.header.id, id);
    return sending.to;
  }

  Instant now_ = from_unix_seconds(1'800'000'000);
  std::deque<Sending> sent_;
  std::set<PeerId> unreachable_;
  std::set<PeerId> full_;
  std::set<PeerId> cut_;
  std::vector<std::string> refused_;
  RandomIdSource ids_;
  ScriptedStore store_;
  Configuration configuration_{scripted_verifier, store_};
  Broker broker_;
};

}  // namespace holdpoint::broker
