#include "gateway/service/mask_batches.hpp"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <vector>

#include "bus/telemetry/log.hpp"
#include "bus/wire/bundle.hpp"
#include "gateway/http/socket_stream.hpp"
#include "gateway/pipeline/masking.hpp"
#include "gateway/service/task_group.hpp"

namespace holdpoint::service {

namespace asio = boost::asio;

namespace {

// As many as the protocol allows, and small ones: they are masked in a millisecond.
constexpr std::size_t kQuestionsMax = wire::kBundlePartsMax;
constexpr std::size_t kJoinedBytesMax = 16 << 10;
// A message that takes longer stands behind something slow; another worker may be free.
constexpr std::chrono::milliseconds kLate{20};

using Answer = Result<wire::Message>;

struct Question {
  wire::Message message;
  Instant deadline;
  std::function<void(Answer)> done;  ///< empty once it was answered
  void answer(Answer with) {
    if (const auto call = std::exchange(done, nullptr)) call(std::move(with));
  }
};
using Questions = std::vector<std::shared_ptr<Question>>;

bool may_join(const wire::Message& question) {
  return question.attachments.size() == 1 && question.attachments.front().size() <= kJoinedBytesMax;
}

/// One message that asks them all. Few operations are called at once, so each wording travels once.
struct Joined {
  wire::Message message{"MasksRequested", Json::object(), std::vector<Bytes>(1)};
  bool brief = false;  ///< fewer wordings than payloads; what is unchanged is answered `null`
};

Joined joined(const Questions& questions) {
  Joined out;
  std::vector<std::string> wordings;
  std::string which;
  Bytes& bundle = out.message.attachments.front();
  std::size_t bytes = 0;
  for (const auto& question : questions)
    bytes += wire::kBundleLengthBytes + question->message.attachments.front().size();
  bundle.reserve(bytes);
  for (const auto& question : questions) {
    const wire::Message& asked = question->message;
    std::string wording = asked.text.empty() ? to_json(asked.body) : asked.text;
    auto known = std::find(wordings.begin(), wordings.end(), wording);
    if (known == wordings.end()) known = wordings.insert(known, std::move(wording));
    which += (which.empty() ? "" : ",") + std::to_string(known - wordings.begin());
    wire::add_to_bundle(asked.attachments.front(), bundle);
  }
  std::string& text = out.message.text;
  for (const std::string& wording : wordings) text += (text.empty() ? R"({"requests":[)" : ",") + wording;
  out.brief = wordings.size() < questions.size();
  text += out.brief ? R"(],"of":[)" + which + "]}" : "]}";
  return out;
}

/// The answer to `question`: `body` of the whole and its bytes.
Answer answer_of(Json& body, BytesView bytes, wire::Message& question) {
  if (body.is_null()) body = Json{{"changed", false}, {"findings", Json::array()}};
  if (const auto refused = body.find("refused"); refused != body.end())
    return fail(code_from_name(string_or(*refused, "code")), string_or(*refused, "message"));
  wire::Message answer{"PayloadMasked", std::move(body), std::vector<Bytes>(1)};
  // Whoever asked has these bytes.
  answer.attachments[0] = pipeline::is_unchanged(answer.body) ? std::move(question.attachments.front()) : Bytes(bytes);
  return answer;
}

/// The bytes of each answer; nothing unless `count` questions were answered.
std::optional<std::vector<BytesView>> answered_bytes(const wire::Message& answer, std::size_t count, bool brief) {
  const auto answers = answer.body.find("answers");
  if (answers == answer.body.end() || !answers->is_array() || answers->size() != count) return std::nullopt;
  for (const Json& each : *answers) {
    if (!each.is_object() && !(brief && each.is_null())) return std::nullopt;
  }
  if (answer.attachments.size() != 1) return std::nullopt;
  return wire::parts_of(answer.attachments.front(), count);
}

}  // namespace

struct MaskBatches::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor on, review::Request with) : executor(on), ask(std::move(with)), timer(on), tasks(on) {}

  asio::any_io_executor executor;
  review::Request ask;
  std::deque<std::shared_ptr<Question>> waiting;
  struct Flight {
    Questions questions;
    Instant began;
  };
  std::list<Flight> flights;
  asio::steady_timer timer;
  TaskGroup tasks;
  bool flush_posted = false;
  bool ticking = false;

  void add(std::shared_ptr<Question> question) {
    waiting.push_back(std::move(question));
    // Whoever asks in this turn of the loop travels along.
    if (std::exchange(flush_posted, true)) return;
    asio::post(executor, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->flush_posted = false;
      self->flush();
    });
  }

  void flush() {
    const Instant now = system_now();
    while (!waiting.empty() &&
           (waiting.size() >= kQuestionsMax || flights.empty() || now - flights.back().began >= kLate)) {
      const std::size_t count = std::min(waiting.size(), kQuestionsMax);
      const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
      flights.push_back({{std::make_move_iterator(waiting.begin()), std::make_move_iterator(end)}, now});
      waiting.erase(waiting.begin(), end);
      tasks.spawn(send(shared_from_this(), std::prev(flights.end())));
    }
    if (!ticking && !flights.empty()) tasks.spawn(watch(shared_from_this()));
  }

  static asio::awaitable<void> send(std::shared_ptr<State> self, std::list<Flight>::iterator flight) {
    Questions questions = flight->questions;
    try {
      co_await self->settle(std::move(questions));
    } catch (const std::exception& exception) {
      telemetry::log_error("a message to the masker failed", {{"why", exception.what()}});
    }
    for (const auto& question : flight->questions) question->answer(fail(Code::unavailable, "the gateway stops"));
    self->flights.erase(flight);
    self->flush();
  }

  /// Answers them; one that is left is one that was cancelled.
  asio::awaitable<void> settle(Questions questions) {
    std::erase_if(questions, [](const auto& question) { return !question->done; });
    if (questions.empty()) co_return;
    if (questions.size() == 1) {
      co_await settle_alone(questions.front());
      co_return;
    }
    Instant deadline{};
    for (const auto& question : questions) deadline = std::max(deadline, question->deadline);
    Joined whole = joined(questions);
    auto answer = co_await ask("masks", std::move(whole.message), deadline, std::string());
    // A masker of an earlier version; or their findings do not fit one body.
    const bool alone = !answer && (answer.error().code == Code::unsupported || answer.error().code == Code::malformed ||
                                   answer.error().code == Code::too_large);
    if (alone) {
      for (const auto& question : questions) co_await settle_alone(question);
      co_return;
    }
    std::optional<std::vector<BytesView>> bytes;
    if (answer) bytes = answered_bytes(*answer, questions.size(), whole.brief);
    if (answer && !bytes) answer = fail(Code::malformed, "the masker did not answer each question");
    for (std::size_t index = 0; index < questions.size(); ++index) {
      questions[index]->answer(
          answer ? answer_of(answer->body["answers"][index], (*bytes)[index], questions[index]->message)
                 : Answer(answer.error()));
    }
  }

  asio::awaitable<void> settle_alone(std::shared_ptr<Question> question) {
    auto answer = co_await ask("masks", std::move(question->message), question->deadline, std::string());
    question->answer(std::move(answer));
  }

  /// While something is on its way: what is overdue is refused, what waits behind something late is sent.
  static asio::awaitable<void> watch(std::shared_ptr<State> self) {
    self->ticking = true;
    while (!self->flights.empty()) {
      self->timer.expires_after(kLate);
      (void)co_await self->timer.async_wait(http::kTuple);
      const Instant now = system_now();
      const auto expire = [now](const std::shared_ptr<Question>& question) {
        if (question->deadline <= now) question->answer(fail(Code::timed_out, "no masker answered in time"));
      };
      for (const Flight& flight : self->flights)
        std::for_each(flight.questions.begin(), flight.questions.end(), expire);
      std::for_each(self->waiting.begin(), self->waiting.end(), expire);
      std::erase_if(self->waiting, [](const auto& question) { return !question->done; });
      self->flush();
    }
    self->ticking = false;
  }
};

