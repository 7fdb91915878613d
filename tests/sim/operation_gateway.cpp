#include "tests/sim/operation_gateway.hpp"

#include "gateway/review/decision.hpp"
#include "gateway/review/digest.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWaitBound = 4s;
constexpr Duration kAskPatience = 3s;
constexpr Duration kPollEvery = 1s;
constexpr double kStricterPolicy = 0.03;
constexpr double kForbiddenMeanwhile = 0.02;
constexpr double kCopied = 0.3;
constexpr Duration kLookAgain = 2s;
const std::string kRole = "arn:aws:iam::1:role/agent";

aws::Operation understood(const Kind& kind, const std::string& item) {
  aws::Operation operation;
  operation.service = "dynamodb";
  operation.operation = kind.name;
  operation.region = "eu-central-1";
  operation.requirements.push_back({"dynamodb:" + kind.name, "table/" + item, {}});
  operation.parameters = {{"item", item}};
  return operation;
}

}  // namespace

std::unique_ptr<Node> make_gateway(const Life& life, StagePtr stage) {
  return std::make_unique<GatewayNode>(life, std::move(stage));
}

void GatewayNode::run() {
  open_journal();
  if (dead()) return;
  subscribe("review.decided", [this](const wire::Envelope& decided) { board_.tell(decided.message.body); });
  journal::OpenOperations operations;
  for (std::size_t i = 0; i < entries().size(); ++i) operations.take(entries()[i], i + 1);
  operations.restored();
  complete_all(operations.abandoned());
  poll_reviews();
  disturb();
}

// ---- edges --------------------------------------------------------------------------------------------------------

void GatewayNode::on_frames(const std::string& from, wire::Frames frames) {
  if (from.starts_with("agent")) return on_client(from, from_plain(frames));
  if (from.starts_with("target")) return on_target(from_plain(frames));
  JournalNode::on_frames(from, std::move(frames));
}

void GatewayNode::on_client(const std::string& from, const Json& message) {
  const std::string attempt = string_or(message, "attempt");
  if (string_or(message, "type") == "call") {
    if (attempts_.insert(attempt).second) begin(from, message);
    return;
  }
  for (auto& [id, call] : calls_) {
    if (call->attempt != attempt) continue;
    call->client_gone = true;
    return interrupt(id);
  }
}

void GatewayNode::begin(const std::string& client, const Json& message) {
  auto call = std::make_unique<Call>();
  call->client = client;
  call->attempt = string_or(message, "attempt");
  call->kind = &kind_named(string_or(message, "kind"));
  call->item = string_or(message, "item");
  record::describe(call->facts, understood(*call->kind, call->item));
  const std::string id = to_text(world().ids().next(now()));
  call->facts.operation_id = id;
  call->facts.principal = string_or(message, "principal");
  call->facts.invocation_id = string_or(message, "invocation");
  const operation::Event first = judge(*call, false);
  calls_.emplace(id, std::move(call));
  tell(id, first);
}

operation::Event GatewayNode::judge(const Call& call, bool again) {
  if (!connected()) return operation::LeaseLost{};
  if (!call.kind->allowed || (again && world().random().chance(kForbiddenMeanwhile))) {
    return operation::Forbidden{{"denied", Code::denied, "no statement permits it"}};
  }
  if (call.kind->required == 0) return operation::Permitted{};
  return operation::Held{again && world().random().chance(kStricterPolicy)};
}

void GatewayNode::to_client(const Call& call, Json message) {
  if (call.client_gone || dead()) return;
  message["attempt"] = call.attempt;
  message["operation_id"] = call.facts.operation_id;
  world().send(life().address(), call.client, to_plain(message));
}

void GatewayNode::finish(const std::string& id) { calls_.erase(id); }

// ---- driving ------------------------------------------------------------------------------------------------------

