#include "approvals/process.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <iterator>

#include "approvals/announcer.hpp"
#include "approvals/configuration.hpp"
#include "approvals/console/http_server.hpp"
#include "approvals/lane_queue.hpp"
#include "approvals/postgres/postgres_store.hpp"
#include "approvals/service.hpp"
#include "bus/journal/recorder.hpp"
#include "bus/socket/port.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/pace.hpp"

namespace holdpoint::approvals {
namespace {

namespace asio = boost::asio;

constexpr unsigned kWorkers = 5;         // connections to PostgreSQL: one for each lane, two for everything else
constexpr unsigned kConsoleWorkers = 2;  // apart, so that pages that wait for the log never hold up a grant
constexpr std::size_t kQueueMax = 1000;  // requests that wait for a worker: about a second's worth
constexpr unsigned kCredit = 256;        // that the broker hands over at once; well below kQueueMax
constexpr std::size_t kConsoleQueueMax = 200;
// What votes and settlements that come in numbers wait for more of them: a batch costs as much as several decisions.
constexpr std::chrono::milliseconds kGather{15};
constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::seconds kAsk{2};       // one question for the configuration, or of the log
constexpr std::chrono::seconds kDurable{10};  // a journal that takes longer counts as failed

// Blocks a worker until the journal's writer thread has synced.
class JournalSink final : public EventSink {
 public:
  JournalSink(journal::Journal& journal, std::string source) : journal_(journal), source_(std::move(source)) {}
  Result<void> record(std::span<const record::Event> events) override {
    std::vector<std::future<Result<journal::Position>>> pending;
    for (const auto& event : events) {
      // Shared with the callback: it may come after the wait below was given up.
      auto promise = std::make_shared<std::promise<Result<journal::Position>>>();
      pending.push_back(promise->get_future());
      journal_.append(text_of(event),
                      [promise](Result<journal::Position> position) { promise->set_value(std::move(position)); });
    }
    const auto until = std::chrono::steady_clock::now() + kDurable;
    for (auto& each : pending) {
      if (each.wait_until(until) != std::future_status::ready) return fail(Code::not_durable, "the journal is stuck");
      if (const auto position = each.get(); !position) return position.error();
    }
    return {};
  }

 private:
  /// What another process of approvals left behind when it died is said by this one.
  [[nodiscard]] std::string text_of(const record::Event& event) const {
    if (event.source == source_) return record::event_to_json(event);
    record::Event own = event;
    own.source = source_;
    return record::event_to_json(own);
  }

  journal::Journal& journal_;
  std::string source_;
};

// The port is the executor's alone: publications hop there.
class PortPublisher final : public Publisher {
 public:
  PortPublisher(asio::any_io_executor executor, socket::Port& port) : executor_(std::move(executor)), port_(port) {}
  void publish(std::string topic, wire::Message message) override {
    asio::post(executor_, [this, topic = std::move(topic), message = std::move(message)]() mutable {
      port_.publish(std::move(topic), std::move(message));
    });
  }

