// Runs the processes of one machine as children: starts them in order, each when the one before is ready, starts again
// what dies (backoff.hpp), stops them in reverse order. Owns the children, the lock and the state file.
//
//   waiting --start--> starting --READY=1--> ready
//      ^                  |                    |
//      +----- died -------+--------------------+        any --stop--> stopped
//
// Not here: what the processes are (commands/up.cpp), configuration (deployment.hpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ops/cli/supervisor/backoff.hpp"
#include "ops/cli/supervisor/layout.hpp"
#include "ops/cli/supervisor/notify_socket.hpp"
#include "ops/cli/supervisor/process.hpp"

namespace holdpoint::supervisor {

struct Service {
  std::string name;
  Launch launch;
  bool notifies = true;                 ///< false: `ready` is asked instead
  std::function<Result<void>()> ready;  ///< after it started; empty = nothing more to ask
  Duration ready_within = std::chrono::seconds(30);
  int stop_signal = 15;
};

enum class Condition { waiting, starting, ready, stopped };
std::string_view name(Condition condition);

class Supervisor {
 public:
  /// Takes the lock of var/. Fails with `conflict` when another supervisor has it.
  static Result<Supervisor> open(const Layout& layout);

  /// Starts the service and waits until it is ready. Fails with the end of its log.
  Result<void> start(Service service);
  /// Until SIGTERM or SIGINT. `every_second` runs between events.
  void run(const std::function<void()>& every_second);
  /// Everything, in reverse order; what does not end within ten seconds is killed.
  void stop();
  void set_configuration(std::string file) { configuration_ = std::move(file); }
  void set_console(std::string address) { console_ = std::move(address); }
  void set_gateway(std::string url) {
    gateway_ = std::move(url);
    changed_ = true;
  }

 private:
  struct Child {
    Service service;
    Condition condition = Condition::waiting;
    pid_t pid = 0;
    Instant since{};    ///< by the wall clock, for people
    Instant started{};  ///< by the steady one, as the next
    Instant start_at{};
    unsigned restarts = 0;
    std::string last_exit;
    Backoff backoff;
  };

  Supervisor(Layout layout, int lock, int signals, NotifySocket notify);
  /// Ends what an earlier supervisor that was killed left running.
  void end_leftovers();
  void launch(Child& child);
  void wait_for_events(Duration within);
  void reap();
  void take_notices();
  void start_due();
  void bound_logs();
  void write_state();
  [[nodiscard]] std::string end_of_log(const Child& child) const;

  Layout layout_;
  int lock_;
  int signals_;
  NotifySocket notify_;
  std::vector<Child> children_;
  std::string configuration_;
  std::string console_;
  std::string gateway_;
  bool stop_requested_ = false;
  bool changed_ = true;
};

}  // namespace holdpoint::supervisor
