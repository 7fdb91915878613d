// The part of a simulated gateway that reaches the target: both gates, masking, the answer.
#include "tests/sim/operation_gateway.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kUpstreamPatience = 1500ms;
constexpr Duration kMaskPatience = 2s;
constexpr double kStreamBreaks = 0.05;
constexpr double kMachineLost = 0.05;

}  // namespace

// ---- gate 1 -------------------------------------------------------------------------------------------------------

void GatewayNode::on(const std::string& id, Call& call, const operation::RecordIntent&) {
  record::IntentFacts intent;
  intent.decision = call.actor.claimed() ? "granted" : "allowed";
  intent.review_id = call.actor.review_id();
  const bool gate_off = stage_->mutated(kIntentGateOff);
  record(record::type::kOperationIntended, id, record::intended_data(call.facts, {"policy", "statement"}, intent),
         [this, id, gate_off](const Result<void>& recorded) {
           if (gate_off) return;
           if (recorded) return tell(id, operation::IntentRecorded{});
           world().saw("intent could not be recorded");
           tell(id, operation::IntentFailed{recorded.error()});
         });
  if (gate_off) tell_later(id, operation::IntentRecorded{});
}

void GatewayNode::on(const std::string& id, Call& call, const operation::SendUpstream&) {
  call.place = {};
  if (!world().alive("target")) {
    world().saw("target could not be reached");
    return tell_later(id, operation::SendFailed{{Code::unavailable, "connection refused"}, false});
  }
  call.transmission = to_text(world().ids().next(now()));
  transmissions_[call.transmission] = id;
  world().send(life().address(), "target",
               to_plain({{"transmission", call.transmission},
                         {"operation_id", id},
                         {"principal", call.facts.principal},
                         {"kind", call.kind->name},
                         {"item", call.item}}));
  if (call.actor.claimed() && now() < stage_->calm_from && world().random().chance(kMachineLost))
    return after(Duration(0), [this, id] { lose_machine(id); });
  after(kUpstreamPatience, [this, id] {
    const auto found = calls_.find(id);
    if (found == calls_.end() || found->second->response_begun) return;
    world().saw("outcome unknown");
    found->second->response_begun = true;  // what still comes is too late
    tell(id, operation::SendFailed{{Code::timed_out, "no answer"}, true});
  });
}

/// What the journal holds of this send is gone: another machine starts on an older copy of it, or on none.
void GatewayNode::lose_machine(const std::string& operation_id) {
  const auto copy = stage_->journals.copies.find(life().name);
  const bool older = copy != stage_->journals.copies.end() && world().random().chance(0.6);
  stage_->journals.next_start[life().name] = older ? copy->second : JournalDisks::Copy();
  world().trace(life().name + " dies on the send of " + operation_id);
  world().saw(older ? "a gateway died on a send, and found an older journal"
                    : "a gateway died on a send, and found no journal");
  die();
}

void GatewayNode::on_target(const Json& message) {
  const auto sent = transmissions_.find(string_or(message, "transmission"));
  const auto found = sent == transmissions_.end() ? calls_.end() : calls_.find(sent->second);
  if (found == calls_.end() || std::exchange(found->second->response_begun, true)) return;
  Call& call = *found->second;
  call.status = 200;
  call.body = string_or(message, "body");
  const std::string id = found->first;
  tell(id, operation::UpstreamAnswered{call.status, call.kind->streamed, call.kind->masked});
}

// ---- masking and streams ------------------------------------------------------------------------------------------

void GatewayNode::on(const std::string& id, Call& call, const operation::Mask&) {
  wire::Message question{"MaskRequested",
                         {{"content_type", "application/json"},
                          {"service", "dynamodb"},
                          {"operation", call.kind->name},
                          {"protocol", "json-1.0"},
                          {"direction", "answer"},
                          {"length_preserving", false}},
                         {call.body}};
  request("masks", std::move(question), kMaskPatience,
          [this, id](const Result<wire::Message>& answer) { masked(id, answer); });
}

