#include "gateway/service/shard.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <set>

#include "bus/telemetry/log.hpp"
#include "gateway/http/socket_stream.hpp"
#include "gateway/pipeline/serve.hpp"
#include "gateway/pipeline/unread.hpp"
#include "gateway/service/mask_batches.hpp"
#include "gateway/service/recovery.hpp"
#include "gateway/service/task_group.hpp"

namespace holdpoint::service {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using http::kTuple;
constexpr std::chrono::milliseconds kSweep{500};
constexpr std::chrono::milliseconds kReconcile{1000};
// Of many that wait few are asked for at a time, so that no woken call waits behind a long answer.
constexpr std::size_t kReconcileIds = 200;
constexpr std::chrono::milliseconds kReconcileOn{200};
constexpr std::chrono::seconds kTend{1};        // for operations that nobody completes
constexpr std::chrono::seconds kLookAgain{10};  // for claims of earlier lives
constexpr std::chrono::seconds kHandshake{10};
constexpr std::chrono::seconds kAskTime{5};
constexpr std::chrono::seconds kLeaveTime{5};
constexpr std::chrono::seconds kTellTime{1};  // approvals may be stopping too

#ifdef SO_REUSEPORT
using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
#endif

}  // namespace

struct Shard::State {
  explicit State(Shared& with)
      : shared(with),
        io(1),
        port(io.get_executor(), with.identity),
        masks(io.get_executor(), port_request()),
        upstream(io.get_executor(), deadlines, with.upstream_tls),
        credentials(io.get_executor(), upstream),
        issuers(io.get_executor(), deadlines, with.upstream_tls, pipeline::IssuerKeys::kTimeouts),
        issuer_keys(io.get_executor(), issuers, [this] { return shared.configuration.current(); }, {}),
        claims(io.get_executor(), bus(), {with.identity.name, with.recorder.boot_epoch()}),
        services{io.get_executor(),
                 with.configuration,
                 with.parking,
                 with.admission,
                 journal::Recorder::Seat(with.recorder, io.get_executor()),
                 bus(),
                 upstream,
                 credentials,
                 issuer_keys,
                 claims,
                 board,
                 with.identity.name,
                 {},
                 {},
                 {}},
        tasks(io.get_executor()),
        connections(io.get_executor()) {}

  review::Request port_request() {
    return [this](std::string service, wire::Message message, Instant deadline, std::string stream) {
      return port.request(std::move(service), std::move(message), deadline, std::move(stream));
    };
  }
  review::Request bus() {
    return [this](std::string service, wire::Message message, Instant deadline, std::string stream) {
      if (service == "masks") return masks.ask(std::move(message), deadline);
      return port.request(std::move(service), std::move(message), deadline, std::move(stream));
    };
  }

  asio::awaitable<void> sweep();
  asio::awaitable<void> reconcile();
  asio::awaitable<bool> complete_abandoned();
  asio::awaitable<void> tend_operations();
  asio::awaitable<bool> settle_claims_left(std::set<std::string>& settled);
  asio::awaitable<void> accept(tcp::acceptor& acceptor);
  asio::awaitable<void> serve(tcp::socket socket);

  Shared& shared;
  asio::io_context io;
  socket::Port port;
  MaskBatches masks;
  http::Deadlines deadlines;
  http::UpstreamClient upstream;
  credentials::Provider credentials;
  http::UpstreamClient issuers;  ///< by whom agents are vouched for, with less patience than for targets
  pipeline::IssuerKeys issuer_keys;
  review::Claims claims;
  review::DecisionBoard board;
  pipeline::Services services;
  std::vector<tcp::acceptor> acceptors;
  TaskGroup tasks;
  TaskGroup connections;
  bool stopping = false;
};

Shard::Shard(Shared& shared) : state_(std::make_unique<State>(shared)) {}
Shard::~Shard() = default;

asio::any_io_executor Shard::executor() { return state_->io.get_executor(); }
socket::Port& Shard::port() { return state_->port; }
void Shard::run() { state_->io.run(); }

