// The bus itself under bad weather: two clients ask, three workers echo and write one row per request into a database
// that they share, the broker crashes too.
//
// Checked: every request ends once, by its deadline; an answer carries what was asked and has exactly one effect; no id
// has two effects; no life of a worker runs an id twice; when the weather is good again, requests are answered.
#include <gtest/gtest.h>

#include "tests/sim/bus_nodes.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/scenario.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;
using wire::Message;

constexpr Duration kStorm = 4s;
constexpr Duration kCalm = 6s;
constexpr Duration kSettled = 3500ms;  // liveness, the longest wait for a connection's next statement, some slack
constexpr Duration kPatience = 2s;
constexpr Duration kTickSlack = 250ms;
// Nobody knows the ids that were done: neither the worker's memory nor the database.
const std::string kDeduplicationOff = "deduplication-off";
// Only the worker's memory is gone: the database still prevents second effects.
const std::string kWorkerForgets = "worker-forgets";

// Stands apart from the actors: it is told what happens at their edges and knows nothing of how.
class EchoChecker {
 public:
  explicit EchoChecker(World& world) : world_(world) {}

  void asked(int number, const std::string& client_life, Instant deadline, bool must_succeed) {
    requests_[number] = {client_life, deadline, must_succeed, false};
  }

  void ended(int number, const Result<Message>& result) {
    Request& request = requests_.at(number);
    if (std::exchange(request.ended, true)) violation(number, "ended twice");
    if (world_.now() > request.deadline + kTickSlack) violation(number, "ended after its deadline");
    if (!result) {
      world_.saw("request ended with " + std::string(name(result.error().code)));
      if (request.must_succeed) violation(number, "failed in good weather: " + result.error().context);
      return;
    }
    if (string_or(result->body, "text") != std::to_string(number)) violation(number, "got another's answer");
    if (effects_[number] != 1) violation(number, "was answered with " + std::to_string(effects_[number]) + " effects");
  }

  /// A crashed client waits for nothing any more.
  void abandoned(const std::string& client_life) {
    std::erase_if(requests_, [&](const auto& entry) { return entry.second.client_life == client_life; });
  }

  void ran(int number, const std::string& worker_life) {
    if (!runs_.emplace(number, worker_life).second) violation(number, "ran twice in " + worker_life);
    if (++lives_[number] > 1) world_.saw("request ran in a second worker");
  }

  void effect(int number) {
    if (++effects_[number] > 1) violation(number, "had two effects");
  }

  void finish() {
    for (const auto& [number, request] : requests_) {
      if (!request.ended) violation(number, "never ended");
    }
  }

 private:
  struct Request {
    std::string client_life;
    Instant deadline;
    bool must_succeed;
    bool ended;
  };
  void violation(int number, const std::string& what) {
    world_.violation("request " + std::to_string(number) + " " + what);
  }

  World& world_;
  std::map<int, Request> requests_;
  std::map<int, int> effects_;
  std::map<int, int> lives_;
  std::set<std::pair<int, std::string>> runs_;
};

// All that outlives the nodes.
struct Stage {
  Stage(World& world, std::string with_mutation)
      : checker(world), database(world), mutation(std::move(with_mutation)) {}
  EchoChecker checker;
  Disk database;
  std::string mutation;
  BusSettings bus;
  int numbers = 0;
  Instant calm_from{};
};

class Worker final : public PeerNode {
 public:
  Worker(const Life& life, std::shared_ptr<Stage> stage)
      : PeerNode(life, {}, !stage->mutation.empty() ? actor::ResponderLimits{.ids_max = 0} : actor::ResponderLimits{}),
        stage_(std::move(stage)) {}

 private:
  void run() override {
    serve("echo", 2, [this](wire::Envelope question) {
      const int number = std::stoi(string_or(question.message.body, "text"));
      stage_->checker.ran(number, life().address());
      const Duration work = world().random().chance(0.1) ? Duration(700ms) : world().random().between(1ms, 40ms);
      after(work, [this, question = std::move(question), number] { finish(question, number); });
    });
  }

  // The effect and the id in one transaction, as every service with an effect does.
  void finish(const wire::Envelope& question, int number) {
    bool fresh = false;
    const auto committed = stage_->database.transact([&](Disk::Rows& rows) -> Result<void> {
      fresh = rows.emplace(to_text(question.id), question.message.body.dump()).second;
      if (!fresh) world().saw("repeat found in the database");
      return {};
    });
    const bool took_effect = stage_->database.rows().contains(to_text(question.id));
    if (took_effect && (fresh || stage_->mutation == kDeduplicationOff)) stage_->checker.effect(number);
    if (!committed) return answer(question, committed.error());
    answer(question, Message{"Echoed", question.message.body, {}});
  }

