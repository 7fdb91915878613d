// The bus over real sockets with real keys: transports, roles, deaths, restarts, load.
#include "bus/socket/port.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <fstream>

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
  const auto late = co_await asker.request("echo", question(2), within(5s));
  EXPECT_EQ(late.error().code, Code::unavailable);
}

class Transports : public testing::TestWithParam<const char*> {};

TEST_P(Transports, CarryARequestAndItsAnswer) {
  TestBus bus(GetParam());
  auto gateway = bus.issue(Role::gateway, "gateway-1");
  auto masker = bus.issue(Role::masker, "masker-1");
  bus.start();
  gateway.bus_endpoint = masker.bus_endpoint = bus.endpoint();  // the port is known only now
  asio::io_context io;
  Port asker(io.get_executor(), gateway);
  Port worker(io.get_executor(), masker);
  run(io, echo_once(asker, worker));
}

INSTANTIATE_TEST_SUITE_P(Bus, Transports, testing::Values("", "tcp://127.0.0.1:*"),
                         [](const auto& param) { return std::string(param.index == 0 ? "ipc" : "tcp"); });

class PortTest : public testing::Test {
 protected:
  TestBus bus_;
  asio::io_context io_;
};

asio::awaitable<void> expect_silence(Port& port) {
  EXPECT_FALSE(co_await wait_connected(port, 700ms));
  const auto answer = co_await port.request("configuration", Message{"ConfigurationRequested"}, within(300ms));
  EXPECT_EQ(answer.error().code, Code::timed_out);
}

TEST_F(PortTest, RefusesAKeyThatTheDocumentDoesNotName) {
  bus_.start();
  const auto stranger = bus_.keyring().issue(Role::op, "stranger").identity;
  Port port(io_.get_executor(), stranger);
  run(io_, expect_silence(port));
}

TEST_F(PortTest, RefusesARevokedKey) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  bus_.keys().back().revoked = true;
  bus_.start();
  Port port(io_.get_executor(), gateway);
  run(io_, expect_silence(port));
}

TEST_F(PortTest, DoesNotTalkToABrokerWithAnotherKey) {
  auto gateway = bus_.issue(Role::gateway, "gateway-1");
  bus_.start();
  gateway.bus_public = generate_box_key().public_key;
  Port port(io_.get_executor(), gateway);
  run(io_, expect_silence(port));
}

// --- roles

asio::awaitable<void> masker_poses(Port& masker, Port& frontend, Port& approvals) {
  int forged = 0;
  int genuine = 0;
  frontend.subscribe("review.", [&](const wire::Envelope& publication) {
    (publication.sender.role == Role::approvals ? genuine : forged)++;
  });
  masker.serve("reviews", 8, echo_handler());
  EXPECT_TRUE(co_await wait_connected(frontend));
  EXPECT_TRUE(co_await wait_connected(masker));
  EXPECT_TRUE(co_await wait_connected(approvals));
  co_await sleep_for(100ms);
  masker.publish("review.decided", Message{"ReviewDecided"});
  approvals.publish("review.decided", Message{"ReviewDecided"});
  co_await sleep_for(200ms);
  EXPECT_EQ(forged, 0);
  EXPECT_EQ(genuine, 1);
  // The masker did not become a worker of reviews.
  const auto answer = co_await frontend.request("reviews", Message{"ReviewsRequested"}, within(4s));
  EXPECT_EQ(answer.error().code, Code::unavailable);
  for (const char* service : {"records", "log", "reviews", "status", "gateway.status", "no.such.service"}) {
    const auto refused = co_await masker.request(service, Message{"Asked"}, within(2s));
    EXPECT_EQ(refused.error().code, Code::denied) << service;
  }
}

TEST_F(PortTest, KeepsAMaskerFromPublishingDecisionsAndServingReviews) {
  const auto masker = bus_.issue(Role::masker, "masker-1");
  const auto frontend = bus_.issue(Role::frontend, "chat");
  const auto approvals = bus_.issue(Role::approvals, "approvals-1");
  bus_.start();
  Port masker_port(io_.get_executor(), masker);
  Port frontend_port(io_.get_executor(), frontend);
  Port approvals_port(io_.get_executor(), approvals);
  run(io_, masker_poses(masker_port, frontend_port, approvals_port));
}

// --- configuration