operation::Commands GatewayNode::interruptions(Call& call) {
  if (!call.revoked.empty() && !std::exchange(call.revoked_told, true)) {
    world().saw("revoked while " + std::string(operation::name(call.actor.state())));
    if (auto commands = call.actor.on_event(operation::Revoked{call.revoked}); !commands.empty()) return commands;
  }
  if (call.client_gone && !std::exchange(call.client_gone_told, true)) {
    world().saw("client gone while " + std::string(operation::name(call.actor.state())));
    if (auto commands = call.actor.on_event(operation::ClientGone{}); !commands.empty()) return commands;
  }
  if (!connected()) return call.actor.on_event(operation::LeaseLost{});
  return {};
}

void GatewayNode::tell(const std::string& id, const operation::Event& event) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || dead()) return;
  Call& call = *found->second;
  operation::Commands commands = interruptions(call);
  if (commands.empty()) commands = call.actor.on_event(event);
  for (const operation::Command& command : commands) {
    std::visit([&](const auto& each) { on(id, call, each); }, command);
  }
}

void GatewayNode::tell_later(const std::string& id, operation::Event event) {
  after(Duration(0), [this, id, event = std::move(event)] { tell(id, event); });
}

/// Wakes a call that waits; any other hears of it with its next step.
void GatewayNode::interrupt(const std::string& id) {
  const operation::State state = calls_.at(id)->actor.state();
  if (state == operation::State::parked) tell_later(id, operation::WaitEnded{});
  if (state == operation::State::claim_wait) tell_later(id, operation::ClaimDue{});
}

/// Somebody pulls the kill switch for one call.
void GatewayNode::disturb() {
  after(500ms, [this] { disturb(); });
  if (calls_.empty() || now() >= stage_->calm_from || !world().random().chance(0.05)) return;
  auto victim = calls_.begin();
  std::advance(victim, static_cast<std::ptrdiff_t>(world().random().below(calls_.size())));
  victim->second->revoked = "the kill switch";
  interrupt(victim->first);
}

// ---- the review ---------------------------------------------------------------------------------------------------

void GatewayNode::on(const std::string& id, Call& call, const operation::AskReview&) {
  auto place = parking_.enter(call.facts.principal, {kParkedMax, kParkedPerPrincipalMax});
  if (!place) {
    world().saw("parking was full");
    return tell_later(id, operation::ReviewFailed{place.error()});
  }
  call.place = std::move(*place);
  stage_->checker.bounded("calls parked at " + life().name, parking_.size(), kParkedMax);
  const std::string seen_item = stage_->mutated(kDigestBlind) ? "" : call.item;
  call.digest = review::operation_digest("a key of the gateways", call.facts.principal, kRole, "target",
                                         understood(*call.kind, seen_item), std::nullopt);
  Json question = record::operation_data(call.facts).values();
  question["review_id"] = to_text(world().ids().next(now()));
  question["digest"] = call.digest;
  question["reviewers"] = Json::array({"people"});
  question["required"] = call.kind->required;
  question["within_s"] = 6;
  question["grant"] =
      call.kind->window_s == 0 ? Json{{"kind", "once"}} : Json{{"kind", "for"}, {"for_s", call.kind->window_s}};
  question["policy_version"] = 1;
  wire::Message message{"ReviewRequested",
                        {{"review", question}, {"invocation_id", call.facts.invocation_id}, {"gateway", life().name}},
                        {}};
  request("reviews", std::move(message), kAskPatience,
          [this, id, asked = string_or(question, "review_id")](const Result<wire::Message>& answer) {
            if (answer && string_or(answer->body, "review_id") != asked) world().saw("review joined by a retry");
            opened(id, answer);
          });
}

void GatewayNode::opened(const std::string& id, const Result<wire::Message>& answer) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  if (!answer) return tell(id, operation::ReviewFailed{answer.error()});
  Call& call = *found->second;
  const std::string review_id = string_or(answer->body, "review_id");
  operation::ReviewOpened event{review_id, read_decision(call, review_id, answer->body)};
  call.wait_ends = now() + kWaitBound;
  record(record::type::kOperationParked, id, record::parked_data(call.facts, {"policy", "hold"}, review_id),
         [this, id, event = std::move(event)](const Result<void>& recorded) {
           if (!recorded) return tell(id, operation::ReviewFailed{recorded.error()});
           tell(id, event);
         });
}

