// The real program on a real broker, behind its sandbox: it answers, and finds a broker again that went away.
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "masker/worker/sandbox.hpp"
#include "tests/unit/bus/socket/bus_fixture.hpp"

namespace holdpoint::masker::testing {
namespace {

using namespace std::chrono_literals;
using socket::Port;

class Process {
 public:
  Process(const config::PeerIdentity& identity, const std::filesystem::path& file) {
    EXPECT_TRUE(config::save_identity(identity, file));
    pid_ = fork();
    if (pid_ == 0) {
      execl(HOLDPOINT_MASKER, HOLDPOINT_MASKER, "--identity", file.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Process() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] bool confined() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Seccomp:")) return line.ends_with("2");
    }
    return false;
  }

 private:
  pid_t pid_;
};

/// Asks until the worker is there, at most 20 s.
socket::asio::awaitable<Result<wire::Message>> masked(Port& port, std::string body) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (true) {
    wire::Message question{"MaskRequested"};
    question.body = {{"content_type", "application/x-amz-json-1.0"}, {"service", "dynamodb"}, {"operation", "GetItem"}};
    question.attachments.push_back(body);
    auto answer = co_await port.request("masks", std::move(question), socket::within(2s));
    if (answer || std::chrono::steady_clock::now() > until) co_return answer;
    co_await socket::sleep_for(100ms);
  }
}

socket::asio::awaitable<void> expect_masked(Port& port) {
  const auto answer = co_await masked(port, R"({"Item":{"password":{"S":"hunter22"}}})");
  EXPECT_TRUE(answer) << answer.error().context;
  if (answer) EXPECT_EQ(answer->attachments.at(0), R"({"Item":{"password":{"S":"REDACTED-password"}}})");
}

class MaskerProcess : public ::testing::TestWithParam<const char*> {};

TEST_P(MaskerProcess, answers_behind_its_sandbox_and_again_after_the_broker_was_away) {
  if (!kConfines) GTEST_SKIP() << "a sanitizer needs what the sandbox takes";
  socket::TestBus bus(GetParam());
  auto gateway = bus.issue(wire::Role::gateway, "gateway-1");
  auto own = bus.issue(wire::Role::masker, "masker-1");
  bus.start();
  gateway.bus_endpoint = own.bus_endpoint = bus.endpoint();
  Process process(own, bus.folder() / "masker.json");
  boost::asio::io_context io;
  Port port(io.get_executor(), gateway);
  socket::run(io, expect_masked(port));
  EXPECT_TRUE(process.confined());
  bus.stop();
  bus.start();
  socket::run(io, expect_masked(port));
  socket::run(io, port.stop());
}

INSTANTIATE_TEST_SUITE_P(Bus, MaskerProcess, ::testing::Values("", "tcp://127.0.0.1:*"),
                         [](const auto& param) { return std::string(param.index == 0 ? "ipc" : "tcp"); });

}  // namespace
}  // namespace holdpoint::masker::testing
