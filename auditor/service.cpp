#include "auditor/service.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "auditor/log_reader.hpp"
#include "auditor/log_writer.hpp"
#include "bus/config/document.hpp"
#include "bus/socket/port.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/ready.hpp"

namespace holdpoint::auditor {
namespace {

namespace asio = boost::asio;

constexpr unsigned kRecordsCredit = 64;  // submissions in flight, 1 MiB each: the writer's queue bound
constexpr unsigned kLogCredit = 4;       // reading takes one thread; the rest waits at the broker
constexpr auto kAskAgain = std::chrono::seconds(1);

/// Who may record under which name: every unrevoked key of the deployment, under its own.
SourceKeys source_keys(const config::Document& document) {
  SourceKeys keys;
  for (const config::PeerKey& key : document.keys) {
    if (!key.revoked) keys[key.key_id] = {key.name, key.sign_public};
  }
  return keys;
}

/// What a thread that is no coroutine answers, awaited on `executor`. A plain function, and its callers name the
/// closures that they pass: GCC 12 destroys the captures of a lambda inside a co_await twice.
template <class T, class Start>
asio::awaitable<Result<T>> answer_of(asio::any_io_executor executor, Start start) {
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(Result<T>)>(
      [executor](auto handler, Start begin) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin([executor, shared, work = asio::make_work_guard(executor)](Result<T> result) {
          asio::post(executor, [shared, result = std::move(result)]() mutable { (*shared)(std::move(result)); });
        });
      },
      asio::use_awaitable, std::move(start));
}

}  // namespace

struct Service::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context_in, const config::PeerIdentity& identity_in, ServiceOptions options_in,
        std::function<void()> ready_in, std::function<void()> lost_in)
      : context(context_in),
        identity(identity_in),
        options(std::move(options_in)),
        ready(std::move(ready_in)),
        lost(std::move(lost_in)),
        port(context.get_executor(), identity),
        reader(options.database) {}

  asio::io_context& context;
  const config::PeerIdentity& identity;
  ServiceOptions options;
  std::function<void()> ready;
  std::function<void()> lost;
  socket::Port port;
  LogReader reader;  ///< the pool's one thread
  asio::thread_pool reading{1};
  std::unique_ptr<LogWriter> writer;
  std::uint64_t version = 0;
  bool fetching = false;
  bool is_ready = false;
  bool stopping = false;
  std::string last_trouble;

  void start_writer();
  void offer();
  void become_ready();
  void report(const Error& trouble);
  static void report_unkept(const std::string& why);
  void fetch();
  asio::awaitable<void> fetch_configuration();
  void apply(const wire::Message& message);
  asio::awaitable<Result<wire::Message>> on_records(wire::Envelope request);
  asio::awaitable<Result<wire::Message>> on_log(wire::Envelope request);
  asio::awaitable<Result<SourceMark>> position_of(std::string source, std::string key_id);
  asio::awaitable<Result<SourceMark>> sequenced(std::shared_ptr<Submitted> submitted);
};

void Service::State::become_ready() {
  if (!std::exchange(is_ready, true)) ready();
}

void Service::State::report(const Error& trouble) {
  // A standby is told once a second that another writes; say it once.
  if (trouble.context == last_trouble) return;
  last_trouble = trouble.context;
  if (trouble.code == Code::conflict) {
    telemetry::log_info("standing by", {{"because", trouble.context}});
    telemetry::notify_status("standing by");
    become_ready();
  } else if (trouble.code == Code::tampered) {
    telemetry::log_error("the log is not written to, since it is not the one that was signed",
                         {{"because", trouble.context},
                          {"do",
                           "run holdpoint audit verify; if the database was set back on purpose, move this "
                           "auditor's checkpoints elsewhere and start it again"}});
    telemetry::notify_status("refusing to write: the log was tampered with");
  } else {
    telemetry::log_error("the log cannot be written", {{"because", trouble.context}});
    telemetry::notify_status("waiting for the database");
  }
}

void Service::State::report_unkept(const std::string& why) {
  if (why.empty()) {
    telemetry::log_info("checkpoints are kept again", {});
    telemetry::notify_status("writing the log");
  } else {
    telemetry::log_error("checkpoints are not kept", {{"because", why}});
    telemetry::notify_status("writing the log, checkpoints are not kept");
  }
}

void Service::State::start_writer() {
  const auto on_context = [weak = weak_from_this(), executor = context.get_executor()](auto what) {
    asio::post(executor, [weak, what = std::move(what)] {
      if (const auto self = weak.lock(); self && !self->stopping) what(*self);
    });
  };
  LogWriterEvents events;
  events.writing = [on_context] { on_context([](State& self) { self.offer(); }); };
  events.trouble = [on_context](const Error& trouble) { on_context([trouble](State& self) { self.report(trouble); }); };
  events.unkept = [on_context](const std::string& why) { on_context([why](State&) { report_unkept(why); }); };
  events.lost = [on_context] { on_context([](State& self) { self.lost(); }); };
  events.checkpoint = [on_context](const std::string& note) {
    on_context([note](State& self) {
      self.port.publish("record.checkpoint", {"RecordCheckpoint", Json{{"note", note}}, {}});
    });
  };
  writer = std::make_unique<LogWriter>(postgres_log_store(options.database), identity.deployment, identity.signing_key,
                                       options.checkpoints, std::move(events));
  writer->start();
}