 private:
  asio::any_io_executor executor_;
  socket::Port& port_;
};

bool is_late(const wire::Envelope& request, Instant now) {
  return request.deadline != Instant{} && request.deadline <= now;
}

Result<wire::Message> too_late() {
  return fail(Code::timed_out, "the request waited for a worker beyond its deadline");
}

WorkerPool::MakeStore stores(const ProcessOptions& options) {
  return [database = options.database] { return std::make_unique<PostgresStore>(database); };
}

}  // namespace

struct Process::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, const config::PeerIdentity& who, const ProcessOptions& options,
        std::unique_ptr<journal::Recorder> opened)
      : context(io),
        identity(who),
        signatory{who.name, who.deployment, who.key_id, SigningKey::from_seed(who.signing_key.seed().reveal()).value()},
        recorder(std::move(opened)),
        port(io.get_executor(), who),
        sink(recorder->journal(), who.name),
        publisher(io.get_executor(), port),
        configuration(who, std::filesystem::path(options.var) / "configuration.version"),
        console(
            voting, [this](wire::Message question) { return ask_log(std::move(question)); }, options.console),
        workers(std::make_unique<WorkerPool>(kWorkers, kQueueMax, stores(options))),
        console_workers(std::make_unique<WorkerPool>(kConsoleWorkers, kConsoleQueueMax, stores(options))) {}

  void listen();
  void offer();
  void apply(const Json& body);
  void fetch();
  Result<wire::Message> ask_log(wire::Message question);
  asio::awaitable<void> fetch_configuration();
  asio::awaitable<void> tick();
  asio::awaitable<Result<wire::Message>> answer(wire::Envelope request);
  void note_refused(const wire::Envelope& request, const Result<wire::Message>& answered);
  LaneQueue make_lane(Lane lane);
  std::vector<Result<wire::Message>> answer_lane(Lane lane, std::span<const wire::Envelope> requests,
                                                 ReviewStore& store);
  bool queue(const std::shared_ptr<wire::Envelope>& request, LaneQueue::Reply reply);
  void answer_page(console::Request request, std::function<void(console::Response)> done);

  asio::io_context& context;
  const config::PeerIdentity& identity;
  Signatory signatory;
  RandomIdSource ids;
  std::unique_ptr<journal::Recorder> recorder;
  socket::Port port;
  JournalSink sink;
  PortPublisher publisher;
  Configuration configuration;
  Announcer announcer{sink, publisher};
  Voting voting{signatory, ids, announcer, [this] { return configuration.document(system_now()); }};
  ReviewService service{
      voting, announcer,
      [this](const std::string& token, Instant now) { return configuration.verify_reviewer(token, now); },
      [this] { return configuration.newest(); }};
  console::Console console;
  std::unique_ptr<console::HttpServer> http;
  telemetry::Pace pace{20};  // of lines that peers can cause; used on the context's thread
  bool fetching = false;
  bool offered = false;
  std::atomic<bool> stopping = false;
  bool ticking = false;
  // Ended by ~Process: a job that held the last reference to this would end its own thread.
  std::unique_ptr<WorkerPool> workers;
  std::unique_ptr<WorkerPool> console_workers;
  LaneQueue votes{make_lane(Lane::votes)};
  LaneQueue claims{make_lane(Lane::claims)};
  LaneQueue settlements{make_lane(Lane::settlements)};
};

void Process::State::apply(const Json& body) {
  const auto applied = configuration.apply(body);
  if (applied) {
    telemetry::log_info("configuration applied", {{"version", configuration.version()}});
    offer();
  } else if (applied.error().code != Code::stale) {
    telemetry::log_error("a configuration was refused", {{"because", applied.error().context}});
  }
}

void Process::State::fetch() {
  if (stopping || std::exchange(fetching, true)) return;
  asio::co_spawn(context, fetch_configuration(),
                 [self = shared_from_this()](const std::exception_ptr&) { self->fetching = false; });
}

asio::awaitable<void> Process::State::fetch_configuration() {
  const auto self = shared_from_this();
  wire::Message question;
  question.type = "ConfigurationRequested";
  const auto reported = co_await port.request("configuration", std::move(question), system_now() + kAsk);
  if (reported) apply(reported->body);
}

/// Once the names of the gateways are known: before, every claim would have to be refused.
void Process::State::offer() {
  if (std::exchange(offered, true)) return;
  port.serve("reviews", kCredit, [this](wire::Envelope request) { return answer(std::move(request)); });
}