Result<ListenAddress> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return fail(Code::configuration, text + ": an address to listen on is HOST:PORT");
  ListenAddress address;
  address.host = text.substr(0, colon);
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
    address.host = address.host.substr(1, address.host.size() - 2);
  unsigned port = 0;
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, port);
  if (begin == end || error != std::errc() || stop != end || port == 0 || port > 65535)
    return fail(Code::configuration, text + ": the port is malformed");
  address.port = static_cast<std::uint16_t>(port);
  if (address.host == "localhost") address.host = "127.0.0.1";
  boost::system::error_code bad;
  const auto ip = asio::ip::make_address(address.host, bad);
  if (bad) return fail(Code::configuration, text + ": an address to listen on is an IP address and a port");
  address.loopback = ip.is_loopback();
  return address;
}

Result<void> Shard::listen(const std::vector<std::string>& addresses) {
  const configuration::SnapshotPtr snapshot = state_->shared.configuration.current();
  for (const std::string& text : addresses) {
    auto address = parse_listen(text);
    if (!address) return address.error();
    if (!address->loopback && !snapshot->tls)
      return fail(Code::configuration, text + ": plain HTTP is served on loopback only; configure gateway.tls");
    const tcp::endpoint endpoint(asio::ip::make_address(address->host), address->port);
    tcp::acceptor acceptor(state_->io);
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.set_option(reuse_port(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(Code::configuration, text + ": " + error.message());
    state_->acceptors.push_back(std::move(acceptor));
  }
  return {};
}

asio::awaitable<void> Shard::State::sweep() {
  asio::steady_timer timer(io);
  for (;;) {
    timer.expires_after(kSweep);
    (void)co_await timer.async_wait(kTuple);
    const auto now = std::chrono::steady_clock::now();
    deadlines.sweep(now);
    upstream.sweep(now);
    issuers.sweep(now);
  }
}

/// Publications may be lost, so everything that waits is asked for.
asio::awaitable<void> Shard::State::reconcile() {
  asio::steady_timer timer(io);
  for (;;) {
    timer.expires_after(board.round_ended() ? kReconcile : kReconcileOn);
    (void)co_await timer.async_wait(kTuple);
    const std::vector<std::string> ids = board.next_ids(kReconcileIds);
    if (ids.empty()) continue;
    wire::Message question{"ReviewStatusRequested", Json{{"review_ids", ids}}, {}};
    auto reported = co_await port.request("reviews", std::move(question), system_now() + kAskTime);
    if (!reported || !reported->body.contains("reviews") || !reported->body["reviews"].is_array()) continue;
    for (const Json& each : reported->body["reviews"]) board.tell(each);
  }
}

asio::awaitable<void> Shard::State::serve(tcp::socket socket) {
  const configuration::SnapshotPtr snapshot = shared.configuration.current();
  std::unique_ptr<http::Stream> stream;
  if (snapshot->tls) {
    auto secured = co_await http::accept_tls(std::move(socket), deadlines, snapshot->tls,
                                             std::chrono::steady_clock::now() + kHandshake);
    if (!secured) co_return;
    stream = std::move(*secured);
  } else {
    stream = http::make_tcp_stream(std::move(socket), deadlines);
  }
  co_await http::serve_connection(
      std::move(stream), {}, [this](http::Exchange& exchange) { return pipeline::serve(services, exchange); },
      [this](http::Unread unread) { return pipeline::answer_unread(services, std::move(unread)); },
      [this] { return stopping; });
}

asio::awaitable<void> Shard::State::accept(tcp::acceptor& acceptor) {
  asio::steady_timer pause(io);
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kTuple);
    if (stopping) co_return;
    if (error) {
      // Out of descriptors: what runs will free some.
      telemetry::log_warning("a connection could not be accepted", {{"why", error.message()}});
      pause.expires_after(std::chrono::milliseconds(100));
      (void)co_await pause.async_wait(kTuple);
      continue;
    }
    if (connections.size() >= kConnectionsMax) continue;  // closed at once: the client sees it and tries elsewhere
    connections.spawn(serve(std::move(socket)));
  }
}

void Shard::start() {
  State& state = *state_;
  state.port.subscribe("review.decided",
                       [&state](const wire::Envelope& decided) { state.board.tell(decided.message.body); });
  state.tasks.spawn(state.sweep());
  state.tasks.spawn(state.reconcile());
  state.tasks.spawn(state.issuer_keys.run());
  state.tasks.spawn(state.claims.run_claims());
  state.tasks.spawn(state.claims.run_settlements());
  for (tcp::acceptor& acceptor : state.acceptors) state.tasks.spawn(state.accept(acceptor));
}

