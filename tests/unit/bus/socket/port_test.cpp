#include "bus/socket/port.hpp"

#include "tests/unit/bus/socket/bus_fixture.hpp"

namespace holdpoint::socket {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> echo_once(Port& asker, Port& worker) {
  worker.serve("echo", 8, echo_handler());
  const auto answer = co_await asker.request("echo", question(1, "raw"), within(5s));
  EXPECT_TRUE(answer) << answer.error().context;
  if (!answer) co_return;
  EXPECT_EQ(answer->type, "Echoed");
  EXPECT_EQ(to_json(answer->body), R"({"n":1})");
  EXPECT_EQ(answer->attachments.size(), 1u);
  co_await worker.stop();
  co_await asker.stop();
}

class Transports : public testing::TestWithParam<const char*> {};

TEST_P(Transports, CarryARequestAndItsAnswer) {
  TestBus bus(GetParam());
  const auto gateway = bus.issue(Role::gateway, "gateway-1");
  const auto masker = bus.issue(Role::masker, "masker-1");
  bus.start();
  auto as = [&](const config::PeerIdentity& identity) {
    config::PeerIdentity copy = config::PeerIdentity();
    copy.curve_public = identity.curve_public;
    copy.curve_secret = identity.curve_secret.clone();
    copy.bus_public = identity.bus_public;
    copy.bus_endpoint = bus.endpoint();
    return copy;
  };
  asio::io_context io;
  Port asker(io.get_executor(), as(gateway));
  Port worker(io.get_executor(), as(masker));
  run(io, echo_once(asker, worker));
}

INSTANTIATE_TEST_SUITE_P(Bus, Transports, testing::Values("", "tcp://127.0.0.1:*"),
                         [](const auto& param) { return std::string(param.index == 0 ? "ipc" : "tcp"); });

}  // namespace
}  // namespace holdpoint::socket
