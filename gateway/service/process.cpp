#include "gateway/service/process.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <thread>

#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "bus/telemetry/ready.hpp"
#include "gateway/service/shard.hpp"
#include "gateway/service/task_group.hpp"

namespace holdpoint::service {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kVersion = "0.1.0";
constexpr unsigned kShardsMax = 64;
constexpr unsigned kStatusCredit = 4;

int refuse_to_start(const Error& error) {
  telemetry::log_error("holdpoint-gateway cannot start", {{"why", error.context}});
  return 1;
}

class Process {
 public:
  Process(const ProcessOptions& options, const config::PeerIdentity& identity,
          std::unique_ptr<journal::Recorder> recorder, std::shared_ptr<const http::TlsContext> tls)
      : options_(options),
        identity_(identity),
        recorder_(std::move(recorder)),
        configuration_(identity_, options.listen, std::filesystem::path(options.var) / "configuration.version",
                       [this](configuration::SnapshotPtr snapshot) { changed(std::move(snapshot)); }),
        shared_{identity_, *recorder_, configuration_, parking_, admission_, std::move(tls)} {}

  int run();

 private:
  asio::awaitable<void> begin();
  asio::awaitable<void> end();
  void changed(configuration::SnapshotPtr snapshot);
  void serve_status();
  Result<void> start_shards();
  [[nodiscard]] Json status() const;