void Shard::configuration_changed(configuration::SnapshotPtr snapshot) {
  asio::post(state_->io, [state = state_.get(), snapshot = std::move(snapshot)] {
    for (pipeline::Call* call : state->services.running) call->configuration_changed(*snapshot);
  });
}

/// Whoever was to say how these ended is gone. False when the journal took not all of it.
asio::awaitable<bool> Shard::State::complete_abandoned() {
  for (const auto& each : shared.recorder.abandoned()) {
    record::OperationFacts facts;
    facts.operation_id = each.operation_id;
    facts.session_id = each.session_id;
    record::OutcomeFacts outcome;
    outcome.outcome = each.nothing_sent ? "failed" : "unknown";
    outcome.blocked = each.nothing_sent ? "its intent was not recorded in time, and nothing was sent"
                                        : "the gateway stopped before an answer was recorded";
    auto data = record::completed_data(facts, outcome);
    const auto recorded =
        co_await services.record.record(record::type::kOperationCompleted, each.operation_id, std::move(data), true);
    if (!recorded) co_return false;
  }
  co_return true;
}

asio::awaitable<void> Shard::State::tend_operations() {
  asio::steady_timer pause(io);
  for (;;) {
    pause.expires_after(kTend);
    (void)co_await pause.async_wait(kTuple);
    shared.recorder.carry_open_operations();
    (void)co_await complete_abandoned();
  }
}

/// Of earlier lives, and not in `settled` yet. True when there are none.
asio::awaitable<bool> Shard::State::settle_claims_left(std::set<std::string>& settled) {
  const std::string& name = shared.identity.name;
  wire::Message question{"ClaimsOfGatewayRequested", Json{{"gateway", name}}, {}};
  auto reported = co_await port.request("reviews", std::move(question), system_now() + kAskTime);
  if (!reported) co_return false;
  std::vector<HeldClaim> left = held_claims(reported->body, shared.recorder.boot_epoch());
  std::erase_if(left, [&](const HeldClaim& claim) { return !settled.insert(claim.operation_id).second; });
  auto traces = trace_claims(shared.recorder.journal(), left);
  if (!traces) telemetry::log_error("the journal cannot be read back", {{"why", traces.error().context}});
  for (const HeldClaim& claim : left)
    claims.settle(settlement_of(claim, traces ? (*traces)[claim.operation_id] : Trace{}, name));
  co_return left.empty();
}

asio::awaitable<void> Shard::recover() {
  State& state = *state_;
  asio::steady_timer pause(state.io);
  // First, so that the journal answers for each claim below.
  while (!co_await state.complete_abandoned()) {
    pause.expires_after(kTend);
    (void)co_await pause.async_wait(kTuple);
  }
  state.tasks.spawn(state.tend_operations());
  // A report is bounded: what is settled makes room in the next one for the rest. And a database that was slow makes
  // claims of a life that is over by then, so there is no last time.
  for (std::set<std::string> settled;;) {
    const bool none_left = co_await state.settle_claims_left(settled);
    pause.expires_after(none_left ? kLookAgain : kTend);
    (void)co_await pause.async_wait(kTuple);
  }
}

ShardCounts Shard::counts() const { return {state_->services.calls.load(std::memory_order_relaxed)}; }

asio::awaitable<void> Shard::stop() {
  State& state = *state_;
  state.stopping = true;
  for (tcp::acceptor& acceptor : state.acceptors) {
    boost::system::error_code ignored;
    acceptor.close(ignored);
  }
  asio::steady_timer pause(state.io);
  const auto until = std::chrono::steady_clock::now() + kLeaveTime;
  while (!state.services.running.empty() && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(50));
    (void)co_await pause.async_wait(kTuple);
  }
  // What is not told now is told by the next start, should there be one.
  const auto told_until = std::chrono::steady_clock::now() + kTellTime;
  while (state.claims.unsettled() > 0 && std::chrono::steady_clock::now() < told_until) {
    pause.expires_after(std::chrono::milliseconds(10));
    (void)co_await pause.async_wait(kTuple);
  }
  co_await state.connections.stop();
  co_await state.tasks.stop();
  co_await state.masks.stop();
  co_await state.port.stop();
}

}  // namespace holdpoint::service