Message applied(const config::SignedDocument& document) {
  Message message{"ConfigurationApplied"};
  message.body = {{"document", document.text}, {"signature", to_base64(document.signature)}};
  return message;
}

asio::awaitable<void> revoke_live(TestBus& bus, Port& operator_port, Port& gateway) {
  std::vector<std::int64_t> versions;
  operator_port.subscribe("configuration.changed", [&](const wire::Envelope& publication) {
    versions.push_back(get_int(publication.message.body, "version").value());
  });
  EXPECT_TRUE(co_await wait_connected(operator_port));
  EXPECT_TRUE(co_await wait_connected(gateway));
  auto forged = bus.document(9);
  forged.text.replace(forged.text.find("test"), 4, "Test");
  EXPECT_EQ((co_await operator_port.request("configuration", applied(forged), within(2s))).error().code,
            Code::tampered);
  EXPECT_EQ((co_await gateway.request("configuration", applied(bus.document(9)), within(2s))).error().code,
            Code::denied);

  for (auto& key : bus.keys()) key.revoked = key.role == Role::gateway;
  const auto accepted = co_await operator_port.request("configuration", applied(bus.document(2)), within(2s));
  EXPECT_TRUE(accepted) << accepted.error().context;
  EXPECT_EQ((co_await operator_port.request("configuration", applied(bus.document(1)), within(2s))).error().code,
            Code::stale);
  const auto refused = co_await gateway.request("configuration", Message{"ConfigurationRequested"}, within(300ms));
  EXPECT_EQ(refused.error().code, Code::timed_out);
  EXPECT_FALSE(gateway.connected());
  EXPECT_EQ(versions, std::vector<std::int64_t>{2});
}

TEST_F(PortTest, DistributesConfigurationAndCutsOffARevokedKeyAtOnce) {
  const auto op = bus_.issue(Role::op, "cli");
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  bus_.start();
  Port operator_port(io_.get_executor(), op);
  Port gateway_port(io_.get_executor(), gateway);
  run(io_, revoke_live(bus_, operator_port, gateway_port));
  // And it stays so after a restart.
  bus_.stop();
  bus_.start();
  Port again(io_.get_executor(), gateway);
  run(io_, expect_silence(again));
}

// --- deaths and restarts

asio::awaitable<void> ask_through_restart(TestBus& bus, Port& asker, Port& worker) {
  int runs = 0;
  worker.serve("echo", 8, [&runs](wire::Envelope) -> asio::awaitable<Result<Message>> {
    ++runs;
    co_return Message{"Echoed"};
  });
  EXPECT_TRUE(co_await asker.request("echo", question(1), within(5s)));
  bus.stop();
  asio::steady_timer later(co_await asio::this_coro::executor, 400ms);
  later.async_wait([&bus](const boost::system::error_code&) { bus.start(); });
  const auto answer = co_await asker.request("echo", question(2), within(10s));
  EXPECT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(runs, 2);
}

TEST_F(PortTest, ReconnectsAfterARestartOfTheBrokerAndAnswersWhatWasPending) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto masker = bus_.issue(Role::masker, "masker-1");
  bus_.start();
  Port asker(io_.get_executor(), gateway);
  Port worker(io_.get_executor(), masker);
  run(io_, ask_through_restart(bus_, asker, worker));
}

asio::awaitable<void> answer_beside_a_service_that_hangs(Port& asker, Port& worker) {
  int hanging = 0;
  worker.serve("echo", 8, [&hanging](wire::Envelope) -> asio::awaitable<Result<Message>> {
    ++hanging;
    co_await sleep_for(2s);
    co_return Message{"Never"};
  });
  worker.serve("masks", 1, [](wire::Envelope) -> asio::awaitable<Result<Message>> { co_return Message{"Done"}; });
  const auto ask = [](Port& port, int n) -> asio::awaitable<Result<Message>> {
    co_return co_await port.request("echo", question(n), within(1s));
  };
  const auto executor = co_await asio::this_coro::executor;
  int given_up = 0;
  for (int n = 1; n <= 6; ++n) {
    asio::co_spawn(executor, ask(asker, n), [&given_up](std::exception_ptr, Result<Message>) { ++given_up; });
  }
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (hanging < 6 && std::chrono::steady_clock::now() < until) co_await sleep_for(5ms);
  EXPECT_EQ(hanging, 6) << "more than four times the other service's credit";
  const auto answer = co_await asker.request("masks", question(7), within(5s));
  EXPECT_TRUE(answer) << answer.error().context;
  while (given_up < 6 && std::chrono::steady_clock::now() < until) co_await sleep_for(5ms);
  EXPECT_EQ(given_up, 6);
}

