#include "gateway/review/claims.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <optional>
#include <vector>

namespace holdpoint::review {
namespace {

namespace asio = boost::asio;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr Duration kAttempt = std::chrono::seconds(5);
// A target that makes up longer ones has its words left out, rather than the message refused with all that is in it.
constexpr std::size_t kRequestIdBytesMax = 256;
constexpr std::chrono::milliseconds kPauseMin{100};
constexpr std::chrono::milliseconds kPauseMax{5000};

struct Pending {
  Pending(asio::any_io_executor executor, ClaimWish what) : wish(std::move(what)), done(executor) {
    done.expires_at(asio::steady_timer::time_point::max());
  }
  ClaimWish wish;
  Instant deadline{};
  std::optional<Result<operation::ClaimAnswered>> answer;
  asio::steady_timer done;

  void finish(Result<operation::ClaimAnswered> with) {
    if (answer) return;
    answer = std::move(with);
    done.cancel();
  }
};

Json to_json_object(const ClaimWish& wish, const Claimer& self) {
  return {{"review_id", wish.review_id},          {"digest", wish.digest},
          {"principal", wish.principal},          {"operation_id", wish.operation_id},
          {"invocation_id", wish.invocation_id},  {"claimer", {{"gateway", self.gateway}, {"epoch", self.epoch}}},
          {"policy_version", wish.policy_version}};
}

Json to_json_object(const Settlement& settlement) {
  Json out{{"operation_id", settlement.operation_id},
           {"review_id", settlement.review_id},
           {"claimer", {{"gateway", settlement.claimer.gateway}, {"epoch", settlement.claimer.epoch}}},
           {"state", settlement.state}};
  if (settlement.status != 0) {
    out["outcome"] = {{"status", settlement.status}};
    const std::string& request_id = settlement.upstream_request_id;
    if (!request_id.empty() && request_id.size() <= kRequestIdBytesMax) out["outcome"]["request_id"] = request_id;
  }
  return out;
}

/// Whether a message of settlements is said again. Else it was refused for what it says.
bool is_said_again(Code refused_with) {
  constexpr std::array<Code, 5> passing{Code::timed_out, Code::unavailable, Code::overloaded, Code::outcome_unknown,
                                        Code::not_durable};
  return std::find(passing.begin(), passing.end(), refused_with) != passing.end();
}

std::optional<operation::Claim> claim_from_name(std::string_view name) {
  if (name == "claimed") return operation::Claim::claimed;
  if (name == "in_use") return operation::Claim::in_use;
  if (name == "settled") return operation::Claim::settled;
  if (name == "closed") return operation::Claim::closed;
  return std::nullopt;
}

Result<operation::ClaimAnswered> read_answer(const Json& entry, const std::string& operation_id) {
  if (!entry.is_object() || string_or(entry, "operation_id") != operation_id)
    return fail(Code::malformed, "approvals answered about another operation");
  const auto claim = claim_from_name(string_or(entry, "result"));
  if (!claim) return fail(Code::malformed, "approvals answered something unknown");
  operation::ClaimAnswered answer{*claim, {}};
  if (*claim != operation::Claim::settled) return answer;
  operation::RecordedOutcome outcome;
  outcome.outcome = string_or(entry, "state", "unknown");
  if (const auto details = entry.find("outcome"); details != entry.end() && details->is_object()) {
    if (const auto status = get_int(*details, "status")) outcome.status = static_cast<int>(*status);
    outcome.upstream_request_id = string_or(*details, "request_id");
  }
  answer.outcome = std::move(outcome);
  return answer;
}

}  // namespace

struct Claims::State {
  State(asio::any_io_executor on, Request with, Claimer who, Duration pause)
      : executor(on),
        request(std::move(with)),
        self(std::move(who)),
        settle_after(pause),
        claim_due(on),
        settlement_due(on) {
    claim_due.expires_at(asio::steady_timer::time_point::max());
    settlement_due.expires_at(asio::steady_timer::time_point::max());
  }
  asio::any_io_executor executor;
  Request request;
  Claimer self;
  const Duration settle_after;
  std::deque<std::shared_ptr<Pending>> claims;
  std::deque<Settlement> settlements;
  std::size_t given_up = 0;    ///< settlements that left the queue's head because it was full
  std::size_t on_the_way = 0;  ///< of the queue's head: in the message that is not answered yet
  asio::steady_timer claim_due;
  asio::steady_timer settlement_due;
};

Claims::Claims(asio::any_io_executor executor, Request request, Claimer self, Duration settle_after)
    : state_(std::make_shared<State>(std::move(executor), std::move(request), std::move(self), settle_after)) {}
Claims::~Claims() = default;

std::size_t Claims::unsettled() const { return state_->settlements.size(); }
const Claimer& Claims::self() const { return state_->self; }

asio::awaitable<Result<operation::ClaimAnswered>> Claims::claim(ClaimWish wish, Duration at_most) {
  const auto state = state_;
  const auto pending = std::make_shared<Pending>(state->executor, std::move(wish));
  pending->deadline = system_now() + at_most;
  state->claims.push_back(pending);
  state->claim_due.cancel();
  while (!pending->answer) (void)co_await pending->done.async_wait(kTuple);
  co_return std::move(*pending->answer);
}

void Claims::settle(Settlement settlement) {
  // A call that ended before it was said that it is sent: its end says both.
  const std::size_t behind = state_->settlements.size() - state_->on_the_way;
  for (std::size_t i = 0; i < std::min(behind, kClaimsMax); ++i) {
    Settlement& earlier = *(state_->settlements.rbegin() + static_cast<std::ptrdiff_t>(i));
    if (earlier.operation_id != settlement.operation_id || earlier.state != "sent") continue;
    earlier = std::move(settlement);
    return;
  }
  if (state_->settlements.size() >= kUnsettledMax) {
    state_->settlements.pop_front();
    ++state_->given_up;
    if (state_->on_the_way > 0) --state_->on_the_way;
  }
  state_->settlements.push_back(std::move(settlement));
  state_->settlement_due.cancel();
}

asio::awaitable<void> Claims::run_claims() {
  const auto state = state_;
  for (;;) {
    while (state->claims.empty()) (void)co_await state->claim_due.async_wait(kTuple);
    std::vector<std::shared_ptr<Pending>> batch;
    wire::Message message{"GrantClaimRequested", Json{{"claims", Json::array()}}, {}};
    Instant deadline = system_now();
    while (!state->claims.empty() && batch.size() < kClaimsMax) {
      batch.push_back(std::move(state->claims.front()));
      state->claims.pop_front();
      message.body["claims"].push_back(to_json_object(batch.back()->wish, state->self));
      deadline = std::max(deadline, batch.back()->deadline);
    }
    auto answer = co_await state->request("reviews", std::move(message), deadline, std::string());
    const Json* entries = nullptr;
    if (answer && answer->body.contains("claims") && answer->body["claims"].is_array() &&
        answer->body["claims"].size() == batch.size())
      entries = &answer->body["claims"];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (entries != nullptr) {
        batch[i]->finish(read_answer((*entries)[i], batch[i]->wish.operation_id));
      } else {
        batch[i]->finish(answer ? Error{Code::malformed, "approvals' answer is malformed"} : answer.error());
      }
    }
  }
}

