#include "gateway/operation/operation_actor.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace holdpoint::operation {
namespace {

std::string text(const Command& command) {
  struct Name {
    std::string operator()(const AskReview&) { return "AskReview"; }
    std::string operator()(const WaitForDecision&) { return "WaitForDecision"; }
    std::string operator()(const EvaluateAgain&) { return "EvaluateAgain"; }
    std::string operator()(const ClaimGrant&) { return "ClaimGrant"; }
    std::string operator()(const WaitForClaim&) { return "WaitForClaim"; }
    std::string operator()(const SettleGrant& settle) { return "Settle:" + settle.state; }
    std::string operator()(const RecordIntent&) { return "RecordIntent"; }
    std::string operator()(const SendUpstream&) { return "SendUpstream"; }
    std::string operator()(const RecordHead&) { return "RecordHead"; }
    std::string operator()(const StreamBody&) { return "StreamBody"; }
    std::string operator()(const Mask&) { return "Mask"; }
    std::string operator()(const RecordOutcome& record) {
      return "RecordOutcome:" + record.outcome + (record.blocked.empty() ? "" : ":blocked");
    }
    std::string operator()(const Reply&) { return "Reply"; }
    std::string operator()(const ReleaseTail&) { return "ReleaseTail"; }
    std::string operator()(const CutStream&) { return "CutStream"; }
    std::string operator()(const Refuse& refuse) {
      return "Refuse:" + std::string(holdpoint::name(refuse.refusal.code)) + (refuse.record ? "" : ":unrecorded");
    }
    std::string operator()(const Abandon&) { return "Abandon"; }
  };
  return std::visit(Name{}, command);
}

std::string text(const Commands& commands) {
  std::string all;
  for (const Command& command : commands) all += (all.empty() ? "" : " ") + text(command);
  return all;
}

const Error kDown{Code::unavailable, "down"};

/// Every event, by name; variants of one type where the answer differs.
const std::map<std::string, Event>& events() {
  static const std::map<std::string, Event> all{
      {"Permitted", Permitted{}},
      {"Held", Held{false}},
      {"HeldStricter", Held{true}},
      {"Forbidden", Forbidden{{"denied", Code::denied, "no"}}},
      {"Opened", ReviewOpened{"r1", {}}},
      {"OpenedApproved", ReviewOpened{"r1", Decided{Verdict::approved, ""}}},
      {"OpenedRejected", ReviewOpened{"r1", Decided{Verdict::rejected, "not today"}}},
      {"ReviewFailed", ReviewFailed{kDown}},
      {"Approved", Decided{Verdict::approved, ""}},
      {"Rejected", Decided{Verdict::rejected, "not today"}},
      {"Expired", Decided{Verdict::expired, ""}},
      {"Closed", Decided{Verdict::closed, ""}},
      {"Claimed", ClaimAnswered{Claim::claimed, {}}},
      {"ClaimInUse", ClaimAnswered{Claim::in_use, {}}},
      {"ClaimSettled", ClaimAnswered{Claim::settled, RecordedOutcome{"done", 200, "req"}}},
      {"ClaimSettledUnknown", ClaimAnswered{Claim::settled, {}}},
      {"ClaimClosed", ClaimAnswered{Claim::closed, {}}},
      {"ClaimFailed", ClaimFailed{kDown}},
      {"ClaimDue", ClaimDue{}},
      {"IntentRecorded", IntentRecorded{}},
      {"IntentFailed", IntentFailed{{Code::not_durable, "disk full"}}},
      {"SendFailedBefore", SendFailed{kDown, false}},
      {"SendFailedAfter", SendFailed{kDown, true}},
      {"SendCutOff", SendFailed{{Code::tampered, "another body"}, true, true}},
      {"Answered", UpstreamAnswered{200, false, false}},
      {"AnsweredError", UpstreamAnswered{400, false, false}},
      {"AnsweredToMask", UpstreamAnswered{200, false, true}},
      {"AnsweredStreamed", UpstreamAnswered{200, true, false}},
      {"HeadRecorded", HeadRecorded{}},
      {"HeadFailed", HeadFailed{{Code::not_durable, "disk full"}}},
      {"BodyEnded", BodyEnded{}},
      {"BodyFailed", BodyFailed{kDown}},
      {"Masked", Masked{}},
      {"MaskFailed", MaskFailed{kDown}},
      {"OutcomeRecorded", OutcomeRecorded{}},
      {"OutcomeFailed", OutcomeFailed{{Code::not_durable, "disk full"}}},
      {"WaitEnded", WaitEnded{}},
      {"ClientGone", ClientGone{}},
      {"Revoked", Revoked{"principal"}},
      {"LeaseLost", LeaseLost{}},
  };
  return all;
}

OperationActor after(const std::vector<std::string>& script) {
  OperationActor actor;
  for (const std::string& each : script) (void)actor.on_event(events().at(each));
  return actor;
}

struct Row {
  std::string title;
  std::vector<std::string> script;
  State state;
  std::map<std::string, std::string> answers;  ///< every event that is not here changes nothing
};

const std::vector<std::string> kClaimed{"Held", "Opened", "Approved", "Permitted", "Claimed"};
std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Row> rows() {
  const std::map<std::string, std::string> kVerdicts{{"Approved", "EvaluateAgain"},
                                                     {"Rejected", "Refuse:rejected"},
                                                     {"Expired", "Refuse:expired"},
                                                     {"Closed", "Refuse:review_closed"}};
  std::map<std::string, std::string> parked = kVerdicts;
  parked.insert({{"WaitEnded", "Refuse:timed_out"}, {"ClientGone", "Abandon"}, {"Revoked", "Refuse:revoked"}});
  const std::map<std::string, std::string> sending{{"SendFailedBefore", "RecordOutcome:failed:blocked"},
                                                   {"SendFailedAfter", "RecordOutcome:unknown:blocked"},
                                                   {"SendCutOff", "RecordOutcome:failed:blocked"},
                                                   {"Answered", "RecordOutcome:done"},
                                                   {"AnsweredError", "RecordOutcome:failed"},
                                                   {"AnsweredToMask", "Mask"},
                                                   {"AnsweredStreamed", "RecordHead"}};
  return {
      {"received",
       {},
       State::received,
       {{"Permitted", "RecordIntent"},
        {"Held", "AskReview"},
        {"HeldStricter", "AskReview"},
        {"Forbidden", "Refuse:denied"},
        {"ClientGone", "Abandon"},
        {"Revoked", "Refuse:revoked"},
        {"LeaseLost", "Refuse:stale"}}},
      {"asking",
       {"Held"},
       State::asking,
       {{"Opened", "WaitForDecision"},
        {"OpenedApproved", "EvaluateAgain"},
        {"OpenedRejected", "Refuse:rejected"},
        {"ReviewFailed", "Refuse:unavailable"},
        {"ClientGone", "Abandon"},
        {"Revoked", "Refuse:revoked"},
        {"LeaseLost", "Refuse:stale"}}},
      {"parked, where a lost lease may come back", {"Held", "Opened"}, State::parked, parked},
      {"evaluating",
       {"Held", "Opened", "Approved"},
       State::evaluating,
       {{"Permitted", "ClaimGrant"},
        {"Held", "ClaimGrant"},
        {"HeldStricter", "Refuse:stale"},
        {"Forbidden", "Refuse:denied"},
        {"ClientGone", "Abandon"},
        {"Revoked", "Refuse:revoked"},
        {"LeaseLost", "Refuse:stale"}}},
      {"claiming: whatever ends it releases the claim that may exist",
       {"Held", "Opened", "Approved", "Permitted"},
       State::claiming,
       {{"Claimed", "RecordIntent"},
        {"ClaimInUse", "WaitForClaim"},
        {"ClaimSettled", "Refuse:conflict"},
        {"ClaimSettledUnknown", "Refuse:outcome_unknown"},
        {"ClaimClosed", "Refuse:review_closed"},
        {"ClaimFailed", "Settle:released Refuse:unavailable"},
        {"WaitEnded", "Settle:released Refuse:timed_out"},
        {"ClientGone", "Settle:released Abandon"},
        {"Revoked", "Settle:released Refuse:revoked"},
        {"LeaseLost", "Settle:released Refuse:stale"}}},
      {"claim_wait: a retry never sends a second time",
       {"Held", "Opened", "Approved", "Permitted", "ClaimInUse"},
       State::claim_wait,
       {{"ClaimDue", "ClaimGrant"},
        {"WaitEnded", "Refuse:outcome_unknown"},
        {"ClientGone", "Abandon"},
        {"Revoked", "Refuse:revoked"}}},
      {"intending without a review",
       {"Permitted"},
       State::intending,
       {{"IntentRecorded", "SendUpstream"}, {"IntentFailed", "Refuse:not_durable"}}},
      {"intending under a grant",
       kClaimed,
       State::intending,
       {{"IntentRecorded", "SendUpstream"}, {"IntentFailed", "Settle:released Refuse:not_durable"}}},
      {"intending after a revocation: nothing is sent",
       kClaimed + std::vector<std::string>{"Revoked"},
       State::intending,
       {{"IntentRecorded", "RecordOutcome:failed:blocked"}, {"IntentFailed", "Settle:released Refuse:not_durable"}}},
      {"intending after the lease was lost: nothing is sent",
       {"Permitted", "LeaseLost"},
       State::intending,
       {{"IntentRecorded", "RecordOutcome:failed:blocked"}, {"IntentFailed", "Refuse:not_durable"}}},
      {"intending after the client went: nothing is sent",
       {"Permitted", "ClientGone"},
       State::intending,
       {{"IntentRecorded", "RecordOutcome:failed:blocked"}, {"IntentFailed", "Abandon"}}},
      {"sending", {"Permitted", "IntentRecorded"}, State::sending, sending},
      {"sending after a revocation withholds the answer",
       {"Permitted", "IntentRecorded", "Revoked"},
       State::sending,
       {{"SendFailedBefore", "RecordOutcome:failed:blocked"},
        {"SendCutOff", "RecordOutcome:failed:blocked"},
        {"SendFailedAfter", "RecordOutcome:unknown:blocked"},
        {"Answered", "RecordOutcome:done:blocked"},
        {"AnsweredError", "RecordOutcome:failed:blocked"},
        {"AnsweredToMask", "RecordOutcome:done:blocked"},
        {"AnsweredStreamed", "RecordOutcome:done:blocked"}}},
      {"head",
       {"Permitted", "IntentRecorded", "AnsweredStreamed"},
       State::head,
       {{"HeadRecorded", "StreamBody"}, {"HeadFailed", "RecordOutcome:done:blocked"}}},
      {"streaming",
       {"Permitted", "IntentRecorded", "AnsweredStreamed", "HeadRecorded"},
       State::streaming,
       {{"BodyEnded", "RecordOutcome:done"},
        {"BodyFailed", "RecordOutcome:done:blocked"},
        {"Revoked", "RecordOutcome:done:blocked"}}},
      {"masking",
       {"Permitted", "IntentRecorded", "AnsweredToMask"},
       State::masking,
       {{"Masked", "RecordOutcome:done"}, {"MaskFailed", "RecordOutcome:done:blocked"}}},
      {"outcome of a plain answer",
       {"Permitted", "IntentRecorded", "Answered"},
       State::outcome,
       {{"OutcomeRecorded", "Reply"}, {"OutcomeFailed", "Refuse:outcome_unknown:unrecorded"}}},
      {"outcome under a grant settles it",
       kClaimed + std::vector<std::string>{"IntentRecorded", "Answered"},
       State::outcome,
       {{"OutcomeRecorded", "Settle:done Reply"}, {"OutcomeFailed", "Settle:done Refuse:outcome_unknown:unrecorded"}}},
      {"outcome of an unknown send under a grant",
       kClaimed + std::vector<std::string>{"IntentRecorded", "SendFailedAfter"},
       State::outcome,
       {{"OutcomeRecorded", "Settle:unknown Refuse:outcome_unknown:unrecorded"},
        {"OutcomeFailed", "Settle:unknown Refuse:outcome_unknown:unrecorded"}}},
      {"outcome of an answer that could not be masked",
       {"Permitted", "IntentRecorded", "AnsweredToMask", "MaskFailed"},
       State::outcome,
       {{"OutcomeRecorded", "Refuse:outcome_unknown:unrecorded"},
        {"OutcomeFailed", "Refuse:outcome_unknown:unrecorded"}}},
      {"outcome of a stream keeps its tail until recorded",
       {"Permitted", "IntentRecorded", "AnsweredStreamed", "HeadRecorded", "BodyEnded"},
       State::outcome,
       {{"OutcomeRecorded", "ReleaseTail"}, {"OutcomeFailed", "CutStream"}}},
      {"outcome of a revoked stream",
       {"Permitted", "IntentRecorded", "AnsweredStreamed", "HeadRecorded", "Revoked"},
       State::outcome,
       {{"OutcomeRecorded", "CutStream"}, {"OutcomeFailed", "CutStream"}}},
      {"outcome after the client went",
       {"Permitted", "IntentRecorded", "ClientGone", "Answered"},
       State::outcome,
       {{"OutcomeRecorded", "Abandon"}, {"OutcomeFailed", "Abandon"}}},
      {"outcome revoked while it is recorded",
       {"Permitted", "IntentRecorded", "Answered", "Revoked"},
       State::outcome,
       {{"OutcomeRecorded", "Refuse:revoked:unrecorded"}, {"OutcomeFailed", "Refuse:outcome_unknown:unrecorded"}}},
      {"closed", {"Forbidden"}, State::closed, {}},
      {"closed after a reply", {"Permitted", "IntentRecorded", "Answered", "OutcomeRecorded"}, State::closed, {}},
  };
}

TEST(OperationActor, answers_every_event_in_every_state) {
  for (const Row& row : rows()) {
    ASSERT_EQ(name(after(row.script).state()), name(row.state)) << row.title;
    for (const auto& [event_name, event] : events()) {
      OperationActor actor = after(row.script);
      const auto expected = row.answers.find(event_name);
      EXPECT_EQ(text(actor.on_event(event)), expected == row.answers.end() ? "" : expected->second)
          << row.title << " <- " << event_name;
    }
  }
}

/// Both gates over every conversation of up to eight events: no send without a recorded intent, no reply without a
/// recorded outcome, one send at most, and none under a hold without a claim.
class Gates {
 public:
  void walk(const OperationActor& actor, unsigned depth, bool intent, bool outcome, bool held, unsigned sends) {
    if (depth == 0 || actor.state() == State::closed) return;
    for (const auto& [event_name, event] : events()) {
      OperationActor next = actor;
      const State before = next.state();
      const Commands commands = next.on_event(event);
      const bool remembered = event_name == "ClientGone" || event_name == "Revoked" || event_name == "LeaseLost";
      if (commands.empty() && next.state() == before && !remembered) continue;
      const bool now_intent = intent || event_name == "IntentRecorded";
      const bool now_outcome = outcome || event_name == "OutcomeRecorded";
      const bool now_held = held || (before == State::received && event_name.starts_with("Held"));
      unsigned now_sends = sends;
      for (const Command& command : commands) {
        if (std::holds_alternative<SendUpstream>(command)) {
          ++now_sends;
          EXPECT_TRUE(now_intent);
          EXPECT_TRUE(!now_held || next.claimed());
        }
        if (std::holds_alternative<Reply>(command) || std::holds_alternative<ReleaseTail>(command)) {
          EXPECT_TRUE(now_outcome);
        }
      }
      ASSERT_LE(now_sends, 1u);
      ++steps_;
      walk(next, depth - 1, now_intent, now_outcome, now_held, now_sends);
    }
  }
  std::size_t steps_ = 0;
};

TEST(OperationActor, passes_both_gates_in_every_conversation) {
  Gates gates;
  gates.walk(OperationActor{}, 9, false, false, false, 0);
  EXPECT_GT(gates.steps_, 1000u);
}

TEST(OperationActor, tells_the_agent_why_it_was_rejected) {
  OperationActor actor = after({"Held", "Opened"});
  const Commands commands = actor.on_event(events().at("Rejected"));
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_NE(std::get<Refuse>(commands[0]).refusal.reason.find("not today"), std::string::npos);
}

TEST(OperationActor, names_the_review_when_the_client_stops_waiting) {
  OperationActor actor = after({"Held", "Opened"});
  const Commands commands = actor.on_event(WaitEnded{});
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_NE(std::get<Refuse>(commands[0]).refusal.reason.find("r1"), std::string::npos);
}

}  // namespace
}  // namespace holdpoint::operation