TEST_F(PortTest, CountsWhatRunsOfEachServiceByItself) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto masker = bus_.issue(Role::masker, "masker-1");
  bus_.start();
  Port asker(io_.get_executor(), gateway);
  Port worker(io_.get_executor(), masker);
  run(io_, answer_beside_a_service_that_hangs(asker, worker));
}

// A worker in a process of its own that never answers, so that it dies with the request.
pid_t fork_stuck_worker(const config::PeerIdentity& identity, const std::string& service,
                        const std::filesystem::path& taken) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  asio::io_context io;
  Port port(io.get_executor(), identity);
  port.serve(service, 1, [taken](wire::Envelope) -> asio::awaitable<Result<Message>> {
    std::ofstream(taken) << "x";
    co_await sleep_for(1h);
    co_return Message{"Never"};
  });
  io.run();
  ::_exit(0);
}

asio::awaitable<void> lose_worker(Port& asker, Port& second, pid_t first, std::filesystem::path taken, bool masks) {
  const std::string service = masks ? "masks" : "echo";
  std::optional<Result<Message>> result;
  int second_runs = 0;
  const auto asked_at = std::chrono::steady_clock::now();
  asio::co_spawn(
      co_await asio::this_coro::executor,
      [](Port& port, std::string to) -> asio::awaitable<Result<Message>> {
        co_return co_await port.request(to, question(1), within(10s));
      }(asker, service),
      [&](std::exception_ptr, Result<Message> answer) { result = std::move(answer); });
  while (!std::filesystem::exists(taken) && std::chrono::steady_clock::now() < asked_at + 5s) {
    co_await sleep_for(5ms);
  }
  EXPECT_TRUE(std::filesystem::exists(taken));
  second.serve(service, 1, [&](wire::Envelope) -> asio::awaitable<Result<Message>> {
    ++second_runs;
    co_return Message{"Done"};
  });
  co_await sleep_for(100ms);
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
  const auto killed_at = std::chrono::steady_clock::now();
  while (!result && std::chrono::steady_clock::now() < killed_at + 9s) co_await sleep_for(5ms);
  EXPECT_TRUE(result.has_value());
  if (!result) co_return;
  if (masks) {
    EXPECT_EQ(result->error().code, Code::unavailable);
    EXPECT_EQ(second_runs, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - killed_at, 3s);
  } else {
    EXPECT_TRUE(*result) << result->error().context;
    EXPECT_EQ(second_runs, 1);
  }
  // A new request finds the living worker.
  const auto next = co_await asker.request(service, question(2), within(5s));
  EXPECT_TRUE(next) << next.error().context;
}

class LostWorker : public testing::TestWithParam<bool> {};

TEST_P(LostWorker, IsNoticedAndItsRequestIsResentOrRefusedAsTheServiceSays) {
  TestBus bus;
  const auto gateway = bus.issue(Role::gateway, "gateway-1");
  const auto first = bus.issue(Role::masker, "masker-1");
  const auto second = bus.issue(Role::masker, "masker-2");
  const std::string service = GetParam() ? "masks" : "echo";
  const auto taken = bus.folder() / "taken";
  const pid_t child = fork_stuck_worker(first, service, taken);  // before this process has threads
  bus.start();
  asio::io_context io;
  Port asker(io.get_executor(), gateway);
  Port other(io.get_executor(), second);
  run(io, lose_worker(asker, other, child, taken, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Bus, LostWorker, testing::Bool(),
                         [](const auto& param) { return std::string(param.param ? "masks" : "echo"); });

// --- load

asio::awaitable<void> pipeline(Port& asker, Port& worker, int count) {
  int runs = 0;
  int answered = 0;
  worker.serve("echo", 256, [&runs](wire::Envelope request) -> asio::awaitable<Result<Message>> {
    ++runs;
    co_return Message{"Echoed", request.message.body, {}};
  });
  EXPECT_TRUE(co_await wait_connected(asker));
  int open = 0;
  for (int n = 0; n < count; ++n) {
    ++open;
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](Port& port, int number) -> asio::awaitable<bool> {
          const auto answer = co_await port.request("echo", question(number), within(30s));
          co_return answer&& get_int(answer->body, "n").value() == number;
        }(asker, n),
        [&](std::exception_ptr, bool good) {
          --open;
          answered += good ? 1 : 0;
        });
    // In flight: below the queue of the broker, which would say overloaded.
    while (open >= 900) co_await sleep_for(1ms);
  }
  while (open > 0) co_await sleep_for(5ms);
  EXPECT_EQ(answered, count);
  EXPECT_EQ(runs, count);
}

