// Starts processes the way the supervisor wants them: another account, a clean environment, no core files, output to a
// log, and a signal when their parent dies. Owns no process: the caller waits.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bus/base/result.hpp"
#include "bus/base/time.hpp"
#include "ops/cli/supervisor/account.hpp"

namespace holdpoint::supervisor {

struct Command {
  std::vector<std::string> arguments;           ///< the first is the program's file
  std::optional<Account> account;               ///< empty = as we are
  unsigned umask = 077;                         ///< of the files that it makes
  std::vector<std::string> environment;         ///< NAME=value, added to PATH and LC_ALL; nothing is inherited
  std::string input;                            ///< for run_command: at most 1 MiB
  Duration within = std::chrono::seconds(120);  ///< for run_command
};

/// Output and exit code 0, or `unavailable` with the last lines of what the program said.
Result<std::string> run_command(const Command& command);

struct Launch {
  Command command;
  std::filesystem::path log;     ///< stdout and stderr are appended
  std::string notify_socket;     ///< empty = none
  int parent_death_signal = 15;  ///< sent by the kernel when the supervisor dies
};

/// The process id. The program's file is opened with our rights and executed by descriptor, so that a checkout below a
/// home that others may not enter works for the service account as well.
Result<pid_t> start_process(const Launch& launch);

/// What tells a process from every other that has, had or will have its number: the machine's boot and the process's
/// start. Empty when there is none of that number.
std::string process_mark(pid_t pid);
/// True while the process of that number is the one that `mark` was taken of and its program has this file name.
bool runs_program(pid_t pid, const std::string& mark, const std::string& file_name);

}  // namespace holdpoint::supervisor
