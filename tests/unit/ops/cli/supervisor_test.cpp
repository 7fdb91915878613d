#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "ops/cli/supervisor/backoff.hpp"
#include "ops/cli/supervisor/layout.hpp"
#include "ops/cli/supervisor/notify_socket.hpp"
#include "ops/cli/supervisor/ports.hpp"
#include "ops/cli/supervisor/process.hpp"
#include "ops/cli/supervisor/state.hpp"
#include "ops/cli/supervisor/supervisor.hpp"

namespace holdpoint::supervisor {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "holdpoint-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  static std::string content(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  fs::path folder_;
};

TEST(Backoff, TheFirstRestartIsImmediateAndLaterOnesWaitLongerUpToABound) {
  Backoff backoff;
  Instant now(seconds(1000));
  std::vector<Duration> delays;
  for (int i = 0; i < 12; ++i) {
    const Instant at = backoff.next_start(now, now);
    delays.push_back(at - now);
    now = at;
  }
  EXPECT_EQ(delays[0], Duration::zero());
  EXPECT_EQ(delays[1], Backoff::kFirst);
  EXPECT_EQ(delays[2], Backoff::kFirst * 2);
  EXPECT_EQ(delays.back(), Backoff::kLongest);
}

TEST(Backoff, AProcessThatRanForAMinuteStartsAgainAtOnce) {
  Backoff backoff;
  const Instant start(seconds(1000));
  backoff.next_start(start, start);
  backoff.next_start(start, start);
  EXPECT_EQ(backoff.next_start(start, start + Backoff::kSettled), start + Backoff::kSettled);
}

TEST(HostPort, OnlyAddressAndPortInRangeAreAccepted) {
  EXPECT_EQ(parse_host_port("127.0.0.1:7400")->port, 7400);
  EXPECT_EQ(parse_host_port("[::1]:1")->host, "::1");
  for (const char* wrong :
       {"", ":", "7400", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999", "a:-1", ":80"}) {
    EXPECT_FALSE(parse_host_port(wrong)) << wrong;
  }
}

TEST(Command, GivesInputAndReturnsOutput) {
  auto said = run_command({.arguments = {"/usr/bin/tr", "a-z", "A-Z"}, .input = "holdpoint"});
  ASSERT_TRUE(said) << said.error().context;
  EXPECT_EQ(*said, "HOLDPOINT");
}

TEST(Command, InheritsNothingOfTheEnvironment) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "planted", 1);
  auto said = run_command({.arguments = {"/usr/bin/env"}, .environment = {"GIVEN=1"}});
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->find("planted"), std::string::npos);
  EXPECT_NE(said->find("GIVEN=1"), std::string::npos);
}

TEST(Command, AFailureSaysWhatTheProgramSaid) {
  auto said = run_command({.arguments = {"/bin/sh", "-c", "echo no such table >&2; exit 3"}});
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().context.find("exit code 3: no such table"), std::string::npos);
  EXPECT_FALSE(run_command({.arguments = {"/nowhere/program"}}));
}

TEST(Command, IsKilledAtItsDeadline) {
  auto said = run_command({.arguments = {"/bin/sleep", "30"}, .within = milliseconds(200)});
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Code::timed_out);
}

TEST_F(Folder, ANoticeNamesTheProcessThatSentIt) {
  auto socket = NotifySocket::open(folder_ / "notify", current_account());
  ASSERT_TRUE(socket);
  Launch launch;
  launch.command.arguments = {"/usr/bin/python3", "-c",
                              "import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
                              "s.sendto(b'STATUS=hello\\nREADY=1', os.environ['NOTIFY_SOCKET'])"};
  launch.log = folder_ / "log";
  launch.notify_socket = socket->path();
  auto pid = start_process(launch);
  ASSERT_TRUE(pid);
  ::waitpid(*pid, nullptr, 0);
  const auto notice = socket->receive();
  ASSERT_TRUE(notice) << content(folder_ / "log");
  EXPECT_EQ(notice->pid, *pid);
  EXPECT_TRUE(notice->ready);
  EXPECT_EQ(notice->status, "hello");
  EXPECT_FALSE(socket->receive());
}

TEST_F(Folder, ASocketPathThatIsTooLongIsRefused) {
  EXPECT_FALSE(NotifySocket::open(folder_ / std::string(120, 'x'), current_account()));
}