TEST_F(PortTest, AnswersTenThousandPipelinedRequestsOnceEach) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto masker = bus_.issue(Role::masker, "masker-1");
  bus_.start();
  Port asker(io_.get_executor(), gateway);
  Port worker(io_.get_executor(), masker);
  run(io_, pipeline(asker, worker, 10'000));
}

asio::awaitable<void> flood(Port& asker, Port& worker) {
  worker.serve("echo", 1, [](wire::Envelope) -> asio::awaitable<Result<Message>> {
    co_await sleep_for(1h);
    co_return Message{"Never"};
  });
  EXPECT_TRUE(co_await wait_connected(asker));
  int open = 0;
  std::map<Code, int> codes;
  for (int n = 0; n < 1100; ++n) {
    ++open;
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](Port& port, int number) -> asio::awaitable<Code> {
          co_return (co_await port.request("echo", question(number), within(2s))).error().code;
        }(asker, n),
        [&](std::exception_ptr, Code code) {
          --open;
          ++codes[code];
        });
    // A connection holds 1,000 messages that wait: what is sent faster than it leaves is lost.
    if (n % 100 == 99) co_await sleep_for(5ms);
  }
  while (open > 0) co_await sleep_for(5ms);
  EXPECT_EQ(codes[Code::overloaded], 1100 - 1000 - 1);
  EXPECT_EQ(codes[Code::timed_out], 1001);
}

TEST_F(PortTest, SaysOverloadedWhenTheQueueOfAServiceIsFull) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto masker = bus_.issue(Role::masker, "masker-1");
  bus_.start();
  Port asker(io_.get_executor(), gateway);
  Port worker(io_.get_executor(), masker);
  run(io_, flood(asker, worker));
}

// --- what one handler and one message may do

asio::awaitable<void> odd_ones(Port& asker, Port& worker) {
  worker.serve("echo", 4, [](wire::Envelope request) -> asio::awaitable<Result<Message>> {
    const auto n = get_int(request.message.body, "n").value();
    if (n == 1) throw std::runtime_error("oops");
    if (n == 2) co_return fail(Code::not_found, "no such thing");
    if (n == 3) {
      Message big{"Echoed"};
      big.body["text"] = std::string(wire::kBodyBytesMax, 'x');
      co_return big;
    }
    co_return Message{"Echoed", request.message.body, std::move(request.message.attachments)};
  });
  EXPECT_EQ((co_await asker.request("echo", question(1), within(5s))).error().code, Code::internal);
  EXPECT_EQ((co_await asker.request("echo", question(2), within(5s))).error().code, Code::not_found);
  EXPECT_EQ((co_await asker.request("echo", question(3), within(5s))).error().code, Code::too_large);
  Message big = question(4);
  big.body["text"] = std::string(wire::kBodyBytesMax, 'x');
  EXPECT_EQ((co_await asker.request("echo", std::move(big), within(5s))).error().code, Code::too_large);
  EXPECT_EQ((co_await asker.request(std::string(256, 'x'), question(5), within(5s))).error().code, Code::too_large);
  EXPECT_EQ((co_await asker.request("echo", question(6), within(-1s))).error().code, Code::timed_out);
  const auto large = co_await asker.request("echo", question(7, Bytes(8 << 20, 'y')), within(20s));
  EXPECT_TRUE(large) << large.error().context;
  EXPECT_EQ(large ? large->attachments.at(0).size() : 0, std::size_t{8} << 20);
}

TEST_F(PortTest, NamesWhatWentWrongWithARequest) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto masker = bus_.issue(Role::masker, "masker-1");
  bus_.start();
  Port asker(io_.get_executor(), gateway);
  Port worker(io_.get_executor(), masker);
  run(io_, odd_ones(asker, worker));
}

}  // namespace
}  // namespace holdpoint::socket
