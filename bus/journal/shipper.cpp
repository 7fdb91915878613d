#include "bus/journal/shipper.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdpoint::journal {
namespace {

namespace asio = boost::asio;

/// An event that is not lost when nobody waits for it yet: a timer's cancel() alone would be.
class Bell {
 public:
  explicit Bell(const asio::any_io_executor& executor) : timer_(executor) {}
  void ring() {
    rung_ = true;
    timer_.cancel();
  }
  asio::awaitable<void> wait(Duration at_most) {
    if (!rung_) {
      timer_.expires_after(at_most);
      boost::system::error_code ignored;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    rung_ = false;
  }

 private:
  asio::steady_timer timer_;
  bool rung_ = false;
};

}  // namespace

struct Shipper::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor_in, Journal& journal_in, const SigningKey& key_in, Request request_in,
        ShipperOptions options_in)
      : executor(executor_in),
        journal(journal_in),
        key(key_in),
        request(std::move(request_in)),
        options(std::move(options_in)),
        reader(journal_in.reader()),
        fresh(executor_in),
        awaited(executor_in),
        ended(executor_in) {}

  asio::any_io_executor executor;
  Journal& journal;
  const SigningKey& key;
  Request request;
  ShipperOptions options;
  Journal::Reader reader;
  Bell fresh;    ///< new durable entries, or stopping
  Bell awaited;  ///< somebody waits for the log's acknowledgement, or stopping
  Bell ended;
  std::atomic<bool> ring_posted = false;
  bool running = false;
  bool stopping = false;
  bool filled = false;  ///< by bytes: more lay ready than the last submission took, and it waits for nothing
  std::string trouble;

  void ring(bool now);
  asio::awaitable<void> run();
  asio::awaitable<void> gather(std::uint64_t next);
  asio::awaitable<Result<std::uint64_t>> ask_position();
  asio::awaitable<Result<std::uint64_t>> ship(std::uint64_t from);
  asio::awaitable<Result<wire::Message>> send(wire::Message message);
  Result<std::uint64_t> taken(const wire::Message& answer);
};

asio::awaitable<Result<wire::Message>> Shipper::State::send(wire::Message message) {
  co_return co_await request("records", std::move(message), system_now() + options.deadline,
                             "records/" + options.source);
}

/// Acknowledges what the log says it has of this epoch; the sequence that it wants next.
Result<std::uint64_t> Shipper::State::taken(const wire::Message& answer) {
  const auto epoch = get_int(answer.body, "epoch");
  const auto through = get_int(answer.body, "through");
  if (!epoch || !through || *epoch < 0 || *through < 0) {
    return fail(Code::malformed, "the auditor's answer names no position");
  }
  const Position position{static_cast<std::uint64_t>(*epoch), static_cast<std::uint64_t>(*through)};
  if (position.epoch > journal.epoch()) {
    return fail(Code::stale, "the log has a newer epoch of this source: another journal runs under its name");
  }
  if (position.epoch < journal.epoch()) return std::uint64_t{1};
  if (position.sequence > journal.status().durable) {
    return fail(Code::stale, "the log has entries of this source that its journal lost");
  }
  journal.acknowledge(position);
  return position.sequence + 1;
}

asio::awaitable<Result<std::uint64_t>> Shipper::State::ask_position() {
  wire::Message question;
  question.type = "RecordPositionRequested";
  question.body["source"] = options.source;
  const auto answer = co_await send(std::move(question));
  if (!answer) co_return answer.error();
  co_return taken(*answer);
}

/// Submits entries from `from` on; the next sequence to send. Without any, `from` itself.
asio::awaitable<Result<std::uint64_t>> Shipper::State::ship(std::uint64_t from) {
  const std::uint64_t ready = journal.status().durable;
  auto chunk = reader.read(from, options.entries_max, options.bytes_max);
  if (!chunk) co_return chunk.error();
  filled = from + chunk->entries.size() <= ready && chunk->entries.size() < options.entries_max;
  if (chunk->entries.empty()) co_return from;
  record::Submission submission;
  submission.source = options.source;
  submission.epoch = journal.epoch();
  submission.first = chunk->first;
  submission.previous = chunk->previous;
  submission.head = chunk->head;
  submission.entries = std::move(chunk->entries);
  submission.signature = key.sign(record::signature_text(options.deployment, submission));
  const auto answer = co_await send(record::submission_to_message(submission));
  if (!answer) co_return answer.error();
  co_return taken(*answer);
}

void Shipper::State::ring(bool now) {
  fresh.ring();
  if (now) awaited.ring();
}

/// Waits for more of what `next` begins, as long as nobody is kept waiting and a submission is not filled.
asio::awaitable<void> Shipper::State::gather(std::uint64_t next) {
  if (journal.is_awaited() || journal.status().durable >= next + options.entries_max) co_return;
  co_await awaited.wait(options.gather);
}

asio::awaitable<void> Shipper::State::run() {
  Duration pause = options.pause_min;
  std::uint64_t next = 0;  // 0: the log must be asked
  while (!stopping) {
    const bool asking = next == 0;
    // No conditional expression: GCC 12 destroys an awaited operand of ?: twice.
    Result<std::uint64_t> reached = next;
    if (asking) {
      reached = co_await ask_position();
    } else {
      ring_posted = false;  // whatever becomes durable from here on may not be in this submission
      reached = co_await ship(next);
    }
    if (stopping) break;
    if (!reached) {
      trouble = reached.error().context;
      next = 0;
      co_await fresh.wait(pause);
      pause = std::min(pause * 2, options.pause_max);
      continue;
    }
    trouble.clear();
    pause = options.pause_min;
    const bool idle = !asking && *reached == next;
    next = *reached;
    if (idle) co_await fresh.wait(std::chrono::hours(1));
    if (!stopping && !filled) co_await gather(next);
  }
  running = false;
  ended.ring();
}

Shipper::Shipper(asio::any_io_executor executor, Journal& journal, const SigningKey& key, Request request,
                 ShipperOptions options)
    : state_(std::make_shared<State>(executor, journal, key, std::move(request), std::move(options))) {}

Shipper::~Shipper() {
  state_->journal.on_durable({});
  state_->stopping = true;
}

void Shipper::start() {
  state_->running = true;
  state_->journal.on_durable([weak = std::weak_ptr<State>(state_)] {
    const auto state = weak.lock();
    if (!state) return;
    const bool now = state->journal.is_awaited();
    // One post for any number of batches that finish before the next submission is put together.
    if (state->ring_posted.exchange(true) && !now) return;
    asio::post(state->executor, [state, now] { state->ring(now); });
  });
  asio::co_spawn(
      state_->executor, [](std::shared_ptr<State> state) -> asio::awaitable<void> { co_await state->run(); }(state_),
      [state = state_](const std::exception_ptr&) {});
}

asio::awaitable<void> Shipper::stop() {
  const auto state = state_;
  state->stopping = true;
  state->ring(true);
  while (state->running) co_await state->ended.wait(std::chrono::seconds(1));
}

std::string Shipper::trouble() const { return state_->trouble; }

}  // namespace holdpoint::journal