void GatewayNode::masked(const std::string& id, const Result<wire::Message>& answer) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  if (stage_->mutated(kMaskingOff) && !answer) return tell(id, operation::Masked{});
  if (!answer || answer->body.contains("blocked") || answer->attachments.size() != 1) {
    world().saw("answer withheld: it could not be masked");
    return tell(id, operation::MaskFailed{answer ? Error{Code::denied, "blocked"} : answer.error()});
  }
  found->second->body = answer->attachments.front();
  tell(id, operation::Masked{});
}

void GatewayNode::on(const std::string& id, Call& call, const operation::RecordHead&) {
  record(record::type::kOperationAnswered, id, record::answered_data(call.facts, call.status, ""),
         [this, id](const Result<void>& recorded) {
           if (recorded) return tell(id, operation::HeadRecorded{});
           tell(id, operation::HeadFailed{recorded.error()});
         });
}

void GatewayNode::on(const std::string& id, Call& call, const operation::StreamBody&) {
  to_client(call, {{"type", "head"}, {"body", call.body}});
  after(world().random().between(1ms, 300ms), [this, id] {
    const bool breaks = now() < stage_->calm_from && world().random().chance(kStreamBreaks);
    if (world().alive("target") && !breaks) return tell(id, operation::BodyEnded{});
    world().saw("stream broke off");
    tell(id, operation::BodyFailed{{Code::unavailable, "the target is gone"}});
  });
}

// ---- gate 2, and the answer ---------------------------------------------------------------------------------------

void GatewayNode::on(const std::string& id, Call& call, const operation::RecordOutcome& what) {
  record::OutcomeFacts outcome;
  outcome.outcome = what.outcome;
  outcome.status = call.status;
  outcome.blocked = what.blocked;
  const bool gate_off = stage_->mutated(kOutcomeGateOff);
  record(record::type::kOperationCompleted, id, record::completed_data(call.facts, outcome),
         [this, id, gate_off](const Result<void>& recorded) {
           if (gate_off) return;
           if (recorded) return tell(id, operation::OutcomeRecorded{});
           world().saw("outcome could not be recorded");
           after(200ms, [this, id] { complete(id, [] {}); });
           tell(id, operation::OutcomeFailed{recorded.error()});
         });
  if (gate_off) tell_later(id, operation::OutcomeRecorded{});
}

void GatewayNode::on(const std::string& id, Call& call, const operation::Reply&) {
  to_client(call, {{"type", "answer"}, {"body", call.body}});
  finish(id);
}

void GatewayNode::on(const std::string& id, Call& call, const operation::ReleaseTail&) {
  to_client(call, {{"type", "tail"}, {"body", "the end"}});
  finish(id);
}

void GatewayNode::on(const std::string& id, Call& call, const operation::CutStream&) {
  world().saw("stream was cut");
  to_client(call, {{"type", "cut"}});
  finish(id);
}

void GatewayNode::on(const std::string& id, Call& call, const operation::Refuse& refuse) {
  world().saw("refused: " + refuse.refusal.decision + ", " + std::string(name(refuse.refusal.code)));
  call.place = {};
  const auto reply = [this, id, code = refuse.refusal.code] {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    to_client(*found->second, {{"type", "refused"}, {"code", name(code)}});
    finish(id);
  };
  if (!refuse.record) return after(Duration(0), reply);
  record(record::type::kOperationRefused, id, record::refused_data(call.facts, refuse.refusal, {"policy", ""}, 400),
         [reply](const Result<void>&) { reply(); });
}

void GatewayNode::on(const std::string& id, Call& call, const operation::Abandon& abandon) {
  if (!call.actor.claimed()) {
    const operation::Refusal refusal{"expired", Code::timed_out, abandon.reason};
    record(record::type::kOperationRefused, id, record::refused_data(call.facts, refusal, {"policy", ""}, 0), {});
  }
  after(Duration(0), [this, id] { finish(id); });
}

}  // namespace holdpoint::sim
