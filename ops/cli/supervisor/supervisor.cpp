#include "ops/cli/supervisor/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iostream>

#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::supervisor {
namespace fs = std::filesystem;
namespace {

constexpr Duration kStopWithin = std::chrono::seconds(10);
constexpr std::uintmax_t kLogBytesMax = 16 << 20;  // then the log starts anew; one older part is kept

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string_view name(Condition condition) {
  switch (condition) {
    case Condition::waiting:
      return "waiting";
    case Condition::starting:
      return "starting";
    case Condition::ready:
      return "ready";
    case Condition::stopped:
      return "stopped";
  }
  return "unknown";
}

Result<Supervisor> Supervisor::open(const Layout& layout) {
  const int lock = ::open(layout.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail(Code::configuration, layout.lock().string() + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(Code::conflict, "a supervisor already runs for " + layout.var.string() +
                                    ". See `holdpoint status`; stop it with `holdpoint down`.");
  }
  auto notify = NotifySocket::open(layout.run / "notify", layout.service);
  if (!notify) return notify.error();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  Supervisor supervisor(layout, lock, signals, std::move(*notify));
  supervisor.end_leftovers();
  return supervisor;
}

void Supervisor::end_leftovers() {
  const auto left = read_left_state(layout_);
  if (!left) return;
  for (const int signal : {SIGTERM, SIGKILL}) {
    for (int waited = 0; waited < 50; ++waited) {
      bool any = false;
      for (const auto& service : left->services) {
        if (!runs_program(service.pid, service.mark, service.program)) continue;
        any = true;
        if (waited == 0) ::kill(service.pid, service.program == "postgres" && signal == SIGTERM ? SIGINT : signal);
      }
      if (!any) return;
      ::usleep(100000);
    }
  }
}

Supervisor::Supervisor(Layout layout, int lock, int signals, NotifySocket notify)
    : layout_(std::move(layout)), lock_(lock), signals_(signals), notify_(std::move(notify)) {}

void Supervisor::launch(Child& child) {
  child.started = steady_now();
  child.since = system_now();
  child.service.launch.notify_socket = child.service.notifies ? notify_.path() : std::string();
  auto started = start_process(child.service.launch);
  changed_ = true;
  if (!started) {
    child.last_exit = started.error().context;
    child.condition = Condition::waiting;
    child.start_at = child.backoff.next_start(child.started, steady_now());
    return;
  }
  child.pid = *started;
  child.condition = child.service.notifies ? Condition::starting : Condition::ready;
}

Result<void> Supervisor::start(Service service) {
  children_.push_back(Child{.service = std::move(service)});
  const std::size_t index = children_.size() - 1;
  launch(children_[index]);
  const Instant deadline = steady_now() + children_[index].service.ready_within;
  if (children_[index].service.ready) {
    if (auto ready = children_[index].service.ready(); !ready) return ready.error();
  }
  while (children_[index].condition != Condition::ready) {
    const Child& child = children_[index];
    const bool died = child.pid == 0;
    if (died || steady_now() > deadline || stop_requested_) {
      if (stop_requested_) return fail(Code::unavailable, "stopped before everything had started");
      return fail(Code::unavailable, child.service.name +
                                         (died ? " did not start (" + child.last_exit + ")"
                                               : " did not become ready in " + to_text(child.service.ready_within)) +
                                         ". Its log, " + child.service.launch.log.string() + ", ends with:\n" +
                                         end_of_log(child));
    }
    wait_for_events(std::chrono::milliseconds(100));
  }
  write_state();
  return {};
}

void Supervisor::run(const std::function<void()>& every_second) {
  Instant next = steady_now();
  while (!stop_requested_) {
    wait_for_events(std::chrono::milliseconds(200));
    start_due();
    if (steady_now() >= next) {
      next = steady_now() + std::chrono::seconds(1);
      bound_logs();
      every_second();
    }
    if (changed_) write_state();
  }
}

void Supervisor::wait_for_events(Duration within) {
  pollfd descriptors[2] = {{signals_, POLLIN, 0}, {notify_.descriptor(), POLLIN, 0}};
  ::poll(descriptors, 2, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(within).count()));
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) stop_requested_ = true;
  }
  take_notices();
  reap();
}

void Supervisor::take_notices() {
  while (auto notice = notify_.receive()) {
    for (auto& child : children_) {
      if (child.pid != notice->pid || child.pid == 0 || !notice->ready) continue;
      child.condition = Condition::ready;
      changed_ = true;
    }
  }
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
    for (auto& child : children_) {
      if (child.pid != pid) continue;
      child.pid = 0;
      child.last_exit = describe_exit(status);
      changed_ = true;
      if (child.condition == Condition::stopped) continue;
      child.condition = Condition::waiting;
      child.start_at = child.backoff.next_start(child.started, steady_now());
      std::cerr << to_rfc3339(system_now()) << " " << child.service.name << " ended: " << child.last_exit << "\n";
    }
  }
}

void Supervisor::start_due() {
  for (auto& child : children_) {
    if (child.condition != Condition::waiting || child.pid != 0 || steady_now() < child.start_at) continue;
    ++child.restarts;
    std::cerr << to_rfc3339(system_now()) << " " << child.service.name << " starts again\n";
    launch(child);
  }
}

void Supervisor::stop() {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    child->condition = Condition::stopped;
    if (child->pid == 0) continue;
    ::kill(child->pid, child->service.stop_signal);
    const Instant deadline = steady_now() + kStopWithin;
    while (child->pid != 0 && steady_now() < deadline) wait_for_events(std::chrono::milliseconds(50));
    if (child->pid != 0) ::kill(child->pid, SIGKILL);
    while (child->pid != 0) wait_for_events(std::chrono::milliseconds(50));
  }
  std::error_code error;
  fs::remove(layout_.state(), error);
  ::close(lock_);
}

void Supervisor::bound_logs() {
  std::error_code error;
  std::vector<fs::path> logs{layout_.log("supervisor")};
  for (const auto& child : children_) logs.push_back(child.service.launch.log);
  for (const auto& log : logs) {
    if (fs::file_size(log, error) <= kLogBytesMax || error) continue;
    // The writer keeps its descriptor, which appends: copy, then cut.
    fs::copy_file(log, log.string() + ".1", fs::copy_options::overwrite_existing, error);
    fs::resize_file(log, 0, error);
  }
}

void Supervisor::write_state() {
  changed_ = false;
  State state{.supervisor = ::getpid(),
              .configuration = configuration_,
              .console = console_,
              .gateway = gateway_,
              .services = {}};
  for (const auto& child : children_) {
    state.services.push_back({.name = child.service.name,
                              .program = fs::path(child.service.launch.command.arguments.front()).filename().string(),
                              .condition = std::string(name(child.condition)),
                              .pid = child.pid,
                              .mark = child.pid == 0 ? std::string() : process_mark(child.pid),
                              .since = to_rfc3339(child.since),
                              .restarts = child.restarts,
                              .last_exit = child.last_exit});
  }
  if (auto written = supervisor::write_state(layout_, state); !written) {
    std::cerr << written.error().context << "\n";
  }
}

std::string Supervisor::end_of_log(const Child& child) const {
  std::ifstream file(child.service.launch.log);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  constexpr std::size_t shown = 2000;
  return text.size() > shown ? text.substr(text.size() - shown) : text;
}

}  // namespace holdpoint::supervisor
