// The gateway as a process: identity, journal, configuration, one shard per core. main.cpp gives it its arguments.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace holdpoint::service {

struct ProcessOptions {
  std::filesystem::path identity;
  std::filesystem::path var;
  std::vector<std::string> listen;             ///< empty = what the configuration says
  unsigned shards = 0;                         ///< 0 = one per core
  std::filesystem::path upstream_authorities;  ///< PEM file of further authorities for targets, e.g. emulators
};

/// Runs until SIGTERM or SIGINT; the process's exit code.
int run_process(const ProcessOptions& options);

}  // namespace holdpoint::service
