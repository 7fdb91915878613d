// Conversations of one peer with a scripted broker.
#include "bus/actor/peer.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace holdpoint::actor {
namespace {

using namespace std::chrono_literals;
using wire::Envelope;
using wire::Kind;
using wire::Message;

class PeerTest : public testing::Test, protected Transport {
 protected:
  void send(Envelope envelope) override { sent_.push_back(std::move(envelope)); }

  Envelope next() {
    EXPECT_FALSE(sent_.empty()) << "nothing was sent";
    if (sent_.empty()) return {};
    Envelope envelope = std::move(sent_.front());
    sent_.pop_front();
    return envelope;
  }
  void pass(Duration duration) {
    for (const Instant end = now_ + duration; now_ < end;) {
      now_ += 50ms;
      peer_.on_tick(now_, *this);
      std::erase_if(sent_, [](const Envelope& e) { return e.kind == Kind::hello || e.kind == Kind::heartbeat; });
    }
  }
  Id ask(Duration patience = 10s, const std::string& stream = {}, const std::string& service = "echo") {
    const Id id = ids_.next(now_);
    peer_.request(id, service, Message{"Asked"}, now_ + patience, stream, now_, *this,
                  [this](Result<Message> result) { results_.push_back(std::move(result)); });
    return id;
  }
  void reply(const Id& id, Message message, const std::string& stream = {}, std::uint64_t epoch = 0) {
    Envelope envelope;
    envelope.kind = Kind::reply;
    envelope.id = id;
    envelope.address = "echo";
    envelope.stream = stream;
    envelope.epoch = epoch;
    envelope.message = std::move(message);
    peer_.on_message(std::move(envelope), now_, *this);
  }
  void from_broker(Kind kind, std::uint64_t epoch = 1) {
    Envelope envelope;
    envelope.kind = kind;
    envelope.epoch = epoch;
    peer_.on_message(std::move(envelope), now_, *this);
  }
  Envelope question(const std::string& key_id = "gateway-key") {
    Envelope envelope;
    envelope.kind = Kind::request;
    envelope.id = ids_.next(now_);
    envelope.deadline = now_ + 10s;
    envelope.address = "echo";
    envelope.sender = {wire::Role::gateway, key_id};
    return envelope;
  }
  void take(const Envelope& envelope) { peer_.on_message(envelope, now_, *this); }

  Instant now_ = from_unix_seconds(1'800'000'000);
  RandomIdSource ids_;
  std::deque<Envelope> sent_;
  std::vector<Result<Message>> results_;
  Peer peer_{RequesterLimits{.pending_max = 3, .streams_max = 2},
             ResponderLimits{.ids_max = 4, .answer_bytes_max = 2000}};
};

TEST_F(PeerTest, ResendsTheSameIdMoreAndMoreSeldomUntilTheDeadline) {
  const Id id = ask(10s);
  EXPECT_EQ(next().id, id);
  std::vector<Duration> pauses;
  Instant last = now_;
  const Instant deadline = now_ + 10s;
  while (results_.empty()) {
    pass(50ms);
    if (sent_.empty()) continue;
    EXPECT_EQ(next().id, id);
    pauses.push_back(now_ - last);
    last = now_;
  }
  EXPECT_EQ(pauses, (std::vector<Duration>{500ms, 1s, 2s, 4s}));
  EXPECT_EQ(results_.at(0).error().code, Code::timed_out);
  EXPECT_GE(now_, deadline);
  EXPECT_LT(now_, deadline + 100ms);
}

TEST_F(PeerTest, AClockThatIsSetBackMakesNobodyWaitLonger) {
  from_broker(Kind::welcome);
  pass(1s);
  const Id id = ask(10s);
  EXPECT_EQ(next().id, id);
  now_ -= std::chrono::hours(1);
  pass(600ms);
  ASSERT_FALSE(sent_.empty()) << "it is sent again as if nothing had happened";
  pass(2s);
  EXPECT_FALSE(peer_.connected()) << "the broker is silent by any clock";
  EXPECT_TRUE(results_.empty());
  pass(8s);
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0].error().code, Code::timed_out);
}

