// Conversations about requests: queues, credit, repeats, deaths, streams.
#include "bus/broker/dispatch.hpp"

#include "tests/unit/bus/broker/stage.hpp"

namespace holdpoint::broker {
namespace {

using DispatchTest = Stage;
const std::pair<PeerId, Role> kMasker{"masker", Role::masker};
const std::pair<PeerId, Role> kAuditor{"auditor", Role::auditor};

TEST_F(DispatchTest, NeverGivesAWorkerMoreThanItsCreditAndKeepsTheOrder) {
  serve("masker", Role::masker, "masks", 2);
  std::vector<Id> ids;
  for (int n = 0; n < 5; ++n) ids.push_back(ask("gateway", Role::gateway, "masks"));
  expect_request(ids[0]);
  expect_request(ids[1]);
  expect_nothing();
  reply("masker", Role::masker, ids[1]);
  EXPECT_EQ(next().to, "gateway");
  expect_request(ids[2]);
  expect_nothing();
  serve("masker", Role::masker, "masks", 0);  // pauses
  reply("masker", Role::masker, ids[0]);
  reply("masker", Role::masker, ids[2]);
  sent_.clear();
  expect_nothing();
  Packet credit = make(Kind::credit, "masks");
  credit.body = R"({"credit":1})";
  from("masker", Role::masker, std::move(credit));
  expect_request(ids[3]);
  expect_nothing();
}

TEST_F(DispatchTest, ChoosesTheLeastLoadedShareOfCredit) {
  serve("small", Role::masker, "masks", 1);
  serve("large", Role::masker, "masks", 3);
  std::map<PeerId, int> taken;
  for (int n = 0; n < 4; ++n) ++taken[expect_request(ask("gateway", Role::gateway, "masks"))];
  EXPECT_EQ(taken["small"], 1);
  EXPECT_EQ(taken["large"], 3);
}

TEST_F(DispatchTest, GivesARepeatedIdToTheWorkerThatHasItAndToNoOther) {
  serve("masker", Role::masker, "masks", 4);
  serve("masker/2", Role::masker, "masks", 4);
  Packet packet = request("masks");
  from("gateway", Role::gateway, packet);
  const PeerId first = expect_request(packet.header.id);
  from("gateway/2", Role::gateway, packet);  // reconnected
  EXPECT_EQ(expect_request(packet.header.id), first);
  reply(first, Role::masker, packet.header.id);
  EXPECT_EQ(next().to, "gateway/2");
  // Answered, the answer got lost: the same worker again.
  from("gateway/2", Role::gateway, packet);
  EXPECT_EQ(expect_request(packet.header.id), first);
  reply(first, Role::masker, packet.header.id);
  EXPECT_EQ(next().to, "gateway/2");
  expect_nothing();
}

TEST_F(DispatchTest, QueuesARepeatedIdOnce) {
  Packet packet = request("masks");
  from("gateway", Role::gateway, packet);
  from("gateway/2", Role::gateway, packet);
  EXPECT_EQ(broker_.dispatch().status()[0].queued, 1u);
  Packet offer = make(Kind::serve, "masks");
  offer.body = R"({"credit":4})";
  from("masker", Role::masker, std::move(offer));
  EXPECT_EQ(next().packet.header.kind, Kind::welcome);
  expect_request(packet.header.id);
  expect_nothing();
  reply("masker", Role::masker, packet.header.id);
  EXPECT_EQ(next().to, "gateway/2");
}

TEST_F(DispatchTest, RefusesTheIdOfAnotherPeer) {
  serve("masker", Role::masker, "masks", 1);
  Packet flying = request("masks");
  Packet queued = request("masks");
  from("gateway", Role::gateway, flying);
  from("gateway", Role::gateway, queued);
  sent_.clear();
  for (const Packet& packet : {flying, queued}) {
    from("op", Role::op, packet);
    expect_refused("op", Code::conflict);
  }
  reply("masker", Role::masker, flying.header.id);
  sent_.clear();
  from("op", Role::op, flying);
  expect_refused("op", Code::conflict);
}

TEST_F(DispatchTest, TakesAnAnswerOnlyFromTheWorkerThatHasTheRequest) {
  serve("masker", Role::masker, "masks", 1);
  serve("masker/2", Role::masker, "masks", 1);
  const Id id = ask("gateway", Role::gateway, "masks");
  const PeerId worker = expect_request(id);
  const PeerId other = worker == "masker" ? "masker/2" : "masker";
  reply(other, Role::masker, id);
  reply("frontend", Role::frontend, id);
  reply(worker, Role::masker, ids_.next(now_));
  expect_nothing();
  reply(worker, Role::masker, id);
  EXPECT_EQ(next().to, "gateway");
  reply(worker, Role::masker, id);
  expect_nothing();
}

TEST_F(DispatchTest, WaitsTwoSecondsForAWorkerToComeBack) {
  const Id early = ask("gateway", Role::gateway, "masks");
  pass(1500ms);
  expect_nothing();
  Packet offer = make(Kind::serve, "masks");
  offer.body = R"({"credit":1})";
  from("masker", Role::masker, std::move(offer));
  next();
  expect_request(early);
  from("masker", Role::masker, make(Kind::goodbye, ""));
  expect_refused("gateway", Code::unavailable);
  ask("gateway", Role::gateway, "masks");
  pass(1900ms);
  expect_nothing();
  pass(200ms);
  expect_refused("gateway", Code::unavailable);
}

TEST_F(DispatchTest, SaysTimedOutAtTheDeadlineAndForRequestsThatComeTooLate) {
  serve("masker", Role::masker, "masks", 1);
  ask("gateway", Role::gateway, "masks");
  next();
  Packet packet = request("masks");
  packet.header.deadline = now_ + 1s;
  from("gateway", Role::gateway, packet);
  pass(900ms, {kMasker});
  expect_nothing();
  pass(200ms, {kMasker});
  expect_refused("gateway", Code::timed_out);
  from("gateway", Role::gateway, packet);
  expect_refused("gateway", Code::timed_out);
}

TEST_F(DispatchTest, SaysOverloadedWhenAQueueIsFullByCountOrBytes) {
  for (int n = 0; n < 1000; ++n) ask("gateway", Role::gateway, "masks");
  expect_nothing();
  ask("gateway", Role::gateway, "masks");
  expect_refused("gateway", Code::overloaded);
  // Another service has a queue of its own, but memory is shared.
  Packet large = request("records");
  large.attachments.assign(1, Bytes(64 << 20, 'x'));
  for (int n = 0; n < 3; ++n) {
    large.header.id = ids_.next(now_);
    from("gateway", Role::gateway, large);
  }
  expect_nothing();
  large.header.id = ids_.next(now_);
  from("gateway", Role::gateway, large);
  expect_refused("gateway", Code::overloaded);
  pass(2100ms);
  EXPECT_EQ(broker_.dispatch().queued_bytes(), 0u);
  EXPECT_EQ(sent_.size(), 1003u);
}

TEST_F(DispatchTest, DoesNotGiveAMaskRequestThatKilledItsWorkerToTheNext) {
  serve("masker", Role::masker, "masks", 1);
  Packet packet = request("masks");
  from("gateway", Role::gateway, packet);
  expect_request(packet.header.id);
  pass(2600ms);  // silence
  expect_refused("gateway", Code::unavailable);
  serve("masker/2", Role::masker, "masks", 1);
  from("gateway", Role::gateway, packet);
  expect_refused("gateway", Code::unavailable);
  expect_request(ask("gateway", Role::gateway, "masks"));
}

TEST_F(DispatchTest, GivesTheResendOfOtherServicesToAnotherWorkerUntilThreeHaveDied) {
  Packet packet = request("reviews");
  for (const char* worker : {"approvals", "approvals/2", "approvals/3"}) {
    serve(worker, Role::approvals, "reviews", 1);
    from("gateway", Role::gateway, packet);
    EXPECT_EQ(expect_request(packet.header.id), worker);
    from(worker, Role::approvals, make(Kind::goodbye, ""));
    expect_nothing();
  }
  serve("approvals/4", Role::approvals, "reviews", 1);
  from("gateway", Role::gateway, packet);
  expect_refused("gateway", Code::unavailable);
}

TEST_F(DispatchTest, TriesTheNextWorkerWhenOneCannotBeReachedAtAll) {
  serve("masker", Role::masker, "masks", 1);
  serve("masker/2", Role::masker, "masks", 1);
  unreachable_ = {"masker"};
  for (int n = 0; n < 2; ++n) {
    const Id id = ask("gateway", Role::gateway, "masks");
    EXPECT_EQ(expect_request(id), "masker/2");  // nothing was sent to the first: it cannot have died of it
    reply("masker/2", Role::masker, id);
    next();
  }
}

TEST_F(DispatchTest, GivesTheCreditOfLostMessagesBackWhenTheWorkerSaysItIsIdle) {
  serve("masker", Role::masker, "masks", 1);
  Packet lost = request("masks");
  lost.header.deadline = now_ + 1s;
  from("gateway", Role::gateway, lost);
  sent_.clear();
  Packet statement = make(Kind::heartbeat, "");
  statement.body = R"({"services":{"masks":1},"topics":[],"running":0})";
  from("masker", Role::masker, statement);
  const Id waiting = ask("gateway", Role::gateway, "masks");
  pass(1500ms, {kMasker});
  from("masker", Role::masker, statement);
  expect_nothing();  // it may be on its way
  pass(600ms, {kMasker});
  from("masker", Role::masker, statement);
  expect_request(waiting);
}

TEST_F(DispatchTest, KeepsTheCreditOfAWorkerThatIsStillAtWorkAfterTheDeadline) {
  serve("masker", Role::masker, "masks", 1);
  Packet slow = request("masks");
  slow.header.deadline = now_ + 1s;
  from("gateway", Role::gateway, slow);
  sent_.clear();
  ask("gateway", Role::gateway, "masks");
  for (int n = 0; n < 3; ++n) {
    Packet statement = make(Kind::heartbeat, "");
    statement.body = R"({"services":{"masks":1},"topics":[],"running":1})";
    from("masker", Role::masker, statement);
    pass(1s, {kMasker});
  }
  expect_nothing();
}

// --- streams

TEST_F(DispatchTest, PinsAStreamToOneWorker) {
  for (const char* worker : {"auditor", "auditor/2", "auditor/3"}) serve(worker, Role::auditor, "records", 4);
  const Id first = ask("gateway", Role::gateway, "records", "s");
  const Sending asked = next();
  EXPECT_NE(asked.packet.header.epoch, 0u);
  reply(asked.to, Role::auditor, first);
  const Sending answered = next();
  EXPECT_EQ(answered.packet.header.stream, "s");
  EXPECT_EQ(answered.packet.header.epoch, asked.packet.header.epoch);
  for (int n = 0; n < 6; ++n) {
    const Id id = ask("gateway", Role::gateway, "records", "s", n % 2 == 0 ? 0 : answered.packet.header.epoch);
    EXPECT_EQ(expect_request(id), asked.to);
    reply(asked.to, Role::auditor, id);
    next();
  }
  // The same stream id of another key is another stream.
  std::set<PeerId> others;
  for (const char* peer : {"op", "approvals"}) {
    ask(peer, peer[0] == 'o' ? Role::op : Role::approvals, "records", "s");
    others.insert(next().to);
  }
  EXPECT_EQ(others.size(), 2u);
}

TEST_F(DispatchTest, LetsPartsOfAStreamWaitForTheirOwnWorker) {
  serve("masker", Role::masker, "masks", 1);
  serve("masker/2", Role::masker, "masks", 1);
  const Id first = ask("gateway", Role::gateway, "masks", "s");
  const PeerId worker = expect_request(first);
  const Id second = ask("gateway", Role::gateway, "masks", "s");
  const Id third = ask("gateway", Role::gateway, "masks", "s");
  expect_nothing();  // though the other worker is free
  const Id other = ask("gateway", Role::gateway, "masks");
  EXPECT_NE(expect_request(other), worker);
  for (const auto& [done, then] : {std::pair(first, second), std::pair(second, third)}) {
    reply(worker, Role::masker, done);
    EXPECT_EQ(next().to, "gateway");
    EXPECT_EQ(expect_request(then), worker);
  }
}

TEST_F(DispatchTest, RefusesEveryLaterPartOfAMaskStreamWhoseWorkerDied) {
  serve("masker", Role::masker, "masks", 1);
  serve("masker/2", Role::masker, "masks", 8);
  const Id first = ask("gateway", Role::gateway, "masks", "s");
  const Sending asked = next();
  ask("gateway", Role::gateway, "masks", "s");
  reply(asked.to, Role::masker, first);
  next();
  next();
  from(asked.to, Role::masker, make(Kind::goodbye, ""));
  expect_refused("gateway", Code::unavailable);
  for (const std::uint64_t epoch : {std::uint64_t{0}, asked.packet.header.epoch}) {
    ask("gateway", Role::gateway, "masks", "s", epoch);
    expect_refused("gateway", Code::unavailable);
  }
  // An epoch of before the broker's restart is as dead.
  ask("gateway", Role::gateway, "masks", "older stream", 12345);
  expect_refused("gateway", Code::unavailable);
  ask("gateway", Role::gateway, "masks", "new stream");
  EXPECT_EQ(next().packet.header.kind, Kind::request);
}

TEST_F(DispatchTest, PinsARecordStreamAnewUnderAHigherEpoch) {
  serve("auditor", Role::auditor, "records", 1);
  const Id first = ask("gateway", Role::gateway, "records", "s");
  const Sending asked = next();
  const Id waiting = ask("gateway", Role::gateway, "records", "s");
  reply("auditor", Role::auditor, first);
  next();
  expect_request(waiting);
  const Id behind = ask("gateway", Role::gateway, "records", "s", asked.packet.header.epoch);
  serve("auditor/2", Role::auditor, "records", 1);
  from("auditor", Role::auditor, make(Kind::goodbye, ""));
  pass(100ms);
  const Sending again = next();
  EXPECT_EQ(again.to, "auditor/2");
  EXPECT_EQ(again.packet.header.id, behind);
  EXPECT_GT(again.packet.header.epoch, asked.packet.header.epoch);
  expect_nothing();
}

TEST_F(DispatchTest, EndsALeaseWhenItsOwnerReleasesItOrAfterAMinute) {
  serve("auditor", Role::auditor, "records", 8);
  const auto epoch_of_next = [&](std::uint64_t epoch) {
    const Id id = ask("gateway", Role::gateway, "records", "s", epoch);
    const Sending asked = next();
    reply("auditor", Role::auditor, id);
    next();
    return asked.packet.header.epoch;
  };
  const std::uint64_t first = epoch_of_next(0);
  Packet release = make(Kind::goodbye, "records");
  release.header.stream = "s";
  from("op", Role::op, release);  // not its owner
  EXPECT_EQ(epoch_of_next(first), first);
  from("gateway", Role::gateway, release);
  const std::uint64_t second = epoch_of_next(0);
  EXPECT_GT(second, first);
  pass(61s, {kAuditor});
  EXPECT_GT(epoch_of_next(0), second);
}

}  // namespace
}  // namespace holdpoint::broker
