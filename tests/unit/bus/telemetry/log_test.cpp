#include "bus/telemetry/log.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "bus/telemetry/pace.hpp"
#include "bus/telemetry/ready.hpp"

namespace holdpoint::telemetry {
namespace {

TEST(Pace, LetsSoManyLinesASecondThroughAndCountsTheOthers) {
  Pace pace(2);
  const Instant now = from_unix_seconds(100);
  EXPECT_TRUE(pace.take(now) && pace.take(now));
  EXPECT_FALSE(pace.take(now) || pace.take(now + std::chrono::milliseconds(999)));
  EXPECT_TRUE(pace.take(now + std::chrono::seconds(1)));
  EXPECT_EQ(pace.missed(), 2u);
  EXPECT_EQ(pace.missed(), 0u);
  EXPECT_TRUE(pace.take(now - std::chrono::hours(1)));  // the clock was set back
}

TEST(Log, WritesOneLineWhateverTheValuesHold) {
  const std::string line = log_line(Form::text, "T", "bus", Level::warning, "peer refused",
                                    {{"key", "a b"}, {"name", "x\n2026 bus info all is well"}, {"count", 3}});
  EXPECT_EQ(line, "T bus warning peer refused key=\"a b\" name=\"x\\\\u{000A}2026 bus info all is well\" count=3\n");
}

TEST(Log, WritesJsonThatParses) {
  const std::string line = log_line(Form::json, "T", "bus", Level::info, "e", {{"user", "\x1b[31m\xff\"\xe2\x80\xae"}});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
}

TEST(Log, KnowsItsLevels) {
  EXPECT_EQ(level_from_name("warning").value(), Level::warning);
  EXPECT_EQ(level_from_name("loud").error().code, Code::configuration);
}

TEST(Ready, SendsOneDatagramToTheSupervisor) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = testing::TempDir() + "/notify-" + std::to_string(getpid());
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_ready();
  char buffer[64];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string_view(buffer, static_cast<std::size_t>(got)), "READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready();
  EXPECT_LT(::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT), 0);
  ::close(fd);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace holdpoint::telemetry
