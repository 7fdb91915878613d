#include "gateway/operation/operation_actor.hpp"

#include <utility>

namespace holdpoint::operation {
namespace {

Refusal unavailable(const Error& error, std::string_view what) {
  const bool full = error.code == Code::overloaded;
  return {full ? "overloaded" : "unavailable", error.code, std::string(what) + ": " + error.context};
}

Refusal unknown_outcome(std::string text) { return {"unknown", Code::outcome_unknown, std::move(text)}; }

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::received:
      return "received";
    case State::asking:
      return "asking";
    case State::parked:
      return "parked";
    case State::evaluating:
      return "evaluating";
    case State::claiming:
      return "claiming";
    case State::claim_wait:
      return "claim_wait";
    case State::intending:
      return "intending";
    case State::sending:
      return "sending";
    case State::head:
      return "head";
    case State::streaming:
      return "streaming";
    case State::masking:
      return "masking";
    case State::outcome:
      return "outcome";
    case State::closed:
      return "closed";
  }
  return "?";
}

Commands OperationActor::on_event(const Event& event) {
  if (state_ == State::closed) return {};
  return std::visit([this](const auto& each) { return on(each); }, event);
}

bool OperationActor::before_intent() const { return state_ < State::intending; }

// ---- ways out -----------------------------------------------------------------------------------------------------

/// Before anything was sent. A claim that may exist is given back, so that the review can still be used.
Commands OperationActor::refuse(Refusal refusal) {
  Commands commands;
  if (claim_asked_) commands.push_back(SettleGrant{"released"});
  claim_asked_ = false;
  state_ = State::closed;
  if (client_gone_) {
    commands.push_back(Abandon{std::move(refusal.reason)});
  } else {
    commands.push_back(Refuse{std::move(refusal), true});
  }
  return commands;
}

/// After an intent: whatever happens now, the outcome is recorded before the agent hears anything.
Commands OperationActor::conclude(std::string outcome, std::string blocked) {
  state_ = State::outcome;
  outcome_ = std::move(outcome);
  return {RecordOutcome{outcome_, std::move(blocked)}};
}

/// The end, with the outcome recorded or not. Without `refusal` the answer may leave.
Commands OperationActor::close(std::optional<Refusal> refusal) {
  Commands commands;
  if (claimed_) commands.push_back(SettleGrant{outcome_});
  state_ = State::closed;
  if (streaming_head_left_) {
    if (refusal || client_gone_) {
      commands.push_back(CutStream{});
    } else {
      commands.push_back(ReleaseTail{});
    }
  } else if (client_gone_) {
    commands.push_back(Abandon{"the client is gone"});
  } else if (refusal) {
    // The operation has an intent and an outcome in the record: a refusal beside them would contradict both.
    commands.push_back(Refuse{std::move(*refusal), false});
  } else {
    commands.push_back(Reply{});
  }
  return commands;
}

Commands OperationActor::intend() {
  state_ = State::intending;
  return {RecordIntent{}};
}

// ---- policy -------------------------------------------------------------------------------------------------------

Commands OperationActor::on(const Permitted&) {
  if (state_ == State::received) return intend();
  if (state_ == State::evaluating) {
    state_ = State::claiming;
    claim_asked_ = true;
    return {ClaimGrant{}};
  }
  return {};
}

Commands OperationActor::on(const Held& held) {
  if (state_ == State::received) {
    state_ = State::asking;
    return {AskReview{}};
  }
  if (state_ != State::evaluating) return {};
  if (!held.stricter) return on(Permitted{});
  return refuse(
      {"denied", Code::stale,
       "the policy now asks for a stricter review than the one that was approved; run the call again to ask for it"});
}

Commands OperationActor::on(const Forbidden& forbidden) {
  if (state_ == State::received || state_ == State::evaluating) return refuse(forbidden.refusal);
  return {};
}

// ---- review -------------------------------------------------------------------------------------------------------

Commands OperationActor::on(const ReviewOpened& opened) {
  if (state_ != State::asking) return {};
  review_id_ = opened.review_id;
  state_ = State::parked;
  if (opened.verdict) return on(*opened.verdict);
  return {WaitForDecision{}};
}

Commands OperationActor::on(const ReviewFailed& failed) {
  if (state_ != State::asking) return {};
  return refuse(unavailable(failed.error, "this call needs a review, and none could be opened"));
}