  std::shared_ptr<Stage> stage_;
};

class Client final : public PeerNode {
 public:
  Client(const Life& life, std::shared_ptr<Stage> stage) : PeerNode(life), stage_(std::move(stage)) {}
  ~Client() override { stage_->checker.abandoned(life().address()); }

 private:
  void run() override { ask(); }

  void ask() {
    const Duration pause = world().random().between(50ms, 250ms);
    const bool ends_within = now() + kPatience + 1s < stage_->calm_from + kCalm;
    if (ends_within) {
      const int number = stage_->numbers++;
      stage_->checker.asked(number, life().address(), now() + kPatience, now() >= stage_->calm_from + kSettled);
      request("echo", Message{"EchoRequested", Json{{"text", std::to_string(number)}}, {}}, kPatience,
              [this, number](const Result<Message>& result) { stage_->checker.ended(number, result); });
    }
    after(pause, [this] { ask(); });
  }

  std::shared_ptr<Stage> stage_;
};

void run_echo(World& world, const std::string& mutation) {
  const auto stage = std::make_shared<Stage>(world, mutation);
  Weather weather;
  weather.nodes = {kBus};
  for (const char* worker : {"worker-1", "worker-2", "worker-3"}) {
    stage->bus.roles[worker] = wire::Role::masker;
    weather.nodes.emplace_back(worker);
  }
  for (const char* client : {"client-1", "client-2"}) {
    stage->bus.roles[client] = wire::Role::gateway;
    weather.nodes.emplace_back(client);
  }
  stage->calm_from = world.now() + kStorm;
  stage->database.fail_before = 0.02;
  stage->database.fail_after = 0.02;
  add_bus(world, stage->bus);
  for (const auto& [name, role] : stage->bus.roles) {
    world.add(name, [stage, is_client = role == wire::Role::gateway](const Life& life) -> std::unique_ptr<Node> {
      if (is_client) return std::make_unique<Client>(life, stage);
      return std::make_unique<Worker>(life, stage);
    });
  }
  begin_weather(world, weather, stage->calm_from);
  world.run_until(stage->calm_from);
  stage->database.fail_before = stage->database.fail_after = 0;
  world.run_until(stage->calm_from + kCalm);
  stage->checker.finish();
  // Before the stage goes, which the broker looks at.
  for (const std::string& name : weather.nodes) world.crash(name);
  world.run_until(world.now());
}

const bool kRegistered = register_scenario(
    {"echo",
     run_echo,
     {kDeduplicationOff, kWorkerForgets},
     {"message lost", "message repeated by the network", "message cut by a partition", "broker restarted",
      "broker noticed a dead connection", "request repeated to the worker that had it",
      "request ran in a second worker", "repeat found in the database", "commit failed before it took effect",
      "commit failed after it took effect", "request ended with timed_out"}});

TEST(Echo, AnswersEachRequestOnceWithOneEffectInAnyWeather) {
  const Report report = run_seeds(scenarios().at("echo"), seed_count());
  EXPECT_FALSE(report.failing_seed) << report.violations.front();
  if (report.seeds < 100) return;  // too few to see everything
  for (const std::string& branch : report.unseen) ADD_FAILURE() << "never seen: " << branch;
}

TEST(Echo, CatchesDeduplicationOff) {
  const Report report = run_seeds(scenarios().at("echo"), 1000, kDeduplicationOff);
  ASSERT_TRUE(report.failing_seed);
}

TEST(Echo, CatchesAWorkerThatForgetsWhatItHasDone) {
  const Report report = run_seeds(scenarios().at("echo"), 1000, kWorkerForgets);
  ASSERT_TRUE(report.failing_seed);
  EXPECT_NE(report.violations.front().find("ran twice in worker"), std::string::npos) << report.violations.front();
}

TEST(Echo, IsTheSameForTheSameSeed) {
  const auto violations_and_branches = [] {
    World world(7, false);
    scenarios().at("echo").run(world, {});
    return std::tuple(world.violations(), world.seen(), world.random().next());
  };
  EXPECT_EQ(violations_and_branches(), violations_and_branches());
}

}  // namespace
}  // namespace holdpoint::sim