std::optional<operation::Decided> GatewayNode::read_decision(const Call& call, const std::string& review_id,
                                                             const Json& status) {
  if (status.contains("decision")) {
    auto decided = review::verify_decision(status["decision"], *stage_->document, {review_id, call.digest}, now());
    if (decided) return std::move(*decided);
    world().saw("decision did not fit");
    return std::nullopt;
  }
  const std::string state = string_or(status, "state");
  if (state == "expired") return operation::Decided{operation::Verdict::expired, {}};
  if (state == "consumed") return operation::Decided{operation::Verdict::closed, {}};
  return std::nullopt;
}

void GatewayNode::on(const std::string& id, Call& call, const operation::WaitForDecision&) {
  if (world().random().chance(kCopied)) stage_->journals.keep_copy(life().name);
  call.waiter = std::make_unique<review::DecisionBoard::Waiter>(
      board_, call.actor.review_id(), [this, id] { after(Duration(0), [this, id] { look(id); }); });
  after(call.wait_ends - now(), [this, id] {
    const auto found = calls_.find(id);
    if (found == calls_.end() || found->second->actor.state() != operation::State::parked) return;
    world().saw("client stopped waiting for people");
    tell(id, operation::WaitEnded{});
  });
}

void GatewayNode::look(const std::string& id) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || !found->second->waiter) return;
  Call& call = *found->second;
  const Json news = call.waiter->take_news();
  if (news.is_null()) return;
  const auto decided = read_decision(call, call.actor.review_id(), news);
  if (!decided) return;
  call.waiter.reset();
  tell(id, *decided);
}

void GatewayNode::poll_reviews() {
  after(kPollEvery, [this] { poll_reviews(); });
  const std::vector<std::string> ids = board_.next_ids();
  if (ids.empty()) return;
  request("reviews", {"ReviewStatusRequested", Json{{"review_ids", ids}}, {}}, kPollEvery,
          [this](const Result<wire::Message>& answer) {
            if (!answer) return;
            for (const Json& status : answer->body["reviews"]) board_.tell(status);
          });
}

void GatewayNode::on(const std::string& id, Call& call, const operation::EvaluateAgain&) {
  tell_later(id, judge(call, true));
}

// ---- the claim ----------------------------------------------------------------------------------------------------

void GatewayNode::on(const std::string& id, Call&, const operation::ClaimGrant&) {
  claims_.push_back(id);
  if (claims_.size() == 1) after(1ms, [this] { send_claims(); });
}

void GatewayNode::send_claims() {
  Json wishes = Json::array();
  std::vector<std::string> ids;
  for (const std::string& id : std::exchange(claims_, {})) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    const Call& call = *found->second;
    wishes.push_back({{"review_id", call.actor.review_id()},
                      {"digest", call.digest},
                      {"principal", call.facts.principal},
                      {"operation_id", id},
                      {"invocation_id", call.facts.invocation_id},
                      {"claimer", {{"gateway", life().name}, {"epoch", boot()}}},
                      {"policy_version", 1}});
    ids.push_back(id);
  }
  if (ids.empty()) return;
  request("reviews", {"GrantClaimRequested", Json{{"claims", std::move(wishes)}}, {}}, kAskPatience,
          [this, ids](const Result<wire::Message>& answer) {
            for (std::size_t i = 0; i < ids.size(); ++i) {
              claimed(ids[i], answer ? Result<Json>(answer->body["claims"][i]) : Result<Json>(answer.error()));
            }
          });
}

void GatewayNode::claimed(const std::string& id, const Result<Json>& entry) {
  using operation::Claim;
  if (!entry) {
    world().saw("claim failed: " + std::string(name(entry.error().code)));
    return tell(id, operation::ClaimFailed{entry.error()});
  }
  const std::string result = string_or(*entry, "result");
  world().saw("claim " + result);
  static const std::map<std::string, Claim> kResults{
      {"claimed", Claim::claimed}, {"in_use", Claim::in_use}, {"settled", Claim::settled}, {"closed", Claim::closed}};
  operation::ClaimAnswered answered{kResults.at(result), {}};
  if (answered.claim == Claim::settled) answered.outcome = {string_or(*entry, "state", "unknown"), 0, {}};
  tell(id, answered);
}

