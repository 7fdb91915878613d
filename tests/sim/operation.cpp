// Whole operations under bad weather: from an agent's call through policy, review, claim, both gates and the masker to
// the target and back, all recorded in one log. Every process crashes, is cut off, and has failing disks and databases.
// The invariants are those of operation_checker.hpp.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/operation_stage.hpp"
#include "tests/sim/scenario.hpp"

namespace holdpoint::sim {

using namespace std::chrono_literals;

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {.name = "GetSecret", .masked = true},   {.name = "PutItem"},
      {.name = "GetStream", .streamed = true}, {.name = "Forbidden", .allowed = false},
      {.name = "DeleteTable", .required = 1},  {.name = "DeleteSecret", .masked = true, .required = 1},
      {.name = "DeleteBackup", .required = 2}, {.name = "UpdateTable", .required = 1, .window_s = 3},
  };
  return all;
}

const Kind& kind_named(const std::string& name) {
  const auto found = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& each) { return each.name == name; });
  HOLDPOINT_INVARIANT(found != kinds().end());
  return *found;
}

wire::Frames to_plain(const Json& message) { return {to_json(message)}; }
Json from_plain(const wire::Frames& frames) { return parse_json(frames.at(0)).value(); }

namespace {

constexpr Duration kStorm = 5s;
constexpr Duration kCallsAfterStorm = 6s;
// A review's time, a claim's wait, a client's patience and its last attempts, and the way of the last record.
constexpr Duration kQuiet = 14s;

using Make = std::unique_ptr<Node> (*)(const Life&, StagePtr);
struct Process {
  const char* name;
  wire::Role role;
  Make make;
};
const std::vector<Process>& processes() {
  using wire::Role;
  static const std::vector<Process> all{
      {"auditor-1", Role::auditor, make_auditor},
      {"auditor-2", Role::auditor, make_auditor},
      {"approvals-1", Role::approvals, make_approvals},
      {"approvals-2", Role::approvals, make_approvals},
      {"masker-1", Role::masker, make_masker},
      {"masker-2", Role::masker, make_masker},
      {"gateway-1", Role::gateway, make_gateway},
      {"gateway-2", Role::gateway, make_gateway},
      {"frontend", Role::frontend, make_frontend},
      {"target", Role::none, make_target},
      {"agent-1", Role::none, make_agent},
      {"agent-2", Role::none, make_agent},
  };
  return all;
}

std::shared_ptr<const config::Document> make_document() {
  auto document = std::make_shared<config::Document>();
  document->deployment = "sim";
  document->version = 1;
  document->reviewers["people"] = {{"approvers"}, {}};
  for (const Process& process : processes()) {
    if (process.role == wire::Role::none) continue;
    document->keys.push_back({std::string(process.name) + "-key", process.name, process.role, Bytes(32, 'c'),
                              key_of(process.name).public_key(), false});
  }
  return document;
}

}  // namespace

OperationStage::OperationStage(World& in, std::string with_mutation)
    : world(in), mutation(std::move(with_mutation)), checker(in, journals, log) {
  static const auto shared = make_document();
  document = shared;
  journals.lost = [this](const std::string& name) { checker.journal_lost(name); };
}