Commands OperationActor::on(const Decided& decided) {
  if (state_ != State::parked) return {};
  switch (decided.verdict) {
    case Verdict::approved:
      state_ = State::evaluating;
      return {EvaluateAgain{}};
    case Verdict::rejected:
      return refuse({"rejected", Code::rejected,
                     "review " + review_id_ + " was rejected: " +
                         (decided.reason.empty() ? std::string("no reason given") : decided.reason)});
    case Verdict::expired:
      return refuse({"expired", Code::expired,
                     "review " + review_id_ + " expired before it was used; run the call again to ask for a new one"});
    case Verdict::closed:
      break;
  }
  return refuse(
      {"denied", Code::review_closed, "review " + review_id_ + " is closed; run the call again to ask for a new one"});
}

Commands OperationActor::on(const WaitEnded&) {
  if (state_ == State::parked) {
    return refuse({"expired", Code::timed_out,
                   "review " + review_id_ +
                       " has not been decided yet; it stays open: run the same call again once it is approved"});
  }
  if (state_ == State::claim_wait) {
    return refuse(unknown_outcome("another attempt of this call is under way under review " + review_id_ +
                                  "; it is not sent again"));
  }
  if (state_ == State::claiming) return refuse({"expired", Code::timed_out, "the grant could not be claimed in time"});
  return {};
}

// ---- claim --------------------------------------------------------------------------------------------------------

Commands OperationActor::on(const ClaimAnswered& answered) {
  if (state_ != State::claiming) return {};
  if (answered.claim == Claim::claimed) {
    claimed_ = true;
    return intend();
  }
  claim_asked_ = false;  // answered otherwise: the claim is somebody else's
  if (answered.claim == Claim::settled) return settled(answered.outcome);
  if (answered.claim == Claim::in_use) {
    state_ = State::claim_wait;
    return {WaitForClaim{}};
  }
  return refuse(
      {"denied", Code::review_closed,
       "the grant of review " + review_id_ + " is used up or expired; run the call again to ask for a new one"});
}

/// The other attempt of this call has run: its recorded outcome is the answer, never a second send.
Commands OperationActor::settled(const std::optional<RecordedOutcome>& outcome) {
  if (!outcome || outcome->outcome == "unknown") {
    return refuse(unknown_outcome("an earlier attempt of this call was sent under review " + review_id_ +
                                  " and its outcome is not known; it is not sent again: check the target"));
  }
  std::string text = "an earlier attempt of this call already ran under review " + review_id_ + " and " +
                     (outcome->outcome == "done" ? "succeeded" : "failed");
  if (outcome->status != 0) text += " with status " + std::to_string(outcome->status);
  if (!outcome->upstream_request_id.empty()) text += " (request id " + outcome->upstream_request_id + ")";
  return refuse({"denied", Code::conflict, text + "; it is not sent again"});
}

Commands OperationActor::on(const ClaimFailed& failed) {
  if (state_ != State::claiming) return {};
  return refuse(unavailable(failed.error, "the grant of review " + review_id_ + " could not be claimed"));
}

Commands OperationActor::on(const ClaimDue&) {
  if (state_ != State::claim_wait) return {};
  state_ = State::claiming;
  claim_asked_ = true;
  return {ClaimGrant{}};
}

// ---- gate 1, and the target ---------------------------------------------------------------------------------------

Commands OperationActor::on(const IntentRecorded&) {
  if (state_ != State::intending) return {};
  // Nothing was sent, and the outcome says so.
  if (instead_ || client_gone_)
    return conclude("failed", instead_ ? instead_->reason : "the client went away before the call was sent");
  state_ = State::sending;
  return {SendUpstream{}};
}

Commands OperationActor::on(const IntentFailed& failed) {
  if (state_ != State::intending) return {};
  claimed_ = false;
  return refuse(unavailable(failed.error, "the call was not sent"));
}

