// `holdpoint up`: what runs on one machine, in which order, with which arguments. Uses the supervisor; knows nothing of
// signals and restarts.
//
//   ports free? -> folders, accounts -> keys -> PostgreSQL -> schemas -> configuration -> bus -> auditor -> approvals
//   -> maskers -> gateways
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ops/cli/deployment/deployment.hpp"
#include "ops/cli/supervisor/supervisor.hpp"

namespace holdpoint::deployment {

struct MachineOptions {
  std::string configuration;  ///< the YAML file; empty = holdpoint.yaml beside var/
  bool external_database = false;
  std::string database;  ///< connection string of an external server
  std::string console = "127.0.0.1:" + std::to_string(HOLDPOINT_CONSOLE_PORT);
  std::vector<std::string> credentials;  ///< NAME=FILE: sealed where NAME is not set yet
  std::string bus_listen;                ///< tcp endpoint beside the socket; empty = none
  int gateways = 1;
  int maskers = 2;
};

using Progress = std::function<void(const std::string& what)>;

class Machine {
 public:
  Machine(supervisor::Layout layout, MachineOptions options);

  /// Everything up to readiness. On an error, stop() ends what had started.
  Result<void> start(const Progress& progress);
  /// Until a stop signal; applies the configuration file when it changes.
  void run();
  void stop();

 private:
  Result<void> check_ports(const config::Document& document) const;
  Result<void> start_database(const Progress& progress);
  Result<void> migrate(const std::string& program);
  Result<void> start_program(const std::string& program, const std::string& name, std::vector<std::string> arguments);
  Result<void> seal_credentials();
  Result<void> apply_configuration(bool distribute_it);
  void watch_configuration();
  [[nodiscard]] std::string dsn(const std::string& role) const;
  [[nodiscard]] std::string configuration_fingerprint() const;

  supervisor::Layout layout_;
  MachineOptions options_;
  std::filesystem::path configuration_;
  std::optional<supervisor::Supervisor> supervisor_;
  std::string fingerprint_;
};

}  // namespace holdpoint::deployment