asio::awaitable<void> Claims::run_settlements() {
  const auto state = state_;
  asio::steady_timer pause(state->executor);
  std::chrono::milliseconds wait = kPauseMin;
  for (;;) {
    while (state->settlements.empty()) (void)co_await state->settlement_due.async_wait(kTuple);
    if (state->settle_after > Duration{} && state->settlements.size() < kClaimsMax) {
      pause.expires_after(state->settle_after);
      (void)co_await pause.async_wait(kTuple);
    }
    const std::size_t count = std::min(state->settlements.size(), kClaimsMax);
    wire::Message message{"GrantSettled", Json{{"settlements", Json::array()}}, {}};
    for (std::size_t i = 0; i < count; ++i)
      message.body["settlements"].push_back(to_json_object(state->settlements[i]));
    const std::size_t given_up = state->given_up;
    state->on_the_way = count;
    auto noted = co_await state->request("reviews", std::move(message), system_now() + kAttempt, std::string());
    state->on_the_way = 0;
    if (noted || !is_said_again(noted.error().code)) {  // noted, or refused for good
      const std::size_t gone = std::min(state->given_up - given_up, count);
      state->settlements.erase(state->settlements.begin(),
                               state->settlements.begin() + static_cast<std::ptrdiff_t>(count - gone));
      wait = kPauseMin;
      continue;
    }
    pause.expires_after(wait);
    wait = std::min(wait * 2, kPauseMax);
    (void)co_await pause.async_wait(kTuple);
  }
}

}  // namespace holdpoint::review