void Process::State::listen() {
  port.subscribe("configuration.changed", [this](const wire::Envelope& changed) {
    if (changed.sender.role == wire::Role::broker) apply(changed.message.body);
  });
  port.subscribe("configuration.heartbeat", [this](const wire::Envelope& heartbeat) {
    if (heartbeat.sender.role != wire::Role::broker) return;
    if (configuration.heard(heartbeat.message.body, system_now())) fetch();
  });
  recorder->ship(context.get_executor(),
                 [this](std::string service_name, wire::Message message, Instant deadline, std::string stream) {
                   return port.request(std::move(service_name), std::move(message), deadline, std::move(stream));
                 });
  fetch();
}

/// What nobody asks by accident: a vote by somebody who is not known or may not, a message that is not for that role.
void Process::State::note_refused(const wire::Envelope& request, const Result<wire::Message>& answered) {
  if (answered) return;
  const Code code = answered.error().code;
  if (code != Code::denied && code != Code::unauthenticated) return;
  if (!pace.take(system_now())) return;
  const auto newest = configuration.newest();
  const config::PeerKey* key = newest ? newest->key(request.sender.key_id) : nullptr;
  const std::string peer = key == nullptr ? request.sender.key_id : key->name;
  const unsigned long missed = pace.missed();
  telemetry::log_warning("refused", {{"peer", peer},
                                     {"key_id", request.sender.key_id},
                                     {"type", request.message.type},
                                     {"because", answered.error().context},
                                     {"not_shown", missed}});
  recorder->note(record::type::kPeerRefused, peer,
                 {{"peer", peer},
                  {"key_id", request.sender.key_id},
                  {"role", wire::name(request.sender.role)},
                  {"message", request.message.type},
                  {"code", name(code)},
                  {"reason", answered.error().context},
                  {"left_out_before", missed}});
}

bool Process::State::queue(const std::shared_ptr<wire::Envelope>& request, LaneQueue::Reply reply) {
  if (const auto lane = lane_of(request->message.type)) {
    LaneQueue& lane_queue = *lane == Lane::votes ? votes : *lane == Lane::claims ? claims : settlements;
    return lane_queue.post(*request, std::move(reply));
  }
  return workers->post([self = shared_from_this(), request, reply = std::move(reply)](ReviewStore& store) {
    const Instant now = system_now();
    reply(is_late(*request, now) ? too_late() : self->service.handle(*request, store, now));
  });
}

LaneQueue Process::State::make_lane(Lane lane) {
  // A woken call waits for its claim; people and their programs vote, and gateways settle, in no such hurry.
  return {*workers, kQueueMax,
          [this, lane](std::span<const wire::Envelope> requests, ReviewStore& store) {
            return answer_lane(lane, requests, store);
          },
          lane == Lane::claims ? std::chrono::milliseconds(0) : kGather};
}

std::vector<Result<wire::Message>> Process::State::answer_lane(Lane lane, std::span<const wire::Envelope> requests,
                                                               ReviewStore& store) {
  const Instant now = system_now();
  if (std::none_of(requests.begin(), requests.end(), [&](const auto& each) { return is_late(each, now); })) {
    return service.handle(lane, requests, store, now);
  }
  std::vector<wire::Envelope> in_time;
  std::copy_if(requests.begin(), requests.end(), std::back_inserter(in_time),
               [&](const wire::Envelope& each) { return !is_late(each, now); });
  auto answers = service.handle(lane, in_time, store, now);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (is_late(requests[i], now)) answers.insert(answers.begin() + static_cast<std::ptrdiff_t>(i), too_late());
  }
  return answers;
}

// No coroutine of its own: GCC 12 destroys the captures of a lambda that is written in a co_await expression twice.
asio::awaitable<Result<wire::Message>> Process::State::answer(wire::Envelope request) {
  const auto self = shared_from_this();
  auto shared = std::make_shared<wire::Envelope>(std::move(request));
  return asio::async_initiate<decltype(asio::use_awaitable), void(Result<wire::Message>)>(
      [self, shared](auto handler) {
        auto done = std::make_shared<decltype(handler)>(std::move(handler));
        const auto reply = [self, shared, done](Result<wire::Message> answered) {
          asio::post(self->context, [self, shared, done, answered = std::move(answered)]() mutable {
            self->note_refused(*shared, answered);
            (*done)(std::move(answered));
          });
        };
        if (!self->queue(shared, reply))
          reply(fail(Code::overloaded, "too many requests wait for the store of reviews"));
      },
      asio::use_awaitable);
}

