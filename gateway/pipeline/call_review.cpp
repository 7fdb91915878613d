// The part of a call that waits for people: asking, parking, the claim.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <limits>

#include "bus/telemetry/log.hpp"
#include "gateway/aws/condition_keys.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/waiting.hpp"
#include "gateway/review/decision.hpp"
#include "gateway/review/digest.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using operation::Decided;
using operation::Verdict;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr Duration kAskTime = std::chrono::seconds(10);
constexpr Duration kClaimTime = std::chrono::seconds(10);
constexpr std::chrono::seconds kClaimAgain{1};
constexpr std::chrono::seconds kExpiryNews{1};

std::int64_t seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

/// What the review asks of people. The call may have joined one that was opened under other terms: what is decided
/// there is held against these, never against today's policy.
Result<policy::ReviewTerms> asked_terms(const Json& opened) {
  const auto asked = opened.find("asked");
  if (asked == opened.end() || !asked->is_object()) return fail(Code::malformed, "a review without its terms");
  const auto required = get_int(*asked, "required");
  const auto reviewers = asked->find("reviewers");
  const auto grant = asked->find("grant");
  if (!required || *required < 1 || *required > std::numeric_limits<std::int32_t>::max() || reviewers == asked->end() ||
      !reviewers->is_array() || grant == asked->end() || !grant->is_object())
    return fail(Code::malformed, "the terms of a review do not parse");
  policy::ReviewTerms terms;
  terms.required = static_cast<unsigned>(*required);
  for (const Json& each : *reviewers) {
    if (!each.is_string()) return fail(Code::malformed, "a reviewer that is no name");
    terms.reviewers.push_back(each.get<std::string>());
  }
  if (string_or(*grant, "kind") != "for") return terms;
  const auto window = get_int(*grant, "for_s");
  if (!window || *window < 0 || *window > std::numeric_limits<std::int32_t>::max())
    return fail(Code::malformed, "a grant's time does not parse");
  terms.grant_for = std::chrono::seconds(*window);
  return terms;
}

}  // namespace

/// What reviewers see: the canonical operation as it was hashed, free of sensitive members.
Json Call::review_question() const {
  Json question = record::operation_data(facts_).values();
  for (const char* member : {"source_ip", "user_agent", "invocation_id", "method", "path", "body_bytes"})
    question.erase(member);
  question["review_id"] = to_text(services_.ids.next(system_now()));
  question["digest"] = digest_;
  question["policy"] = {
      {"name", decision_.policy}, {"statement", decision_.statement}, {"reason", decision_.review.reason}};
  question["reviewers"] = decision_.review.reviewers;
  question["required"] = decision_.review.required;
  question["within_s"] = seconds(decision_.review.within);
  question["grant"] = decision_.review.grant_for
                          ? Json{{"kind", "for"}, {"for_s", seconds(*decision_.review.grant_for)}}
                          : Json{{"kind", "once"}};
  if (!decision_.obligations.record_full) question["record"] = "metadata";
  question["policy_version"] = snapshot_->document.version;
  return question;
}

/// A decision that verifies, or that the review ended without one. Anything else is as if nothing had come.
std::optional<Decided> Call::read_decision(const Json& status) const {
  const std::string state = string_or(status, "state");
  if (status.contains("decision")) {
    auto decided = review::verify_decision(
        status["decision"], services_.configuration.current()->document,
        {actor_.review_id().empty() ? string_or(status, "review_id") : actor_.review_id(), digest_}, system_now());
    if (decided) return std::move(*decided);
    telemetry::log_warning("a decision was not accepted",
                           {{"review", string_or(status, "review_id")}, {"why", decided.error().context}});
    return std::nullopt;
  }
  // To refuse, nothing needs to be proven.
  if (state == "expired") return Decided{Verdict::expired, {}};
  if (state == "consumed") return Decided{Verdict::closed, {}};
  return std::nullopt;
}

asio::awaitable<Call::Events> Call::ask_review() {
  const config::GatewaySettings& settings = snapshot_->document.gateway;
  auto place = services_.parking.enter(facts_.principal, {settings.parked_max, settings.parked_per_principal_max});
  if (!place) co_return operation::ReviewFailed{place.error()};
  parked_ = std::move(*place);
  if (auto taken = co_await take_streamed_body(); !taken) co_return operation::ReviewFailed{taken.error()};
  digest_ = review::operation_digest(snapshot_->digest_key.reveal(), facts_.principal, session_->role_arn,
                                     target_->name, operation_, data_hash_);
  wire::Message question{
      "ReviewRequested",
      {{"review", review_question()}, {"invocation_id", facts_.invocation_id}, {"gateway", services_.gateway}},
      {}};
  auto opened = co_await services_.bus("reviews", std::move(question), system_now() + kAskTime, std::string());
  if (!opened) co_return operation::ReviewFailed{opened.error()};
  operation::ReviewOpened event{string_or(opened->body, "review_id"), read_decision(opened->body)};
  if (event.review_id.empty())
    co_return operation::ReviewFailed{{Code::malformed, "approvals answered without a review"}};
  auto asked = asked_terms(opened->body);
  if (!asked) co_return operation::ReviewFailed{asked.error()};
  const auto expires_at = from_rfc3339(string_or(opened->body, "expires_at"));
  if (!expires_at) co_return operation::ReviewFailed{{Code::malformed, "a review without an end"}};
  review_expires_at_ = *expires_at;
  reviewed_terms_ = std::move(*asked);
  reviewed_terms_.within = decision_.review.within;
  // Before anybody decides: who asked for what is in the log though this gateway goes meanwhile.
  auto data = record::parked_data(facts_, judgement(), event.review_id);
  auto recorded =
      co_await services_.record.record(record::type::kOperationParked, facts_.operation_id, std::move(data));
  if (!recorded) co_return operation::ReviewFailed{recorded.error()};
  wait_ends_ = std::chrono::steady_clock::now() + wait_plan(facts_.user_agent, decision_.review.within).bound;
  co_return event;
}

