// Reads the log's rows as a stranger would and says what is wrong with them: invariant 10. Shares the definition of the
// hashes with the writer, no more.
#pragma once

#include <string>
#include <vector>

#include "bus/base/json.hpp"
#include "tests/sim/log_disk.hpp"

namespace holdpoint::sim {

struct LoggedEvent {
  std::string type;
  std::string subject;
  std::string source;
  Json data;
};

/// What is wrong with indices, chains and tree.
std::vector<std::string> faults_of(const LogDisk& log);
/// In the log's order.
std::vector<LoggedEvent> events_of(const LogDisk& log);

}  // namespace holdpoint::sim