TEST_F(PeerTest, EndsEachRequestOnceWhateverArrives) {
  const Id id = ask();
  reply(ids_.next(now_), Message{"Answered"});
  EXPECT_TRUE(results_.empty());
  reply(id, Message{"Answered"});
  reply(id, Message{"Answered"});
  pass(11s);
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0]->type, "Answered");
}

TEST_F(PeerTest, TurnsARefusalIntoItsError) {
  reply(ask(), wire::refusal(fail(Code::denied, "no")));
  EXPECT_EQ(results_.at(0).error().code, Code::denied);
  EXPECT_EQ(results_.at(0).error().context, "no");
}

TEST_F(PeerTest, BoundsWhatIsPendingAndWhatAHeaderHolds) {
  for (int n = 0; n < 3; ++n) ask();
  EXPECT_TRUE(results_.empty());
  ask();
  EXPECT_EQ(results_.at(0).error().code, Code::overloaded);
  peer_.leave(*this);
  EXPECT_EQ(results_.size(), 4u);
  EXPECT_EQ(results_.back().error().code, Code::unavailable);
  ask(0s);
  EXPECT_EQ(results_.back().error().code, Code::timed_out);
  ask(1s, std::string(256, 's'));
  EXPECT_EQ(results_.back().error().code, Code::too_large);
}

TEST_F(PeerTest, RepeatsTheEpochOfAStreamUntilItIsReleased) {
  const Id first = ask(10s, "s");
  EXPECT_EQ(next().epoch, 0u);
  reply(first, Message{"Answered"}, "s", 7);
  ask(10s, "s");
  EXPECT_EQ(next().epoch, 7u);
  ask(10s, "t");
  EXPECT_EQ(next().epoch, 0u);
  ask(10s, "u");
  EXPECT_EQ(results_.back().error().code, Code::overloaded);
  peer_.requester().release("echo", "s", now_, *this);
  const Envelope goodbye = next();
  EXPECT_EQ(goodbye.kind, Kind::goodbye);
  EXPECT_EQ(goodbye.stream, "s");
  EXPECT_EQ(goodbye.epoch, 7u);
}

TEST_F(PeerTest, SendsWhatIsPendingAgainWhenTheBrokerIsBack) {
  from_broker(Kind::welcome, 1);
  const Id id = ask();
  EXPECT_EQ(next().id, id);
  from_broker(Kind::heartbeat, 1);
  EXPECT_TRUE(sent_.empty());
  from_broker(Kind::heartbeat, 2);  // restarted
  EXPECT_EQ(next().id, id);
  from_broker(Kind::goodbye);
  EXPECT_FALSE(peer_.connected());
  from_broker(Kind::welcome, 2);
  EXPECT_TRUE(peer_.connected());
  EXPECT_EQ(next().id, id);
}

TEST_F(PeerTest, IsDisconnectedAfterTwoAndAHalfSecondsOfSilence) {
  from_broker(Kind::welcome);
  pass(2500ms);
  EXPECT_TRUE(peer_.connected());
  pass(100ms);
  EXPECT_FALSE(peer_.connected());
}

TEST_F(PeerTest, StatesWhatItServesReadsAndRunsInEveryHeartbeat) {
  from_broker(Kind::welcome);
  peer_.serve(
      "echo", 3, [](Envelope) {}, now_, *this);
  peer_.subscribe(
      "review.", [](const Envelope&) {}, now_, *this);
  EXPECT_EQ(next().kind, Kind::serve);
  EXPECT_EQ(next().kind, Kind::subscribe);
  take(question());
  now_ += 500ms;
  peer_.on_tick(now_, *this);
  const Envelope heartbeat = next();
  EXPECT_EQ(heartbeat.kind, Kind::heartbeat);
  EXPECT_EQ(to_json(heartbeat.message.body), R"({"running":1,"services":{"echo":3},"topics":["review."]})");
}

