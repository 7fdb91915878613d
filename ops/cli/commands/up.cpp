// holdpoint up|down: all processes of one machine.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <thread>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/machine.hpp"
#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::commands {
namespace {

struct UpOptions {
  deployment::MachineOptions machine;
  bool detach = false;
};

/// Runs in the foreground; `started` is called once everything is ready.
Result<void> run(const Context& context, const UpOptions& options, const std::function<void()>& started) {
  deployment::Machine machine(context.layout(), options.machine);
  if (auto up = machine.start([](const std::string& what) { std::cout << what << std::endl; }); !up) {
    machine.stop();
    return up.error();
  }
  started();
  machine.run();
  std::cout << "stopping" << std::endl;
  machine.stop();
  return {};
}

/// The parent waits until the child is ready, and then leaves it alone.
Result<void> run_detached(const Context& context, const UpOptions& options) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return fail(Code::unavailable, "no pipe");
  const pid_t child = ::fork();
  if (child < 0) return fail(Code::unavailable, "no process");
  if (child > 0) {
    ::close(ready[1]);
    char outcome = 1;
    const auto count = ::read(ready[0], &outcome, 1);
    ::_exit(count == 1 && outcome == 0 ? 0 : 1);  // the child has printed what went wrong
  }
  ::close(ready[0]);
  ::setsid();
  const auto layout = context.layout();
  auto ran = run(context, options, [&] {
    const int log = ::open(layout.log("supervisor").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    std::cout.flush();
    ::dup2(null, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    const char good = 0;
    [[maybe_unused]] const auto told = ::write(ready[1], &good, 1);
    ::close(ready[1]);
  });
  return ran;
}

Result<void> down(const Context& context) {
  const auto layout = context.layout();
  if (auto allowed = deployment::check_access(layout); !allowed && allowed.error().code == Code::denied) {
    return allowed.error();
  }
  auto state = supervisor::read_state(layout);
  if (!state || state->supervisor <= 1) {
    std::cout << "Nothing runs for " << layout.var.string() << ".\n";
    return {};
  }
  const pid_t pid = state->supervisor;
  if (::kill(pid, SIGTERM) != 0)
    return fail(Code::denied, "process " + std::to_string(pid) + " cannot be told to stop");
  // Every process has ten seconds; there are a dozen at most.
  for (int waited = 0; waited < 1200; ++waited) {
    if (!supervisor::read_state(layout)) {
      std::cout << "Stopped.\n";
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(Code::timed_out, "the supervisor (process " + std::to_string(pid) + ") did not stop in two minutes");
}

}  // namespace

void add_up(CLI::App& app, Context& context) {
  auto options = std::make_shared<UpOptions>();
  CLI::App* up = add_command(app, "up", "Start everything on this machine, and keep it running",
                             "  holdpoint up                              # in the foreground\n"
                             "  holdpoint up --detach --config holdpoint.yaml\n"
                             "  holdpoint up --no-postgres --database 'host=db1,db2 dbname=holdpoint user=holdpoint'");
  auto& machine = options->machine;
  up->add_option("--config", machine.configuration, "The configuration file; default: holdpoint.yaml beside var/");
  up->add_flag("--detach", options->detach, "Return when everything is ready");
  up->add_flag("--no-postgres", machine.external_database, "Use a PostgreSQL server that you run (--database)");
  up->add_option("--database", machine.database, "Its connection string; may name several hosts");
  up->add_option("--console", machine.console, "Where the console listens")->capture_default_str();
  up->add_option("--credentials", machine.credentials, "NAME=FILE: seal these credentials, where none are set yet");
  up->add_option("--bus-listen", machine.bus_listen, "Also take processes of other hosts: tcp://ADDRESS:PORT");
  up->add_option("--gateways", machine.gateways)->check(CLI::Range(0, 16))->capture_default_str();
  up->add_option("--maskers", machine.maskers)->check(CLI::Range(0, 16))->capture_default_str();
  up->callback([&context, options] {
    context.action = [&context, options] {
      return options->detach ? run_detached(context, *options) : run(context, *options, [] {});
    };
  });
  CLI::App* stopping = add_command(app, "down", "Stop everything that `up` started", "  holdpoint down");
  stopping->callback([&context] { context.action = [&context] { return down(context); }; });
}

}  // namespace holdpoint::commands
