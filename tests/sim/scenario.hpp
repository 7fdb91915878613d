// How a scenario is run over many seeds, and how one is added:
//
//   1. a file NAME.cpp with nodes (PeerNode) made of production actors, checkers of its own, and a function that builds
//   a
//      World from a seed, drives faults with Weather, stops them, lets everything finish, and asks its checkers;
//   2. a Scenario that names it, its mutations and the rare branches that must have been seen over all seeds;
//   3. two tests: run_seeds() without a mutation finds nothing, and with each mutation finds something.
// `test_sim SEED [SCENARIO [MUTATION]]` replays one seed with a trace.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace holdpoint::sim {

struct Scenario {
  std::string name;
  /// Runs one seed to its end; violations and seen branches are in the world.
  std::function<void(World& world, const std::string& mutation)> run;
  std::vector<std::string> mutations;
  std::vector<std::string> must_be_seen;
};

struct Report {
  std::uint64_t seeds = 0;
  std::optional<std::uint64_t> failing_seed;
  std::vector<std::string> violations;  ///< of the failing seed
  std::set<std::string> unseen;         ///< branches of must_be_seen that no seed took
};

/// `count` seeds from `first` on, up to the first that fails; prints how to replay it.
Report run_seeds(const Scenario& scenario, std::uint64_t count, const std::string& mutation = {},
                 std::uint64_t first = 1);
/// $HOLDPOINT_SIM_SEEDS, or 1000.
std::uint64_t seed_count();

/// Every scenario of the program, by name.
std::map<std::string, Scenario>& scenarios();
/// `const bool registered = register_scenario({...});`
bool register_scenario(Scenario scenario);

/// Bad weather: crashes and restarts, partitions from the bus, a bad network, each at random until `until`; then all is
/// healed, restarted and quiet.
struct Weather {
  std::vector<std::string> nodes;  ///< that may crash and be cut off
  Duration pause_least = std::chrono::milliseconds(100);
  Duration pause_most = std::chrono::milliseconds(1500);
  Duration down_most = std::chrono::seconds(4);
};
void begin_weather(World& world, const Weather& weather, Instant until);

}  // namespace holdpoint::sim
