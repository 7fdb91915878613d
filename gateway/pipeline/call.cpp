#include "gateway/pipeline/call.hpp"

#include "bus/telemetry/log.hpp"
#include "gateway/pipeline/judgement.hpp"
#include "gateway/pipeline/masking.hpp"
#include "gateway/pipeline/refusal_answer.hpp"
#include "gateway/policy/engine.hpp"
#include "gateway/record/inspection.hpp"
#include "gateway/review/digest.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using operation::Refusal;

namespace {

const std::shared_ptr<const identity::Session>& nobody() {
  static const auto session = std::make_shared<const identity::Session>();
  return session;
}

}  // namespace

Call::Call(Services& services, http::Exchange& exchange)
    : services_(services),
      exchange_(exchange),
      snapshot_(services.configuration.current()),
      place_(services.running.insert(services.running.end(), this)),
      session_(nobody()),
      executor_(services.executor) {
  services_.calls.fetch_add(1, std::memory_order_relaxed);
}

Call::~Call() {
  services_.running.erase(place_);
  services_.calls.fetch_sub(1, std::memory_order_relaxed);
}

asio::awaitable<void> Call::run() {
  if (Events first = co_await admit()) co_await drive(std::move(*first));
}

/// Up to policy's answer; nothing when the call was answered already. Apart from run(), whose frame lasts as long as
/// the call.
asio::awaitable<Call::Events> Call::admit() {
  note_facts();
  if (!snapshot_) {
    Refusal refusal{"unavailable", Code::unavailable, "this gateway has no configuration yet"};
    co_await refuse(std::move(refusal), false);
    co_return std::nullopt;
  }
  if (auto refusal = open_checked()) {
    co_await refuse(std::move(*refusal), true);
    co_return std::nullopt;
  }
  // By the scope that was verified, presigned or not: nothing signed for sts may take the way to a target.
  if (signature_.service == "sts") {
    co_await run_sts();
    co_return std::nullopt;
  }
  if (auto refusal = co_await intake()) {
    co_await refuse(std::move(*refusal), true);
    co_return std::nullopt;
  }
  operation::Event first = judge();
  if (auto inspected = co_await inspect_for(first); !inspected)
    first = operation::Forbidden{
        {"unavailable", inspected.error().code,
         "answers of this call, or what reviewers see of it, must be masked, and the masker does not answer: " +
             inspected.error().context}};
  co_return first;
}

/// Parameters go into the record, and before reviewers, only as the masker leaves them. Without an obligation to mask
/// there is no way over the bus for each call: the record holds their shape (record/shape.hpp). Fails when the call may
/// not go on uninspected: an answer that could not be masked would be withheld after the call had run.
asio::awaitable<Result<void>> Call::inspect_for(const operation::Event& first) {
  const bool held = std::holds_alternative<operation::Held>(first);
  const bool permitted = std::holds_alternative<operation::Permitted>(first);
  if (held || (permitted && must_mask())) co_return co_await inspect(kMaskTime);
  const bool forbidden = std::holds_alternative<operation::Forbidden>(first);
  if (permitted ? record::has_unplain_text(facts_) : forbidden && must_mask()) (void)co_await inspect(kLookTime);
  co_return Result<void>();
}

asio::awaitable<void> Call::run_refused(Refusal refusal) {
  note_facts();
  exchange_.close_after();
  co_await refuse(std::move(refusal), true);
}

std::string Call::why_revoked(const configuration::Snapshot& snapshot) const {
  const config::RoleSettings* role = snapshot.document.role(session_->role_arn);
  if (role == nullptr) return "the role is not configured any more";
  if (role_ != nullptr && role->target != role_->target) return "the role has another target now";
  return snapshot.revoked(*session_, role->target);
}

void Call::configuration_changed(const configuration::Snapshot& snapshot) {
  if (session_->id.empty() || !revoked_.empty()) return;
  revoked_ = why_revoked(snapshot);
  if (revoked_.empty()) return;
  if (wake_) wake_();
  // A stream ends at once, even while its next bytes are waited for.
  if (actor_.state() == operation::State::streaming) exchange_.cut();
}

Result<policy::Decision> Call::decide_on(const aws::Operation& operation) const {
  std::optional<policy::Policy> own;
  if (!session_->policy.empty()) {
    auto compiled = services_.session_policies.get(session_->policy);
    if (!compiled) return compiled.error();
    own = std::move(*compiled);
  }
  return decide(*snapshot_, *session_, own ? &*own : nullptr, operation, *role_, *target_, facts_, system_now());
}

/// Policy's word by the configuration that this call holds.
operation::Event Call::judge() {
  if (!services_.configuration.lease_held()) return operation::LeaseLost{};
  if (const std::string why = why_revoked(*snapshot_); !why.empty()) return operation::Revoked{why};
  auto decision = decide_on(operation_);
  if (!decision) return operation::Forbidden{{"denied", decision.error().code, decision.error().context}};
  decision_ = std::move(*decision);
  switch (decision_.effect) {
    case policy::Effect::allow:
      break;
    case policy::Effect::hold:
      break;
    case policy::Effect::deny:
    case policy::Effect::implicit_deny:
      return operation::Forbidden{{"denied", Code::denied, decision_.reason}};
  }
  if (must_mask() && asks_for_part(exchange_.request().head, operation_))
    return operation::Forbidden{
        {"denied", Code::unsupported,
         "a part of an object cannot be masked by itself; ask for the whole (no range, no part number, no query), or "
         "let the policy's statement say \"Mask\": [\"off\"]"}};
  if (must_mask() && operation_.parameters.contains("ResponseContentEncoding"))
    return operation::Forbidden{{"denied", Code::unsupported,
                                 "response-content-encoding would hide from the masker how the object is packed; leave "
                                 "it out, or let the policy's statement say \"Mask\": [\"off\"]"}};
  if (decision_.effect == policy::Effect::allow) return operation::Permitted{};
  return operation::Held{!digest_.empty() && is_stricter(decision_.review, reviewed_terms_)};
}