TEST(ProcessMark, TellsAProcessFromALaterOneOfTheSameNumber) {
  const std::string own = process_mark(::getpid());
  const std::string program = fs::read_symlink("/proc/self/exe").filename().string();
  EXPECT_TRUE(runs_program(::getpid(), own, program));
  EXPECT_FALSE(runs_program(::getpid(), own, "postgres"));
  EXPECT_FALSE(runs_program(::getpid(), own + "1", program)) << "started at another time";
  EXPECT_FALSE(runs_program(::getpid(), "another-boot" + own.substr(own.find('/')), program));
  EXPECT_FALSE(runs_program(::getpid(), "", program)) << "a state file from before marks were kept";
  EXPECT_NE(process_mark(1), own);
}

TEST_F(Folder, OwnerAndModeAreNeverSetThroughALink) {
  const fs::path file = folder_ / "somebody-elses";
  std::ofstream(file) << "x";
  fs::permissions(file, fs::perms(0600));
  fs::create_symlink(file, folder_ / "link");
  EXPECT_FALSE(give(folder_ / "link", current_account(), ::getegid(), 0666));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
  EXPECT_TRUE(give(file, current_account(), ::getegid(), 0640));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
}

TEST_F(Folder, WhatDiesIsStartedAgainAndStopEndsEverything) {
  Layout layout;
  layout.var = folder_;
  layout.run = folder_;
  layout.service = current_account();
  fs::create_directories(folder_ / "run");
  fs::create_directories(folder_ / "log");
  // In a process of its own: the supervisor blocks signals and reaps children.
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto supervisor = Supervisor::open(layout);
    if (!supervisor) ::_exit(10);
    if (Supervisor::open(layout)) ::_exit(11);  // one at a time
    Service service{.name = "worker", .notifies = false};
    service.launch.command.arguments = {"/bin/sleep", "1000"};
    service.launch.log = layout.log("worker");
    if (!supervisor->start(service)) ::_exit(12);
    supervisor->run([] {});
    supervisor->stop();
    ::_exit(0);
  }
  const auto worker = [&]() -> ServiceState {
    const auto state = read_state(layout);
    return state && !state->services.empty() ? state->services.front() : ServiceState();
  };
  const auto eventually = [](const std::function<bool()>& condition) {
    for (int i = 0; i < 200 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(50));
    return condition();
  };
  ASSERT_TRUE(eventually([&] { return runs_program(worker().pid, worker().mark, worker().program); }));
  const pid_t first = worker().pid;
  ::kill(first, SIGKILL);
  EXPECT_TRUE(
      eventually([&] { return worker().pid != first && runs_program(worker().pid, worker().mark, worker().program); }));
  EXPECT_EQ(worker().restarts, 1U);
  EXPECT_EQ(worker().last_exit, "signal 9");
  const pid_t second = worker().pid;
  ::kill(pid, SIGTERM);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NE(::kill(second, 0), 0);
  EXPECT_FALSE(read_state(layout));
}

TEST_F(Folder, AServiceThatEndsAtItsStartFailsWithTheEndOfItsLog) {
  Layout layout;
  layout.var = folder_;
  layout.run = folder_;
  layout.service = current_account();
  fs::create_directories(folder_ / "run");
  fs::create_directories(folder_ / "log");
  int result[2];
  ASSERT_EQ(::pipe(result), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto supervisor = Supervisor::open(layout);
    Service service{.name = "worker"};
    service.launch.command.arguments = {"/bin/sh", "-c", "echo the key file is missing; exit 4"};
    service.launch.log = layout.log("worker");
    auto started = supervisor->start(service);
    const std::string text = started ? "started" : started.error().context;
    [[maybe_unused]] const auto count = ::write(result[1], text.data(), text.size());
    supervisor->stop();
    ::_exit(0);
  }
  ::close(result[1]);
  ::waitpid(pid, nullptr, 0);
  char buffer[4096];
  const auto count = ::read(result[0], buffer, sizeof buffer);
  ::close(result[0]);
  const std::string text(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  EXPECT_NE(text.find("exit code 4"), std::string::npos) << text;
  EXPECT_NE(text.find("the key file is missing"), std::string::npos) << text;
}

}  // namespace
}  // namespace holdpoint::supervisor