MaskBatches::MaskBatches(asio::any_io_executor executor, review::Request ask)
    : state_(std::make_shared<State>(std::move(executor), std::move(ask))) {}
MaskBatches::~MaskBatches() = default;

asio::awaitable<Answer> MaskBatches::ask(wire::Message message, Instant deadline) {
  const auto state = state_;
  if (!may_join(message)) co_return co_await state->ask("masks", std::move(message), deadline, std::string());
  auto begin = [state](auto complete, wire::Message asked, Instant until) {
    auto question = std::make_shared<Question>();
    question->message = std::move(asked);
    question->deadline = until;
    auto slot = asio::get_associated_cancellation_slot(complete);
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(question)](asio::cancellation_type) {
        if (const auto cancelled = weak.lock()) cancelled->answer(fail(Code::unavailable, "cancelled"));
      });
    }
    // std::function copies, completions only move.
    auto shared = std::make_shared<decltype(complete)>(std::move(complete));
    question->done = [state, shared, slot](Answer answer) mutable {
      if (slot.is_connected()) slot.clear();
      asio::post(state->executor,
                 [shared = std::move(shared), answer = std::move(answer)]() mutable { (*shared)(std::move(answer)); });
    };
    state->add(std::move(question));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Answer)>(
      std::move(begin), asio::use_awaitable, std::move(message), deadline);
}

asio::awaitable<void> MaskBatches::stop() {
  const auto state = state_;
  co_await state->tasks.stop();
}

}  // namespace holdpoint::service
