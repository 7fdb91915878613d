#include "bus/broker/broker.hpp"

#include "tests/unit/bus/broker/stage.hpp"

namespace holdpoint::broker {
namespace {

using BrokerTest = Stage;

TEST_F(BrokerTest, CarriesARequestToAWorkerAndItsAnswerBack) {
  serve("masker", Role::masker, "masks", 1);
  Packet packet = request("masks");
  packet.body = R"({"not":"looked at)";  // the broker does not parse what it routes
  packet.header.sender = {Role::auditor, "forged"};
  const Id id = packet.header.id;
  from("gateway", Role::gateway, std::move(packet));
  const Sending asked = next();
  EXPECT_EQ(asked.to, "masker");
  EXPECT_EQ(asked.packet.header.sender.role, Role::gateway);
  EXPECT_EQ(asked.packet.header.sender.key_id, "gateway-key");
  EXPECT_EQ(asked.packet.body, R"({"not":"looked at)");
  reply("masker", Role::masker, id);
  const Sending answered = next();
  EXPECT_EQ(answered.to, "gateway");
  EXPECT_EQ(answered.packet.header.id, id);
  EXPECT_EQ(answered.packet.header.address, "masks");
  EXPECT_EQ(answered.packet.header.sender.role, Role::masker);
  expect_nothing();
}

struct Access {
  const char* service;
  std::set<Role> serve;
  std::set<Role> ask;
};

// The table of PROTOCOL.md, written again.
TEST_F(BrokerTest, KeepsToTheTableOfServices) {
  using enum Role;
  const std::set<Role> everyone = {broker, gateway, approvals, masker, auditor, op, frontend};
  const std::vector<Access> table = {{"configuration", {}, everyone},
                                     {"status", {}, {op}},
                                     {"reviews", {approvals}, {gateway, op, frontend}},
                                     {"records", {auditor}, {gateway, approvals, broker, op}},
                                     {"log", {auditor}, {op, approvals}},
                                     {"masks", {masker}, {gateway, approvals, op}},
                                     {"gateway.status", {gateway}, {op}},
                                     {"no.such.service", {}, {}},
                                     {"", {}, {}}};
  for (const Access& row : table) {
    for (const Role role : {none, broker, gateway, approvals, masker, auditor, op, frontend}) {
      const PeerId peer = std::string(wire::name(role)) + "/" + row.service;
      sent_.clear();
      Packet offer = make(Kind::serve, row.service);
      offer.body = R"({"credit":1})";
      from(peer, role, std::move(offer));
      EXPECT_EQ(next().packet.header.kind, Kind::welcome);
      if (row.serve.contains(role)) {
        for (const Sending& sending : sent_) EXPECT_EQ(sending.packet.header.kind, Kind::request);  // what had waited
      } else {
        expect_refused(peer, Code::denied);
      }
      from(peer, role, make(Kind::goodbye, ""));
      sent_.clear();
      const Id id = ask(peer, role, row.service);
      if (row.ask.contains(role)) {
        for (const Sending& sending : sent_) EXPECT_EQ(sending.packet.body.find("denied"), std::string::npos);
      } else {
        expect_refused(peer, Code::denied);
      }
      EXPECT_FALSE(id.empty());
    }
  }
}

TEST_F(BrokerTest, KeepsToTheTableOfTopics) {
  using enum Role;
  const std::set<Role> everyone = {broker, gateway, approvals, masker, auditor, op, frontend};
  const std::set<Role> review_readers = {gateway, approvals, op, frontend};
  const std::vector<std::tuple<const char*, Role, std::set<Role>>> table = {
      {"configuration.changed", broker, everyone},     {"configuration.heartbeat", broker, everyone},
      {"review.requested", approvals, review_readers}, {"review.decided", approvals, review_readers},
      {"review.voted", approvals, review_readers},     {"record.checkpoint", auditor, everyone}};
  for (const Role role : everyone) subscribe(std::string(wire::name(role)), role, "");
  for (const auto& [topic, publisher, readers] : table) {
    for (const Role role : everyone) {
      sent_.clear();
      from(std::string(wire::name(role)), role, make(Kind::publish, topic));
      if (role != publisher) {
        expect_refused(std::string(wire::name(role)), Code::denied);
        expect_nothing();
        continue;
      }
      std::set<PeerId> got;
      std::set<PeerId> expected;
      for (const Sending& sending : sent_) got.insert(sending.to);
      for (const Role reader : readers) expected.insert(std::string(wire::name(reader)));
      EXPECT_EQ(got, expected) << topic;
    }
  }
  sent_.clear();
  subscribe("masker", Role::masker, "review.");
  expect_refused("masker", Code::denied);
  from("approvals", Role::approvals, make(Kind::publish, "review.unknown"));
  expect_refused("approvals", Code::denied);
}

TEST_F(BrokerTest, TellsTheLogWhoAskedForWhatTheirKeyMayNot) {
  from("masker", Role::masker, request("reviews"));
  from("gateway", Role::gateway, make(Kind::publish, "review.decided"));
  serve("frontend", Role::frontend, "reviews", 1);
  subscribe("masker", Role::masker, "review.");
  EXPECT_EQ(refused_, (std::vector<std::string>{"masker-key: role masker may not ask \"reviews\"",
                                                "gateway-key: role gateway may not publish \"review.decided\"",
                                                "frontend-key: role frontend may not serve \"reviews\"",
                                                "masker-key: role masker may not read \"review.\""}));
}

TEST_F(BrokerTest, SendsAPublicationOnceToEachReaderOfItsPrefix) {
  subscribe("gateway", Role::gateway, "review.");
  subscribe("gateway", Role::gateway, "review.dec");
  subscribe("gateway/2", Role::gateway, "review.voted");
  sent_.clear();
  Packet packet = make(Kind::publish, "review.decided");
  packet.header.sender = {Role::broker, "forged"};
  from("approvals", Role::approvals, packet);
  const Sending got = next();
  EXPECT_EQ(got.to, "gateway");
  EXPECT_EQ(got.packet.header.sender.role, Role::approvals);
  expect_nothing();
  packet.attachments.push_back("x");
  from("approvals", Role::approvals, packet);
  expect_refused("approvals", Code::too_large);
}

TEST_F(BrokerTest, TakesAStatementAsTheWholeTruth) {
  Packet statement = make(Kind::heartbeat, "");
  statement.body = R"({"services":{"masks":1},"topics":["record."]})";
  from("masker", Role::masker, statement);
  EXPECT_EQ(next().packet.header.kind, Kind::welcome);
  const Id id = ask("gateway", Role::gateway, "masks");
  EXPECT_EQ(expect_request(id), "masker");
  reply("masker", Role::masker, id);
  next();
  statement.body = R"({"services":{},"topics":[]})";
  from("masker", Role::masker, statement);
  from("auditor", Role::auditor, make(Kind::publish, "record.checkpoint"));
  ask("gateway", Role::gateway, "masks");
  expect_nothing();
}

TEST_F(BrokerTest, RefusesStatementsThatMakeNoSense) {
  subscribe("masker", Role::masker, "record.");
  sent_.clear();
  for (const char* body : {"", "[]", R"({"services":[]})", R"({"topics":{}})", R"({"topics":[1]})",
                           R"({"services":{"masks":-1}})", R"({"services":{"masks":"1"}})", R"({"a":1,"a":1})",
                           R"({"services":{"masks":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}})"}) {
    Packet statement = make(Kind::heartbeat, "");
    statement.body = body;
    from("masker", Role::masker, std::move(statement));
    EXPECT_EQ(next().packet.header.type, "Refused") << body;
    expect_nothing();
  }
  Json many = Json::object();
  for (int n = 0; n < 17; ++n) many["service" + std::to_string(n)] = 1;
  Packet statement = make(Kind::heartbeat, "");
  statement.body = to_json(Json{{"services", many}});
  from("masker", Role::masker, std::move(statement));
  expect_refused("masker", Code::too_large);
  expect_nothing();
  from("masker", Role::masker, make(Kind::welcome, ""));
  expect_refused("masker", Code::malformed);
}

TEST_F(BrokerTest, ForgetsAPeerThatIsSilentAndWelcomesItAgain) {
  subscribe("gateway", Role::gateway, "review.");
  sent_.clear();
  pass(2400ms);
  EXPECT_EQ(broker_.peers(), 1u);
  pass(200ms);
  EXPECT_EQ(broker_.peers(), 0u);
  subscribe("gateway", Role::gateway, "review.");
  const Sending welcome = next();
  EXPECT_EQ(welcome.packet.header.kind, Kind::welcome);
  EXPECT_EQ(welcome.packet.header.epoch, 1000u);
}

TEST_F(BrokerTest, SendsHeartbeatsEveryHalfSecondAndDropsWhoIsUnreachable) {
  subscribe("gateway", Role::gateway, "review.");
  sent_.clear();
  int heartbeats = 0;
  for (int n = 0; n < 20; ++n) {
    now_ += 100ms;
    broker_.on_tick(now_, *this);
  }
  for (const Sending& sending : sent_) heartbeats += sending.packet.header.kind == Kind::heartbeat ? 1 : 0;
  EXPECT_EQ(heartbeats, 4);
  unreachable_.insert("gateway");
  pass(500ms);
  EXPECT_EQ(broker_.peers(), 0u);
}

TEST_F(BrokerTest, GoesOnWhenTheClockIsSetBack) {
  subscribe("gateway", Role::gateway, "review.");
  pass(1s, {{"gateway", Role::gateway}});
  now_ -= std::chrono::hours(1);
  broker_.on_tick(now_, *this);
  sent_.clear();
  int heartbeats = 0;
  for (int n = 0; n < 10; ++n) {
    now_ += 100ms;
    broker_.on_tick(now_, *this);
  }
  for (const Sending& sending : sent_) heartbeats += sending.packet.header.kind == Kind::heartbeat ? 1 : 0;
  EXPECT_EQ(heartbeats, 2);
  pass(2s);
  EXPECT_EQ(broker_.peers(), 0u) << "who is silent is forgotten as soon as before";
}

TEST_F(BrokerTest, DoesNotLetAnotherKeyTakeOverARoutingId) {
  serve("masker", Role::masker, "masks", 1);
  const Id id = ask("gateway", Role::gateway, "masks");
  sent_.clear();
  Packet forged = make(Kind::reply, "masks");
  forged.header.id = id;
  broker_.on_message("masker", {Role::frontend, "other-key", "other"}, std::move(forged), now_, *this);
  // The connection under that id is another now: the worker is gone, and its answer is not the stranger's to give.
  expect_refused("gateway", Code::unavailable);
  expect_nothing();
}

TEST_F(BrokerTest, SaysGoodbyeToPeersBeyondItsLimit) {
  BrokerLimits limits;
  limits.peers_max = 2;
  Broker small({"bus-key", true, limits}, 1, configuration_, ids_);
  for (const char* peer : {"a", "b", "c"}) {
    small.on_message(peer, {Role::gateway, "k", "n"}, make(Kind::subscribe, "review."), now_, *this);
  }
  EXPECT_EQ(sent_.back().to, "c");
  EXPECT_EQ(sent_.back().packet.header.kind, Kind::goodbye);
  EXPECT_EQ(small.peers(), 2u);
}

TEST_F(BrokerTest, TellsTheOperatorItsStatus) {
  serve("masker", Role::masker, "masks", 1);
  ask("gateway", Role::gateway, "masks");
  ask("gateway", Role::gateway, "masks");
  sent_.clear();
  ask("op", Role::op, "status");
  const Json body = parse_json(next().packet.body).value();
  EXPECT_EQ(to_json(body["services"]), R"([{"in_flight":1,"queued":1,"service":"masks","workers":1}])");
  EXPECT_EQ(body["peers"][0]["role"].get<std::string>(), "masker");
}

// --- configuration

class ConfigurationTest : public Stage {
 protected:
  void apply(const std::string& text, const std::string& signature = "signed", Role role = Role::op) {
    Packet packet = request("configuration");
    packet.header.type = "ConfigurationApplied";
    packet.body = to_json(Json{{"document", text}, {"signature", to_base64(signature)}});
    from("op", role, std::move(packet));
  }
  void expect_accepted(std::uint64_t version) {
    const Sending sending = next();
    EXPECT_EQ(sending.packet.header.type, "ConfigurationAccepted") << sending.packet.body;
    EXPECT_EQ(sending.packet.body, to_json(Json{{"version", version}}));
  }
};

TEST_F(ConfigurationTest, TakesRisingVersionsOnlyAndTellsEverybody) {
  subscribe("gateway", Role::gateway, "configuration.changed");
  sent_.clear();
  apply("3");
  const Sending changed = next();
  EXPECT_EQ(changed.to, "gateway");
  EXPECT_EQ(changed.packet.header.type, "ConfigurationChanged");
  EXPECT_EQ(string_or(parse_json(changed.packet.body).value(), "document"), "3");
  expect_accepted(3);
  apply("3");  // the same bytes again: accepted, no news
  expect_accepted(3);
  expect_nothing();
  for (const char* stale : {"2", "3 with other bytes", "0"}) {
    apply(stale);
    expect_refused("op", Code::stale);
  }
  apply("4", "forged");
  expect_refused("op", Code::tampered);
  apply("4", "signed", Role::gateway);
  expect_refused("op", Code::denied);
  apply("5 elsewhere");
  expect_refused("op", Code::denied);
  expect_nothing();
  EXPECT_EQ(configuration_.version(), 3u);
}

TEST_F(ConfigurationTest, TellsNobodyWhatIsNotOnDisk) {
  subscribe("gateway", Role::gateway, "configuration.");
  sent_.clear();
  store_.broken = true;
  apply("3");
  expect_refused("op", Code::not_durable);
  expect_nothing();
  ask("gateway", Role::gateway, "configuration");
  expect_refused("gateway", Code::unsupported);
}

TEST_F(ConfigurationTest, KeepsItsVersionOverARestartAndRefusesADamagedFile) {
  apply("3");
  Configuration again(scripted_verifier, store_);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.version(), 3u);
  EXPECT_EQ(again.apply({"2", "signed"}).error().code, Code::stale);
  store_.saved->signature = "x";
  Configuration damaged(scripted_verifier, store_);
  EXPECT_EQ(damaged.load().error().code, Code::tampered);
}

TEST_F(ConfigurationTest, CutsOffAKeyThatTheNewDocumentRevokes) {
  subscribe("gateway", Role::gateway, "review.");
  subscribe("op", Role::op, "review.");
  sent_.clear();
  apply("3");
  next();
  EXPECT_TRUE(cut_.empty());
  apply("4 -gateway-key");
  const Sending goodbye = next();
  EXPECT_EQ(goodbye.to, "gateway");
  EXPECT_EQ(goodbye.packet.header.kind, Kind::goodbye);
  EXPECT_EQ(cut_, std::set<PeerId>{"gateway"});
  EXPECT_EQ(broker_.peers(), 1u);
}

TEST_F(ConfigurationTest, AnnouncesItsVersionEveryHalfSecond) {
  apply("3");
  subscribe("gateway", Role::gateway, "configuration.heartbeat");
  sent_.clear();
  pass(1s, {{"gateway", Role::gateway}});
  EXPECT_EQ(sent_.size(), 2u);
  EXPECT_EQ(next().packet.body, R"({"version":3})");
}

}  // namespace
}  // namespace holdpoint::broker