void Process::State::answer_page(console::Request request, std::function<void(console::Response)> done) {
  const auto self = shared_from_this();
  auto shared = std::make_shared<console::Request>(std::move(request));
  const bool queued = console_workers->post(
      [self, shared, done](ReviewStore& store) { done(self->console.handle(*shared, store, system_now())); });
  if (!queued) done({503, "application/json", R"({"code":"overloaded","message":"too many requests"})", {}});
}

Result<wire::Message> Process::State::ask_log(wire::Message question) {
  if (stopping) return fail(Code::unavailable, "stopping");
  auto promise = std::make_shared<std::promise<Result<wire::Message>>>();
  auto answered = promise->get_future();
  asio::co_spawn(context, port.request("log", std::move(question), system_now() + kAsk),
                 [promise](const std::exception_ptr& error, Result<wire::Message> answer) {
                   if (error) answer = fail(Code::unavailable, "the log cannot be asked");
                   promise->set_value(std::move(answer));
                 });
  if (answered.wait_for(2 * kAsk) != std::future_status::ready) return fail(Code::timed_out, "the log does not answer");
  return answered.get();
}

asio::awaitable<void> Process::State::tick() {
  const auto self = shared_from_this();
  asio::steady_timer timer(context);
  std::string trouble;
  while (!stopping) {
    timer.expires_after(kTick);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (stopping) co_return;
    if (configuration.version() == 0) fetch();
    if (const std::string now = recorder->trouble(); now != trouble) {
      trouble = now;
      if (!trouble.empty()) telemetry::log_warning("the journal cannot be shipped", {{"because", trouble}});
    }
    if (std::exchange(ticking, true)) continue;  // the one before still runs: PostgreSQL is slow or away
    const bool queued = workers->post([self](ReviewStore& store) {
      self->service.tick(store, system_now());
      asio::post(self->context, [self] { self->ticking = false; });
    });
    if (!queued) ticking = false;
  }
}

Result<std::unique_ptr<Process>> Process::start(asio::io_context& context, const config::PeerIdentity& identity,
                                                const ProcessOptions& options) {
  journal::RecorderOptions recording;
  recording.directory = options.var + "/journal";
  recording.deployment = identity.deployment;
  recording.source = identity.name;
  auto recorder = journal::Recorder::open(std::move(recording), identity.signing_key);
  if (!recorder) return recorder.error();
  auto state = std::make_shared<State>(context, identity, options, std::move(*recorder));
  if (!options.console.listen.empty()) {
    auto http = console::HttpServer::open(
        context, options.console.listen,
        [weak = std::weak_ptr(state)](console::Request request, std::function<void(console::Response)> done) {
          if (const auto self = weak.lock()) self->answer_page(std::move(request), std::move(done));
        });
    if (!http) return http.error();
    state->http = std::move(*http);
  }
  state->recorder->note(record::type::kProcessStarted, identity.name,
                        {{"name", identity.name},
                         {"role", wire::name(identity.role)},
                         {"version", HOLDPOINT_VERSION},
                         {"epoch", state->recorder->boot_epoch()}});
  state->listen();
  asio::co_spawn(context, state->tick(), [](const std::exception_ptr&) {});
  return std::unique_ptr<Process>(new Process(std::move(state)));
}

Process::~Process() {
  state_->workers.reset();
  state_->console_workers.reset();
}

asio::awaitable<void> Process::stop() {
  const auto self = state_;
  self->stopping = true;
  if (self->http) self->http->stop();
  co_await self->recorder->stop();
  co_await self->port.stop();
}

}  // namespace holdpoint::approvals
