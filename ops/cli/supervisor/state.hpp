// What runs, as the supervisor writes it down (var/run/state.json) and commands read it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ops/cli/supervisor/layout.hpp"

namespace holdpoint::supervisor {

struct ServiceState {
  std::string name;
  std::string program;    ///< file name
  std::string condition;  ///< waiting, starting, ready, stopped
  pid_t pid = 0;
  std::string mark;   ///< process_mark
  std::string since;  ///< RFC 3339
  unsigned restarts = 0;
  std::string last_exit;
};

struct State {
  pid_t supervisor = 0;
  std::string configuration;
  std::string console;  ///< address that it listens on
  std::string gateway;  ///< URL for agents
  std::vector<ServiceState> services;
};

Result<void> write_state(const Layout& layout, const State& state);
/// Nothing when no supervisor runs (its lock is free) or the file cannot be read.
std::optional<State> read_state(const Layout& layout);
/// The same without asking whether it still runs: what an earlier supervisor left.
std::optional<State> read_left_state(const Layout& layout);

}  // namespace holdpoint::supervisor