void Service::State::offer() {
  last_trouble.clear();
  telemetry::log_info("writing the log", {{"entries", writer->status().entries}});
  telemetry::notify_status("writing the log");
  port.serve("records", kRecordsCredit,
             [self = this](wire::Envelope request) { return self->on_records(std::move(request)); });
  become_ready();
}

asio::awaitable<Result<wire::Message>> Service::State::on_records(wire::Envelope request) {
  const std::string source = string_or(request.message.body, "source");
  Result<SourceMark> mark = fail(Code::unsupported, "the service records does not know this message");
  const bool asks = request.message.type == "RecordPositionRequested";
  if (asks) {
    mark = co_await position_of(source, request.sender.key_id);
  } else if (request.message.type == "RecordsSubmitted") {
    auto submission = record::submission_from_message(request.message);
    if (!submission) co_return submission.error();
    auto submitted = std::make_shared<Submitted>();
    submitted->submission = std::move(*submission);
    submitted->sender_key_id = request.sender.key_id;
    mark = co_await sequenced(std::move(submitted));
  }
  if (!mark) {
    telemetry::log_warning("a submission was refused", {{"source", source}, {"because", mark.error().context}});
    co_return mark.error();
  }
  wire::Message answer;
  answer.type = asks ? "RecordPositionReported" : "RecordsSequenced";
  answer.body["source"] = source;
  answer.body["epoch"] = mark->epoch;
  answer.body["through"] = mark->through;
  if (asks) answer.body["head"] = to_base64(view(mark->head));
  co_return answer;
}

asio::awaitable<Result<SourceMark>> Service::State::position_of(std::string source, std::string key_id) {
  auto ask = [log = writer.get(), source = std::move(source), key_id = std::move(key_id)](Answer done) {
    log->position(source, key_id, std::move(done));
  };
  return answer_of<SourceMark>(context.get_executor(), std::move(ask));
}

asio::awaitable<Result<SourceMark>> Service::State::sequenced(std::shared_ptr<Submitted> submitted) {
  auto submit = [log = writer.get(), submitted](Answer done) { log->submit(std::move(*submitted), std::move(done)); };
  return answer_of<SourceMark>(context.get_executor(), std::move(submit));
}

asio::awaitable<Result<wire::Message>> Service::State::on_log(wire::Envelope request) {
  auto question = std::make_shared<wire::Message>(std::move(request.message));
  auto read = [this, question](std::function<void(Result<wire::Message>)> done) {
    asio::post(reading, [this, question, done = std::move(done)] { done(reader.answer(*question)); });
  };
  return answer_of<wire::Message>(context.get_executor(), std::move(read));
}

void Service::State::apply(const wire::Message& message) {
  const auto text = get_string(message.body, "document");
  const auto signature = from_base64(string_or(message.body, "signature"));
  if (!text || !signature) return;
  const auto document = config::open_document({*text, *signature}, identity.operator_public);
  if (!document) {
    telemetry::log_error("a configuration was refused", {{"because", document.error().context}});
    return;
  }
  if (document->deployment != identity.deployment || document->version <= version) return;
  version = document->version;
  writer->set_keys(source_keys(*document));
  telemetry::log_info("configuration applied", {{"version", version}});
}

void Service::State::fetch() {
  if (std::exchange(fetching, true)) return;
  asio::co_spawn(context, fetch_configuration(),
                 [self = shared_from_this()](const std::exception_ptr&) { self->fetching = false; });
}

asio::awaitable<void> Service::State::fetch_configuration() {
  const auto self = shared_from_this();
  while (!stopping) {
    wire::Message question;
    question.type = "ConfigurationRequested";
    const auto answer = co_await port.request("configuration", std::move(question), system_now() + kAskAgain * 5);
    if (answer) {
      apply(*answer);
      co_return;
    }
    asio::steady_timer pause(context, kAskAgain);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

Service::Service(asio::io_context& context, const config::PeerIdentity& identity, ServiceOptions options,
                 std::function<void()> ready, std::function<void()> lost)
    : state_(std::make_shared<State>(context, identity, std::move(options), std::move(ready), std::move(lost))) {}

Service::~Service() { state_->reading.join(); }

void Service::start() {
  State* const self = state_.get();
  self->start_writer();
  self->port.subscribe("configuration.changed",
                       [self](const wire::Envelope& changed) { self->apply(changed.message); });
  self->port.subscribe("configuration.heartbeat", [self](const wire::Envelope& heartbeat) {
    const auto version = get_int(heartbeat.message.body, "version");
    if (version && static_cast<std::uint64_t>(*version) > self->version) self->fetch();
  });
  self->port.serve("log", kLogCredit, [self](wire::Envelope request) { return self->on_log(std::move(request)); });
  self->fetch();
}

asio::awaitable<void> Service::stop() {
  const auto self = state_;
  self->stopping = true;
  co_await self->port.stop();
  self->writer.reset();
}

}  // namespace holdpoint::auditor