/// What happened outside since the last step, told to the machine before the step's own result.
operation::Commands Call::interruptions() {
  if (!revoked_.empty() && !revoked_told_) {
    revoked_told_ = true;
    if (auto commands = actor_.on_event(operation::Revoked{revoked_}); !commands.empty()) return commands;
  }
  if (client_gone_ && !client_gone_told_) {
    client_gone_told_ = true;
    if (auto commands = actor_.on_event(operation::ClientGone{}); !commands.empty()) return commands;
  }
  if (!services_.configuration.lease_held()) return actor_.on_event(operation::LeaseLost{});
  return {};
}

asio::awaitable<void> Call::drive(operation::Event first) {
  operation::Commands commands = interruptions();
  if (commands.empty()) commands = actor_.on_event(first);
  while (!commands.empty()) {
    Events next;
    for (const operation::Command& command : commands) {
      if (Events event = co_await carry_out(command)) next = std::move(event);
    }
    if (!next) break;
    commands = interruptions();
    if (commands.empty()) commands = actor_.on_event(*next);
  }
  HOLDPOINT_INVARIANT(actor_.state() == operation::State::closed);
}

/// No coroutine: each parked call would keep its frame, with room for the locals of every branch.
asio::awaitable<Call::Events> Call::carry_out(const operation::Command& command) {
  if (std::holds_alternative<operation::RecordIntent>(command)) return record_intent();
  if (std::holds_alternative<operation::SendUpstream>(command)) return send_upstream();
  if (std::holds_alternative<operation::Mask>(command)) return mask_answer();
  if (const auto* record = std::get_if<operation::RecordOutcome>(&command)) return record_outcome(*record);
  if (std::holds_alternative<operation::Reply>(command)) return reply();
  if (std::holds_alternative<operation::RecordHead>(command)) return record_head();
  if (std::holds_alternative<operation::StreamBody>(command)) return stream_body();
  if (std::holds_alternative<operation::ReleaseTail>(command)) return release_tail();
  if (std::holds_alternative<operation::AskReview>(command)) return ask_review();
  if (std::holds_alternative<operation::WaitForDecision>(command)) return wait_for_decision();
  if (std::holds_alternative<operation::WaitForClaim>(command)) return wait_for_claim();
  if (std::holds_alternative<operation::ClaimGrant>(command)) return claim_grant();
  if (const auto* refusal = std::get_if<operation::Refuse>(&command)) return answer_refusal(*refusal);
  if (const auto* abandon = std::get_if<operation::Abandon>(&command)) return give_up(*abandon);
  return carry_out_at_once(command);
}

asio::awaitable<Call::Events> Call::carry_out_at_once(const operation::Command& command) {
  if (std::holds_alternative<operation::EvaluateAgain>(command)) co_return evaluate_again();
  if (const auto* each = std::get_if<operation::SettleGrant>(&command)) settle(each->state);
  if (std::holds_alternative<operation::CutStream>(command)) exchange_.cut();
  co_return std::nullopt;
}

asio::awaitable<Call::Events> Call::answer_refusal(operation::Refuse command) {
  co_await refuse(std::move(command.refusal), command.record);
  co_return std::nullopt;
}

asio::awaitable<Call::Events> Call::give_up(operation::Abandon command) {
  if (!intended_) {  // nothing in the record says yet how this ended
    const Refusal refusal{"expired", Code::timed_out, command.reason};
    auto data = record::refused_data(facts_, refusal, judgement(), 0);
    (void)co_await services_.record.record(record::type::kOperationRefused, facts_.operation_id, std::move(data));
  }
  exchange_.close_after();
  co_return std::nullopt;
}

asio::awaitable<void> Call::refuse(Refusal refusal, bool record) {
  const bool classified = !operation_.operation.empty();
  const aws::HttpHead& head = exchange_.request().head;
  const std::string service = signature_.service.empty() ? aws::claimed_service(head) : signature_.service;
  aws::ErrorAnswer answer =
      refusal_answer({head, classified ? &operation_ : nullptr, service, refusal_kind_, facts_.operation_id}, refusal);
  if (record && !left_out_) {
    auto data = record::refused_data(facts_, refusal, judgement(), answer.status);
    if (left_out_before_ > 0) data.number("left_out_before", left_out_before_);
    Result<void> recorded;
    if (!verified_) {  // who knows a session's key id and token only is a stranger too
      recorded =
          co_await record_stranger(services_, record::type::kOperationRefused, facts_.operation_id, std::move(data));
    } else {
      auto position =
          co_await services_.record.record(record::type::kOperationRefused, facts_.operation_id, std::move(data));
      if (!position) recorded = position.error();
    }
    if (!recorded) telemetry::log_error("a refusal could not be recorded", {{"why", recorded.error().context}});
  }
  (void)co_await exchange_.reply(answer.status, std::move(answer.headers), answer.body);
}

}  // namespace holdpoint::pipeline
