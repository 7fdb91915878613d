#include "ops/cli/supervisor/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace holdpoint::supervisor {
namespace {

constexpr std::size_t kOutputBytesMax = 4 << 20;  // of a command's output we keep this much; migrations print less
constexpr int kExecFailed = 126;

/// What exec needs, made before fork: after it only async-signal-safe calls are allowed.
struct Image {
  int file = -1;
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;

  explicit Image(const Command& command, const std::string& notify_socket = {}) : environment(command.environment) {
    environment.insert(environment.begin(), {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"});
    if (!notify_socket.empty()) environment.push_back("NOTIFY_SOCKET=" + notify_socket);
    for (const auto& argument : command.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    for (auto& entry : environment) envp.push_back(entry.data());
    envp.push_back(nullptr);
    file = ::open(command.arguments.front().c_str(), O_RDONLY | O_CLOEXEC);
  }
  ~Image() {
    if (file >= 0) ::close(file);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
};

bool become(const Account& account) {
  if (::geteuid() != 0) return account.uid == ::geteuid();
  return ::setgroups(account.groups.size(), account.groups.data()) == 0 &&
         ::setresgid(account.gid, account.gid, account.gid) == 0 &&
         ::setresuid(account.uid, account.uid, account.uid) == 0;
}

[[noreturn]] void execute(const Image& image, const Command& command, int input, int output, int death_signal,
                          pid_t parent) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::setsid();
  ::umask(command.umask);
  // A core file would hold credentials and unmasked answers.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  sigset_t every;
  ::sigfillset(&every);
  ::sigprocmask(SIG_UNBLOCK, &every, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (command.account && !become(*command.account)) ::_exit(kExecFailed);
  // After the change of account, which clears it.
  ::prctl(PR_SET_PDEATHSIG, death_signal);
  if (::getppid() != parent) ::_exit(kExecFailed);
  if (::chdir("/") != 0) ::_exit(kExecFailed);
  ::fexecve(image.file, image.argv.data(), image.envp.data());
  ::_exit(kExecFailed);
}

std::string tail(const std::string& text) {
  constexpr std::size_t shown = 1500;
  return text.size() <= shown ? text : "…" + text.substr(text.size() - shown);
}

/// Feeds `input`, collects output until end of file or the deadline. False at the deadline.
bool exchange(int to, int from, const std::string& input, Duration within, std::string& output) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  std::size_t written = 0;
  char buffer[16384];
  if (input.empty()) {
    ::close(to);
    to = -1;
  }
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) break;
    pollfd descriptors[2] = {{from, POLLIN, 0}, {to, POLLOUT, 0}};
    if (::poll(descriptors, to >= 0 ? 2 : 1, static_cast<int>(left)) < 0 && errno != EINTR) break;
    if (to >= 0 && descriptors[1].revents != 0) {
      const auto count = ::write(to, input.data() + written, input.size() - written);
      if (count > 0) written += static_cast<std::size_t>(count);
      if (count < 0 || written == input.size()) {
        ::close(to);
        to = -1;
      }
    }
    if (descriptors[0].revents != 0) {
      const auto count = ::read(from, buffer, sizeof buffer);
      if (count == 0) return true;
      if (count > 0 && output.size() < kOutputBytesMax) output.append(buffer, static_cast<std::size_t>(count));
      if (count < 0 && errno != EINTR) return true;
    }
  }
  if (to >= 0) ::close(to);
  return false;
}

}  // namespace

Result<std::string> run_command(const Command& command) {
  const std::string& name = command.arguments.front();
  const Image image(command);
  if (image.file < 0) return fail(Code::unavailable, name + ": " + std::strerror(errno));
  int to_child[2];
  int from_child[2];
  if (::pipe2(to_child, O_CLOEXEC) != 0 || ::pipe2(from_child, O_CLOEXEC) != 0) {
    return fail(Code::unavailable, name + ": no pipe: " + std::strerror(errno));
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) execute(image, command, to_child[0], from_child[1], SIGKILL, parent);
  ::close(to_child[0]);
  ::close(from_child[1]);
  if (pid < 0) {
    ::close(to_child[1]);
    ::close(from_child[0]);
    return fail(Code::unavailable, name + ": no process: " + std::strerror(errno));
  }
  ::signal(SIGPIPE, SIG_IGN);
  std::string output;
  const bool ended = exchange(to_child[1], from_child[0], command.input, command.within, output);
  ::close(from_child[0]);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return fail(Code::timed_out, name + " did not end in " + to_text(command.within) + ": " + tail(output));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  const std::string how = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status))
                                              : "exit code " + std::to_string(WEXITSTATUS(status));
  return fail(Code::unavailable, name + ": " + how + ": " + tail(output));
}

Result<pid_t> start_process(const Launch& launch) {
  const std::string& name = launch.command.arguments.front();
  const Image image(launch.command, launch.notify_socket);
  if (image.file < 0) return fail(Code::unavailable, name + ": " + std::strerror(errno));
  const int log = ::open(launch.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return fail(Code::unavailable, launch.log.string() + ": " + std::strerror(errno));
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) execute(image, launch.command, null, log, launch.parent_death_signal, parent);
  const int error = errno;
  ::close(log);
  ::close(null);
  if (pid < 0) return fail(Code::unavailable, name + ": no process: " + std::strerror(error));
  return pid;
}

std::string process_mark(pid_t pid) {
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::string mark;
  std::getline(boot, mark);
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), {});
  // The program's name, in brackets, may hold anything; the 20th word behind it is the start in ticks since the boot.
  std::size_t at = stat.rfind(')');
  for (int word = 0; word < 20 && at != std::string::npos; ++word) at = stat.find(' ', at + 1);
  if (mark.empty() || at == std::string::npos) return {};
  return mark + "/" + stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

bool runs_program(pid_t pid, const std::string& mark, const std::string& file_name) {
  if (pid <= 1 || mark.empty() || process_mark(pid) != mark) return false;
  std::error_code error;
  std::string file = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).filename().string();
  constexpr std::string_view deleted = " (deleted)";  // the program was built anew meanwhile
  if (file.ends_with(deleted)) file.resize(file.size() - deleted.size());
  return !error && file == file_name;
}

}  // namespace holdpoint::supervisor
