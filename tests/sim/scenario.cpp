#include "tests/sim/scenario.hpp"

#include <cstdio>
#include <cstdlib>

namespace holdpoint::sim {
namespace {

void strike(World& world, const Weather& weather) {
  Random& random = world.random();
  const std::string& node = weather.nodes[random.below(weather.nodes.size())];
  switch (random.below(4)) {
    case 0: {
      if (!world.alive(node)) return;
      world.crash(node);
      world.after(random.between(Duration(0), weather.down_most), [&world, node] { world.start(node); });
      return;
    }
    case 1:
      world.partition(node, "bus");
      return world.after(random.between(Duration(0), weather.down_most), [&world] { world.heal(); });
    case 2:
      world.faults() = {0.1 * static_cast<double>(random.below(4)), 0.1 * static_cast<double>(random.below(4)),
                        std::chrono::microseconds(100),
                        random.between(std::chrono::milliseconds(1), std::chrono::milliseconds(900))};
      return;
    case 3:
      world.faults() = {};
      return;
  }
}

void blow(World& world, const Weather& weather, Instant until) {
  const Duration pause = world.random().between(weather.pause_least, weather.pause_most);
  if (world.now() + pause >= until) {
    return world.after(until - world.now(), [&world, weather] {
      world.faults() = {};
      world.heal();
      for (const std::string& node : weather.nodes) world.start(node);
      world.trace("the weather is good");
    });
  }
  world.after(pause, [&world, weather, until] {
    strike(world, weather);
    blow(world, weather, until);
  });
}

}  // namespace

void begin_weather(World& world, const Weather& weather, Instant until) { blow(world, weather, until); }

std::uint64_t seed_count() {
  const char* text = std::getenv("HOLDPOINT_SIM_SEEDS");
  const std::uint64_t count = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return count == 0 ? 1000 : count;
}

Report run_seeds(const Scenario& scenario, std::uint64_t count, const std::string& mutation, std::uint64_t first) {
  Report report;
  report.unseen.insert(scenario.must_be_seen.begin(), scenario.must_be_seen.end());
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed, false);
    scenario.run(world, mutation);
    ++report.seeds;
    for (const std::string& branch : world.seen()) report.unseen.erase(branch);
    if (world.violations().empty()) continue;
    report.failing_seed = seed;
    report.violations = world.violations();
    std::printf("seed %llu of \"%s\" fails%s: %s\n  replay: test_sim %llu %s %s\n",
                static_cast<unsigned long long>(seed), scenario.name.c_str(),
                mutation.empty() ? "" : (" (mutation " + mutation + ", as it should)").c_str(),
                report.violations.front().c_str(), static_cast<unsigned long long>(seed), scenario.name.c_str(),
                mutation.c_str());
    break;
  }
  return report;
}

std::map<std::string, Scenario>& scenarios() {
  static std::map<std::string, Scenario> all;
  return all;
}

bool register_scenario(Scenario scenario) {
  const std::string name = scenario.name;
  return scenarios().emplace(name, std::move(scenario)).second;
}

}  // namespace holdpoint::sim
