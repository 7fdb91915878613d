#include "masker/worker/sandbox.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

namespace holdpoint::masker {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// What a running process needs that computes, waits on its sockets, makes threads (the resolver of libzmq does not
// run: endpoints are numeric or paths) and ends.
constexpr auto allowed = std::to_array<int>({
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(connect),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(tgkill),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(membarrier),
    SCMP_SYS(getrusage),
});

bool allow(scmp_filter_ctx filter, int call) { return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0; }

bool allow_family(scmp_filter_ctx filter, int family) {
  const scmp_arg_cmp is_family = SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family));
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, is_family) == 0;
}

/// Memory, but none that could hold new code; fstat() of glibc, but no look at paths.
bool allow_bounded_forms(scmp_filter_ctx filter) {
  const scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const scmp_arg_cmp own_descriptor = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH);
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, own_descriptor) == 0;
}

bool allow_descriptor_flags(scmp_filter_ctx filter) {
  for (int command : {F_GETFL, F_SETFL, F_GETFD, F_SETFD}) {
    const scmp_arg_cmp is_command = SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command));
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, is_command) != 0) return false;
  }
  for (unsigned long request : {FIONREAD, FIONBIO}) {
    const scmp_arg_cmp is_request = SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(request));
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, is_request) != 0) return false;
  }
  return true;
}

/// Threads only: clone() without CLONE_VM and clone3() would make processes. libzmq and Asio have theirs already.
bool build(scmp_filter_ctx filter, std::string_view endpoint) {
  for (int call : allowed) {
    if (!allow(filter, call)) return false;
  }
  if (!allow_descriptor_flags(filter) || !allow_bounded_forms(filter)) return false;
  // sd_notify and the supervisor speak AF_UNIX; TCP only when the bus does.
  if (!allow_family(filter, AF_UNIX)) return false;
  if (endpoint.starts_with("tcp://") && (!allow_family(filter, AF_INET) || !allow_family(filter, AF_INET6)))
    return false;
  return true;
}

// stderr may be a file, and nothing else can be opened; the supervisor cuts it at 16 MiB.
constexpr rlim_t log_bytes_max = 64U << 20;

bool limit(__rlimit_resource_t resource, rlim_t most) {
  rlimit now{};
  if (getrlimit(resource, &now) != 0) return false;
  const rlim_t value = now.rlim_max == RLIM_INFINITY || now.rlim_max > most ? most : now.rlim_max;
  const rlimit next{value, value};
  return setrlimit(resource, &next) == 0;
}

}  // namespace

Result<void> enter_sandbox(const SandboxOptions& options) {
  if (!kConfines) return {};
  if (!limit(RLIMIT_AS, options.address_space_bytes_max) || !limit(RLIMIT_NOFILE, options.descriptors_max) ||
      !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, log_bytes_max)) {
    return fail(Code::unavailable, "sandbox: the resource limits were refused");
  }
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter || !build(filter.get(), options.bus_endpoint))
    return fail(Code::unavailable, "sandbox: the system call filter could not be built");
  // No new privileges is libseccomp's default attribute; TSYNC takes every thread along.
  if (seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) != 0 || seccomp_load(filter.get()) != 0) {
    return fail(Code::unavailable, "sandbox: the kernel refused the system call filter");
  }
  return {};
}

struct Watchdog::State {
  explicit State(std::chrono::milliseconds most) : limit(most) {}
  const std::chrono::milliseconds limit;
  std::atomic<std::int64_t> started{0};  ///< steady milliseconds; 0: idle
  std::atomic<bool> stopping{false};
  std::thread thread;

  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void run() {
    constexpr auto tick = std::chrono::milliseconds(50);
    while (!stopping) {
      std::this_thread::sleep_for(tick);
      const std::int64_t begun = started;
      if (begun != 0 && now() - begun > limit.count()) {
        constexpr std::string_view line = "holdpoint-masker: a request exceeded its time; ending\n";
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
        _exit(70);
      }
    }
  }
};

Watchdog::Watchdog(std::chrono::milliseconds limit) : state_(new State(limit)) {
  state_->thread = std::thread([state = state_] { state->run(); });
}

Watchdog::~Watchdog() {
  state_->stopping = true;
  state_->thread.join();
  delete state_;
}

void Watchdog::begin() { state_->started = State::now(); }
void Watchdog::end() { state_->started = 0; }

}  // namespace holdpoint::masker