namespace {

void run_operation(World& world, const std::string& mutation) {
  const auto stage = std::make_shared<OperationStage>(world, mutation);
  stage->calm_from = world.now() + kStorm;
  stage->last_call_at = stage->calm_from + kCallsAfterStorm;
  Weather weather;
  weather.nodes = {kBus};
  for (const Process& process : processes()) {
    if (process.role != wire::Role::none) stage->bus.roles[process.name] = process.role;
    weather.nodes.emplace_back(process.name);
  }
  weather.down_most = 2s;
  add_bus(world, stage->bus);
  for (const Process& process : processes()) {
    world.add(process.name, [stage, make = process.make](const Life& life) { return make(life, stage); });
  }
  begin_weather(world, weather, stage->calm_from);
  world.run_until(stage->calm_from);
  stage->store_faulty = stage->journals.faulty = stage->log.faulty = false;
  world.run_until(stage->last_call_at + kQuiet);
  for (const std::string name : {"gateway-1", "gateway-2"}) {
    for (const approvals::Claim& claim : stage->reviews.claims_of(name).value())
      world.violation("the grant of review " + to_text(claim.review_id) + " is still claimed");
  }
  stage->checker.finish();
  // Before the stage goes, which the nodes look at.
  for (const std::string& name : weather.nodes) world.crash(name);
  world.run_until(world.now());
}

const bool kRegistered = register_scenario(
    {"operation",
     run_operation,
     {kIntentGateOff, kOutcomeGateOff, kClaimNotAtomic, kDigestBlind, kMaskingOff, kJournalTrusted, kReleaseForgotten},
     {"outcome unknown",
      "target could not be reached",
      "intent could not be recorded",
      "outcome could not be recorded",
      "journal went on in a new segment",
      "process died while it wrote",
      "parking was full",
      "review joined by a retry",
      "review approved",
      "review rejected",
      "review expired",
      "decision recorded by a second replica",
      "client stopped waiting for people",
      "client gave up an attempt",
      "claim claimed",
      "claim in_use",
      "claim settled",
      "claim closed",
      "grant settled as released",
      "a gateway died on a send, and found an older journal",
      "a gateway died on a send, and found no journal",
      "the log has what an older journal lost",
      "claim came after it was given up",
      "after a crash a claim was unknown",
      "after a crash an operation ended as unknown",
      "approvals answered several at once",
      "grant for a time used again",
      "held call succeeded",
      "call of two approvals succeeded",
      "requester's own vote refused",
      "stranger's vote refused",
      "masked answer reached its client",
      "answer withheld: it could not be masked",
      "masker killed by what it read",
      "stream was cut",
      "stream broke off",
      "revoked while parked",
      "client gone while parked",
      "review store failed before it took effect",
      "review store failed after it took effect",
      "approvals died between a transaction and what follows it",
      "the log changed hands",
      "auditor lost the log to another",
      "log commit failed after it took effect",
      "entry stored without its columns"}});

const Scenario& scenario() { return scenarios().at("operation"); }

/// One half of the seeds: two cores take a minute for both.
void keeps_the_invariants(std::uint64_t half) {
  const std::uint64_t count = std::max<std::uint64_t>(1, seed_count() / 2);
  const Report report = run_seeds(scenario(), count, {}, 1 + half * count);
  EXPECT_FALSE(report.failing_seed) << report.violations.front();
  if (report.seeds < 100) return;  // too few to see everything
  for (const std::string& branch : report.unseen) ADD_FAILURE() << "never seen: " << branch;
}

TEST(Operation, KeepsTheInvariantsInAnyWeatherAndEnds) { keeps_the_invariants(0); }

TEST(Operation, KeepsTheInvariantsInTheOtherHalfOfTheSeeds) { keeps_the_invariants(1); }

/// The first violation that one of at most 1000 seeds finds with this guard taken away.
std::string caught(const std::string& mutation) {
  const Report report = run_seeds(scenario(), 1000, mutation);
  return report.failing_seed ? report.violations.front() : "nothing";
}

TEST(Operation, CatchesAnIntentGateThatIsOff) {
  EXPECT_NE(caught(kIntentGateOff).find("without an intent"), std::string::npos);
}

TEST(Operation, CatchesAnOutcomeGateThatIsOff) { EXPECT_NE(caught(kOutcomeGateOff).find("before"), std::string::npos); }

TEST(Operation, CatchesAClaimThatIsNotAtomic) {
  EXPECT_NE(caught(kClaimNotAtomic).find("had two effects"), std::string::npos);
}

TEST(Operation, CatchesADigestThatLeavesTheResourceOut) {
  EXPECT_NE(caught(kDigestBlind).find("used the approval of something else"), std::string::npos);
}

TEST(Operation, CatchesMaskingThatFailsOpen) { EXPECT_NE(caught(kMaskingOff).find("leaked"), std::string::npos); }

TEST(Operation, CatchesAReleaseByAJournalThatIsAnOlderCopy) {
  EXPECT_NE(caught(kJournalTrusted).find("had two effects"), std::string::npos);
}

TEST(Operation, CatchesAClaimThatCameAfterItsReleaseAndStays) {
  EXPECT_NE(caught(kReleaseForgotten).find("is still claimed"), std::string::npos);
}

TEST(Operation, IsTheSameForTheSameSeed) {
  const auto violations_and_branches = [] {
    World world(11, false);
    scenario().run(world, {});
    return std::tuple(world.violations(), world.seen(), world.random().next());
  };
  EXPECT_EQ(violations_and_branches(), violations_and_branches());
}

}  // namespace
}  // namespace holdpoint::sim