/// While people think, nothing is kept that only proved who asks, that is there twice, or that can be made again.
void Call::shrink() {
  exchange_.shrink({"authorization", "x-amz-security-token", "x-amz-date", "amz-sdk-request", "amz-sdk-invocation-id"});
  body_.shrink_to_fit();
  signing_key_ = Secret();
  for (std::string* each :
       {&signature_.session_token, &signature_.signature, &signature_.declared_hash, &decision_.reason})
    std::string().swap(*each);
  std::vector<std::string>().swap(signature_.signed_headers);
  operation_.context.clear();
  parameters_once_ = facts_.parameters == operation_.parameters;
  if (parameters_once_) facts_.parameters = Json();
}

/// What policy and the record need again.
void Call::grow_back() {
  operation_.context = aws::context_keys(*classified_.route.operation, operation_.parameters);
  if (parameters_once_) facts_.parameters = operation_.parameters;
}

asio::awaitable<Call::Events> Call::wait_for_decision() {
  const auto began = std::chrono::steady_clock::now();
  const WaitPlan plan = wait_plan(facts_.user_agent, reviewed_terms_.within);
  asio::steady_timer timer(executor_);
  wake_ = [&timer] { timer.cancel(); };
  review::DecisionBoard::Waiter waiter(services_.board, actor_.review_id(), wake_);
  shrink();
  exchange_.watch([this] {
    client_gone_ = true;
    if (wake_) wake_();
  });
  Events event;
  while (!event) {
    if (!revoked_.empty() || client_gone_) {
      event = operation::WaitEnded{};  // told before it by interruptions()
      break;
    }
    if (const Json news = waiter.take_news(); !news.is_null()) {
      if (auto decided = read_decision(news)) {
        event = std::move(*decided);
        break;
      }
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= wait_ends_) {
      // The news that it expired may still be on its way.
      if (system_now() + kExpiryNews >= review_expires_at_)
        event = Decided{Verdict::expired, {}};
      else
        event = operation::WaitEnded{};
      break;
    }
    timer.expires_at(plan.interim ? std::min(wait_ends_, now + *plan.interim) : wait_ends_);
    const auto [error] = co_await timer.async_wait(kTuple);
    const bool woken = error == asio::error::operation_aborted;
    if (!woken && plan.interim && std::chrono::steady_clock::now() < wait_ends_ && !co_await exchange_.keep_waiting())
      client_gone_ = true;
  }
  wake_ = nullptr;
  exchange_.unwatch();
  grow_back();
  waited_ += std::chrono::steady_clock::now() - began;
  co_return event;
}

asio::awaitable<Call::Events> Call::wait_for_claim() {
  if (std::chrono::steady_clock::now() + kClaimAgain >= wait_ends_) co_return operation::WaitEnded{};
  asio::steady_timer timer(executor_, kClaimAgain);
  wake_ = [&timer] { timer.cancel(); };
  (void)co_await timer.async_wait(kTuple);
  wake_ = nullptr;
  co_return operation::ClaimDue{};
}

Call::Events Call::evaluate_again() {
  const configuration::SnapshotPtr current = services_.configuration.current();
  if (system_now() >= session_->expires_at)
    return operation::Forbidden{
        {"denied", Code::expired, "the session ended while the call waited; log in and run it again"}};
  if (current != snapshot_) {
    const config::RoleSettings* role = current->document.role(session_->role_arn);
    const config::Target* target = role == nullptr ? nullptr : current->document.target(role->target);
    if (target == nullptr || target->name != target_->name)
      return operation::Revoked{"the role or its target is not configured any more"};
    if (auto region = check_region(*target, signature_.region); !region)
      return operation::Revoked{region.error().context};
    if (region_copy_) {
      if (auto region = check_region(*target, region_copy_->source_region); !region)
        return operation::Revoked{region.error().context};
    }
    // The old version may be all that names the operation's target: swapped only when everything was found.
    snapshot_ = current;
    role_ = role;
    target_ = target;
  }
  return judge();
}

asio::awaitable<Call::Events> Call::claim_grant() {
  review::ClaimWish wish{actor_.review_id(),   digest_,
                         facts_.principal,     facts_.operation_id,
                         facts_.invocation_id, snapshot_->document.version};
  auto answered = co_await services_.claims.claim(std::move(wish), kClaimTime);
  if (!answered) co_return operation::ClaimFailed{answered.error()};
  co_return std::move(*answered);
}

void Call::settle(const std::string& state) {
  services_.claims.settle(
      {facts_.operation_id, actor_.review_id(), services_.claims.self(), state, status_, upstream_request_id_});
}

}  // namespace holdpoint::pipeline
