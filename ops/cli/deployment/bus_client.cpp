#include "ops/cli/deployment/bus_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "bus/socket/port.hpp"
#include "ops/cli/deployment/access.hpp"

namespace holdpoint::deployment {
namespace asio = boost::asio;

struct BusClient::State {
  explicit State(config::PeerIdentity with) : identity(std::move(with)), port(loop.get_executor(), identity) {}

  config::PeerIdentity identity;
  asio::io_context loop{1};
  socket::Port port;
};

namespace {

asio::awaitable<void> ask_once(socket::Port& port, std::string service, wire::Message question, Instant deadline,
                               Result<wire::Message>& answer) {
  answer = co_await port.request(std::move(service), std::move(question), deadline);
}

asio::awaitable<void> stop(socket::Port& port) { co_await port.stop(); }

}  // namespace

Result<BusClient> BusClient::open(const supervisor::Layout& layout) {
  auto identity = open_operator_identity(layout);
  if (!identity) return identity.error();
  return BusClient(std::make_unique<State>(std::move(*identity)));
}

BusClient::BusClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
BusClient::BusClient(BusClient&&) noexcept = default;
BusClient& BusClient::operator=(BusClient&&) noexcept = default;

BusClient::~BusClient() {
  if (!state_) return;
  bool stopped = false;
  asio::co_spawn(state_->loop, stop(state_->port), [&](std::exception_ptr) { stopped = true; });
  state_->loop.restart();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!stopped && std::chrono::steady_clock::now() < deadline)
    state_->loop.run_one_for(std::chrono::milliseconds(100));
}

Result<wire::Message> BusClient::ask(const std::string& service, wire::Message question, Duration within) {
  Result<wire::Message> answer = fail(Code::timed_out, "the bus did not answer");
  bool done = false;
  asio::co_spawn(state_->loop, ask_once(state_->port, service, std::move(question), system_now() + within, answer),
                 [&](std::exception_ptr failure) {
                   if (failure) answer = fail(Code::internal, "the bus client failed");
                   done = true;
                 });
  state_->loop.restart();
  while (!done) state_->loop.run_one();
  if (!answer && (answer.error().code == Code::timed_out || answer.error().code == Code::unavailable)) {
    return fail(answer.error().code, "the service `" + service + "` did not answer: " + answer.error().context +
                                         ". Is everything up? See `holdpoint status` and `holdpoint doctor`.");
  }
  return answer;
}

Result<wire::Message> ask_bus(const supervisor::Layout& layout, const std::string& service, wire::Message question) {
  auto client = BusClient::open(layout);
  if (!client) return client.error();
  return client->ask(service, std::move(question));
}

}  // namespace holdpoint::deployment