TEST_F(PeerTest, RunsARequestOnceAndRepeatsItsAnswer) {
  std::vector<Envelope> taken;
  peer_.serve(
      "echo", 3, [&](Envelope request) { taken.push_back(std::move(request)); }, now_, *this);
  next();
  const Envelope asked = question();
  take(asked);
  take(asked);
  EXPECT_EQ(taken.size(), 1u);
  EXPECT_TRUE(sent_.empty());
  peer_.answer(asked, Message{"Answered"}, now_, *this);
  peer_.answer(asked, Message{"Answered twice"}, now_, *this);
  EXPECT_EQ(next().message.type, "Answered");
  EXPECT_TRUE(sent_.empty());
  take(asked);
  EXPECT_EQ(next().message.type, "Answered");
  EXPECT_EQ(taken.size(), 1u);
  // Another key's request with the same id is another request.
  Envelope other = asked;
  other.sender.key_id = "operator-key";
  take(other);
  EXPECT_EQ(taken.size(), 2u);
}

TEST_F(PeerTest, RunsAPureFunctionAgainForARepeatButNeverTwiceAtOnce) {
  std::vector<Envelope> taken;
  peer_.serve(
      "echo", 3, [&](Envelope request) { taken.push_back(std::move(request)); }, now_, *this, Repeats::run_again);
  next();
  const Envelope asked = question();
  take(asked);
  take(asked);
  EXPECT_EQ(taken.size(), 1u);
  peer_.answer(asked, Message("Answered", Json::object(), {Bytes(1500, 'x')}), now_, *this);
  EXPECT_EQ(next().message.attachments, std::vector<Bytes>{Bytes(1500, 'x')});
  EXPECT_EQ(peer_.responder().running(), 0u);
  take(asked);
  EXPECT_EQ(taken.size(), 2u);
  peer_.answer(asked, Message{"Answered"}, now_, *this);
  EXPECT_EQ(next().message.type, "Answered");
}

TEST_F(PeerTest, RefusesARepeatWhoseAnswerItNoLongerKeeps) {
  peer_.serve(
      "echo", 3, [](Envelope) {}, now_, *this);
  next();
  const Envelope first = question();
  take(first);
  peer_.answer(first, Message("Answered", Json::object(), {Bytes(1500, 'x')}), now_, *this);
  const Envelope second = question();
  take(second);
  peer_.answer(second, Message("Answered", Json::object(), {Bytes(1500, 'x')}), now_, *this);
  sent_.clear();
  take(first);
  EXPECT_EQ(wire::accepted(next().message).error().code, Code::outcome_unknown);
  take(second);
  EXPECT_EQ(next().message.type, "Answered");
}

TEST_F(PeerTest, ForgetsIdsAfterTheirDeadlineAndIgnoresRequestsBeyondIt) {
  int runs = 0;
  peer_.serve(
      "echo", 3,
      [&](Envelope request) {
        ++runs;
        peer_.answer(request, Message{"Answered"}, now_, *this);
      },
      now_, *this);
  const Envelope asked = question();
  take(asked);
  pass(11s);
  sent_.clear();
  take(asked);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(PeerTest, AnswersForAServiceThatItDoesNotServe) {
  take(question());
  EXPECT_EQ(wire::accepted(next().message).error().code, Code::unavailable);
}

TEST_F(PeerTest, HandsAPublicationToEverySubscriberOfAPrefix) {
  std::vector<std::string> got;
  peer_.subscribe(
      "review.", [&](const Envelope& e) { got.push_back("a:" + e.address); }, now_, *this);
  peer_.subscribe(
      "review.decided", [&](const Envelope& e) { got.push_back("b:" + e.address); }, now_, *this);
  Envelope publication;
  publication.kind = Kind::publish;
  for (const char* topic : {"review.decided", "review.voted", "record.checkpoint"}) {
    publication.address = topic;
    take(publication);
  }
  EXPECT_EQ(got, (std::vector<std::string>{"a:review.decided", "b:review.decided", "a:review.voted"}));
}

}  // namespace
}  // namespace holdpoint::actor
