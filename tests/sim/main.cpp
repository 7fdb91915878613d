// test_sim                             runs the tests of all scenarios ($HOLDPOINT_SIM_SEEDS seeds each, 1000 if unset)
// test_sim SEED [SCENARIO [MUTATION]]  replays one seed with a trace
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>

#include "tests/sim/scenario.hpp"

namespace {

int replay(int argc, char** argv) {
  const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  const std::string only = argc > 2 ? argv[2] : "";
  int failures = 0;
  for (const auto& [name, scenario] : holdpoint::sim::scenarios()) {
    if (!only.empty() && name != only) continue;
    std::printf("--- %s, seed %llu\n", name.c_str(), static_cast<unsigned long long>(seed));
    holdpoint::sim::World world(seed, true);
    scenario.run(world, argc > 3 ? argv[3] : "");
    for (const std::string& violation : world.violations()) {
      std::printf("violation: %s\n", violation.c_str());
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A world is a few MiB that come and go with each seed: giving them back to the kernel costs as much as the seed.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  if (argc > 1 && argv[1][0] >= '0' && argv[1][0] <= '9') return replay(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