  const ProcessOptions& options_;
  const config::PeerIdentity& identity_;  ///< not a copy: the recorder signs with its key
  std::unique_ptr<journal::Recorder> recorder_;
  review::Parking parking_;
  pipeline::Admission admission_;
  configuration::Configuration configuration_;
  Shared shared_;
  std::vector<std::unique_ptr<Shard>> shards_;  ///< the first runs on the main thread and leads
  std::vector<std::thread> threads_;
  std::unique_ptr<TaskGroup> tasks_;
  int exit_code_ = 0;
};

void Process::changed(configuration::SnapshotPtr snapshot) {
  recorder_->set_durability(snapshot->document.gateway.durable == config::Durable::database
                                ? journal::Durability::database
                                : journal::Durability::journal);
  recorder_->note(record::type::kConfigurationApplied, std::to_string(snapshot->document.version),
                  {{"version", snapshot->document.version},
                   {"document_sha256", to_hex(view(sha256(config::document_to_json(snapshot->document))))}});
  telemetry::log_info("configuration in force", {{"version", snapshot->document.version}});
  for (const auto& shard : shards_) shard->configuration_changed(snapshot);
}

Json Process::status() const {
  const configuration::SnapshotPtr snapshot = configuration_.current();
  const journal::JournalStatus journal = recorder_->journal().status();
  Json targets = Json::array();
  if (snapshot) {
    for (const config::Target& target : snapshot->document.targets)
      targets.push_back(
          {{"name", target.name}, {"type", target.type}, {"account", target.account}, {"regions", target.regions}});
  }
  std::size_t calls = 0;
  for (const auto& shard : shards_) calls += shard->counts().calls;
  return {{"name", identity_.name},
          {"sessions", 0},
          {"parked", parking_.size()},
          {"in_flight", calls},
          {"journal",
           {{"pending", journal.durable - std::min(journal.durable, journal.acknowledged)},
            {"bytes", journal.bytes},
            {"failed", journal.failed}}},
          {"configuration_version", snapshot ? snapshot->document.version : 0},
          {"lease", configuration_.lease_held()},
          {"targets", std::move(targets)}};
}

void Process::serve_status() {
  shards_.front()->port().serve("gateway.status", kStatusCredit,
                                [this](wire::Envelope request) -> asio::awaitable<Result<wire::Message>> {
                                  if (request.message.type != "GatewayStatusRequested")
                                    co_return Error{Code::unsupported, "unknown message"};
                                  co_return wire::Message{"GatewayStatusReported", status(), {}};
                                });
}

Result<void> Process::start_shards() {
  const configuration::SnapshotPtr snapshot = configuration_.current();
  const std::vector<std::string>& listen =
      options_.listen.empty() ? snapshot->document.gateway.listen : options_.listen;
  for (const auto& shard : shards_) {
    if (auto bound = shard->listen(listen); !bound) return bound;
  }
  for (std::size_t i = 1; i < shards_.size(); ++i) {
    shards_[i]->start();
    threads_.emplace_back([shard = shards_[i].get()] { shard->run(); });
  }
  shards_.front()->start();
  for (const std::string& each : listen) telemetry::log_info("listening", {{"address", each}});
  return {};
}

asio::awaitable<void> Process::begin() {
  Shard& lead = *shards_.front();
  configuration_.listen(lead.port());
  tasks_->spawn(configuration_.run(lead.port()));
  recorder_->ship(lead.executor(),
                  [&lead](std::string service, wire::Message message, Instant deadline, std::string stream) {
                    return lead.port().request(std::move(service), std::move(message), deadline, std::move(stream));
                  });
  telemetry::notify_status("waiting for the configuration");
  asio::steady_timer pause(lead.executor());
  // Before the first heartbeat nothing may be decided: a client that comes back at once waits rather than be refused.
  while (!configuration_.current() || !configuration_.lease_held()) {
    pause.expires_after(std::chrono::milliseconds(50));
    (void)co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  tasks_->spawn(lead.recover());
  if (auto started = start_shards(); !started) {
    exit_code_ = refuse_to_start(started.error());
    tasks_->spawn(end());
    co_return;
  }
  serve_status();
  recorder_->note(
      record::type::kProcessStarted, identity_.name,
      {{"name", identity_.name}, {"role", "gateway"}, {"version", kVersion}, {"epoch", recorder_->boot_epoch()}});
  telemetry::notify_ready();
}

asio::awaitable<void> Process::end() {
  telemetry::notify_stopping();
  for (std::size_t i = 1; i < shards_.size() && i <= threads_.size(); ++i) {
    Shard* shard = shards_[i].get();
    asio::co_spawn(
        shard->executor(), [](Shard* each) -> asio::awaitable<void> { co_await each->stop(); }(shard),
        [](std::exception_ptr) {});
  }
  co_await recorder_->stop();
  co_await shards_.front()->stop();
}

int Process::run() {
  const unsigned cores = options_.shards != 0 ? options_.shards : std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < std::min(cores, kShardsMax); ++i) shards_.push_back(std::make_unique<Shard>(shared_));
  Shard& lead = *shards_.front();
  tasks_ = std::make_unique<TaskGroup>(lead.executor());
  auto stopping = std::make_shared<TaskGroup>(lead.executor());
  telemetry::call_on_stop_signal(lead.executor(), [this, stopping] {
    stopping->spawn([](Process* self) -> asio::awaitable<void> {
      co_await self->tasks_->stop();
      co_await self->end();
    }(this));
  });
  tasks_->spawn(begin());
  lead.run();
  for (std::thread& thread : threads_) thread.join();
  return exit_code_;
}

}  // namespace

int run_process(const ProcessOptions& options) {
  auto identity = config::load_identity(options.identity, wire::Role::gateway);
  if (!identity) return refuse_to_start(identity.error());
  auto tls = http::client_tls(options.upstream_authorities);
  if (!tls) return refuse_to_start(tls.error());
  journal::RecorderOptions recording;
  recording.directory = options.var / "journal" / identity->name;
  recording.deployment = identity->deployment;
  recording.source = identity->name;
  recording.tracks_operations = true;
  auto recorder = journal::Recorder::open(std::move(recording), identity->signing_key);
  if (!recorder) return refuse_to_start(recorder.error());
  Process process(options, *identity, std::move(*recorder), std::move(*tls));
  return process.run();
}

}  // namespace holdpoint::service