Commands OperationActor::on(const SendFailed& failed) {
  if (state_ != State::sending) return {};
  if (failed.cut_off) {
    // The target never had the whole; what was wrong is the client's, and its error says which.
    if (!instead_) instead_ = Refusal{"invalid", failed.error.code, failed.error.context};
    return conclude("failed", failed.error.context);
  }
  if (!failed.bytes_left) {
    if (!instead_) instead_ = unavailable(failed.error, "the target could not be reached; nothing was sent");
    return conclude("failed", failed.error.context);
  }
  if (!instead_) {
    instead_ = unknown_outcome("the call was sent and no complete answer came (" + failed.error.context +
                               "); its outcome is not known: check the target before running it again");
  }
  return conclude("unknown", failed.error.context);
}

Commands OperationActor::on(const UpstreamAnswered& answered) {
  if (state_ != State::sending) return {};
  HOLDPOINT_INVARIANT(!(answered.streamed && answered.must_mask));
  outcome_ = answered.status < 400 ? "done" : "failed";
  if (instead_) return conclude(outcome_, instead_->reason);
  if (answered.must_mask) {
    state_ = State::masking;
    return {Mask{}};
  }
  if (answered.streamed && !client_gone_) {
    state_ = State::head;
    return {RecordHead{}};
  }
  return conclude(outcome_, {});
}

// ---- streamed answers ---------------------------------------------------------------------------------------------

Commands OperationActor::on(const HeadRecorded&) {
  if (state_ != State::head) return {};
  if (instead_ || client_gone_) return conclude(outcome_, instead_ ? instead_->reason : "the client is gone");
  state_ = State::streaming;
  streaming_head_left_ = true;
  return {StreamBody{}};
}

Commands OperationActor::on(const HeadFailed& failed) {
  if (state_ != State::head) return {};
  instead_ = unavailable(failed.error, "the target answered, but the answer could not be recorded");
  return conclude(outcome_, failed.error.context);
}

Commands OperationActor::on(const BodyEnded&) {
  if (state_ != State::streaming) return {};
  return conclude(outcome_, {});
}

Commands OperationActor::on(const BodyFailed& failed) {
  if (state_ != State::streaming) return {};
  if (!instead_) instead_ = unknown_outcome(failed.error.context);
  return conclude(outcome_, failed.error.context);
}

// ---- masking ------------------------------------------------------------------------------------------------------

Commands OperationActor::on(const Masked&) {
  if (state_ != State::masking) return {};
  return conclude(outcome_, instead_ ? instead_->reason : std::string());
}

Commands OperationActor::on(const MaskFailed& failed) {
  if (state_ != State::masking) return {};
  if (!instead_) {
    instead_ = Refusal{"denied", Code::outcome_unknown,
                       "the call ran (" + std::string(outcome_ == "done" ? "it succeeded" : "it failed") +
                           "), but its answer is withheld because it could not be masked: " + failed.error.context};
  }
  return conclude(outcome_, failed.error.context);
}

// ---- gate 2 -------------------------------------------------------------------------------------------------------

Commands OperationActor::on(const OutcomeRecorded&) {
  if (state_ != State::outcome) return {};
  return close(std::move(instead_));
}

Commands OperationActor::on(const OutcomeFailed& failed) {
  if (state_ != State::outcome) return {};
  return close(Refusal{
      "unknown", Code::outcome_unknown,
      "the call ran, but its outcome could not be recorded, so the answer is withheld: " + failed.error.context});
}

// ---- what comes from outside at any time --------------------------------------------------------------------------

Commands OperationActor::on(const ClientGone&) {
  client_gone_ = true;
  if (before_intent()) return refuse({"expired", Code::timed_out, "the client is gone"});
  return {};
}

Commands OperationActor::on(const Revoked& revoked) {
  const Refusal refusal{"denied", Code::revoked, "access was revoked: " + revoked.reason};
  if (before_intent()) return refuse(refusal);
  if (!instead_) instead_ = refusal;
  // Bytes are on their way to the agent: the stream ends here, and its driver stops reading the body.
  if (state_ == State::streaming) return conclude(outcome_, refusal.reason);
  return {};
}

Commands OperationActor::on(const LeaseLost&) {
  // Parked decides nothing, so it can wait; the evaluation before the claim asks for the lease again.
  if (state_ == State::parked || state_ == State::claim_wait) return {};
  const Refusal refusal{"unavailable", Code::stale,
                        "this gateway has not heard from the bus and may not decide by an old configuration"};
  if (before_intent()) return refuse(refusal);
  if (state_ == State::intending && !instead_) instead_ = refusal;
  return {};
}

}  // namespace holdpoint::operation