void GatewayNode::on(const std::string& id, Call& call, const operation::WaitForClaim&) {
  if (now() + 1s >= call.wait_ends) return tell_later(id, operation::WaitEnded{});
  after(1s, [this, id] { tell(id, operation::ClaimDue{}); });
}

void GatewayNode::on(const std::string& id, Call& call, const operation::SettleGrant& settlement) {
  world().saw("grant settled as " + settlement.state);
  settle({id, call.actor.review_id(), {life().name, boot()}, settlement.state, call.status, {}});
}

/// Again until it is noted or refused for good.
void GatewayNode::settle(review::Settlement settlement) {
  Json body{{"operation_id", settlement.operation_id},
            {"review_id", settlement.review_id},
            {"claimer", {{"gateway", settlement.claimer.gateway}, {"epoch", settlement.claimer.epoch}}},
            {"state", settlement.state}};
  if (settlement.status != 0) body["outcome"] = {{"status", settlement.status}};
  request("reviews", {"GrantSettled", {{"settlements", Json::array({std::move(body)})}}, {}}, kAskPatience,
          [this, settlement](const Result<wire::Message>& noted) {
            if (noted) return;
            const Code code = noted.error().code;
            if (code != Code::timed_out && code != Code::unavailable && code != Code::overloaded) return;
            after(200ms, [this, settlement] { settle(settlement); });
          });
}

/// Whoever was to say how this ended is gone, or could not.
void GatewayNode::complete(const std::string& id, const std::function<void()>& then) {
  record::OperationFacts facts;
  facts.operation_id = id;
  record::OutcomeFacts outcome;
  outcome.outcome = "unknown";
  record(record::type::kOperationCompleted, id, record::completed_data(facts, outcome),
         [this, id, then](const Result<void>& recorded) {
           if (recorded) return then();
           after(200ms, [this, id, then] { complete(id, then); });
         });
}

/// First, so that the journal answers for each claim below.
void GatewayNode::complete_all(std::vector<journal::OpenOperations::Abandoned> abandoned) {
  if (abandoned.empty()) return recover();
  const std::string id = abandoned.back().operation_id;
  abandoned.pop_back();
  world().saw("after a crash an operation ended as unknown");
  complete(id, [this, abandoned] { complete_all(abandoned); });
}

void GatewayNode::recover() {
  request("reviews", {"ClaimsOfGatewayRequested", Json{{"gateway", life().name}}, {}}, kAskPatience,
          [this](const Result<wire::Message>& reported) {
            if (reported) return recovered(*reported);
            after(1s, [this] { recover(); });
          });
}

void GatewayNode::recovered(const wire::Message& reported) {
  const auto claims = service::held_claims(reported.body, boot());
  std::map<std::string, service::Trace> traces;
  for (const service::HeldClaim& claim : claims) traces[claim.operation_id];
  for (const Bytes& entry : entries()) service::trace_entry(entry, traces);
  for (const service::HeldClaim& claim : claims) {
    const service::Trace& trace = traces[claim.operation_id];
    review::Settlement settlement = service::settlement_of(claim, trace, life().name);
    if (stage_->mutated(kJournalTrusted) && !intended(claim.operation_id)) settlement.state = "released";
    world().saw("after a crash a claim was " + settlement.state);
    settle(settlement);
  }
  after(kLookAgain, [this] { recover(); });
}

bool GatewayNode::intended(const std::string& operation_id) const {
  return std::any_of(entries().begin(), entries().end(), [&](const Bytes& entry) {
    const auto event = record::event_from_json(entry);
    return event && event->type == record::type::kOperationIntended && event->subject == operation_id;
  });
}

}  // namespace holdpoint::sim
