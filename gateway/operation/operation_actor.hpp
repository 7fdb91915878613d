// Owns one operation from policy's answer to the reply. Pure: no clock, no store, no bus, no socket; whoever drives it
// carries out each command and tells the result as the next event.
//
//   received --Permitted--> intending --IntentRecorded--> sending --UpstreamAnswered--> masking   --Masked--> outcome
//      |  \--Held--> asking --ReviewOpened--> parked         |   \--(no mask)------------------------------> outcome
//      |                 \--(already decided)--\  | Decided  |   \--(streamed)--> head --> streaming -------> outcome
//      |                                        v v          |                                                 |
//      |                                     evaluating      \--SendFailed------------------------------> outcome
//      |                                        |                                                              |
//      |              claim_wait <--in_use-- claiming --claimed--> intending                    OutcomeRecorded|
//      v                                                                                                       v
//    closed <-------- (every refusal) ---------------------------------------------------------------------- closed
//
// Gates (DESIGN.md, invariant 1): SendUpstream is only ever issued by IntentRecorded; Reply and ReleaseTail only by
// OutcomeRecorded; StreamBody only by HeadRecorded. Under a review (invariants 4, 5) intending is only reached through
// evaluating and a claim that was answered `claimed`.
//
//   event \ state   before a claim            claiming            intending                sending and later
//   WaitEnded       refuse, review open       release, refuse     ignored                  ignored
//   ClientGone      abandon, review open      release, abandon    no send, outcome failed  goes on, no reply
//   Revoked         refuse                    release, refuse     no send, outcome failed  answer withheld, stream cut
//   LeaseLost       refuse (parked: stays)    release, refuse     no send, outcome failed  ignored: the effect is under
//   way
//
// A repeated or late event that the state does not wait for changes nothing. Not here: who may do what (policy), how a
// decision is verified (gateway/review), bytes (gateway/http).
#pragma once

#include <optional>
#include <string>

#include "gateway/operation/message.hpp"

namespace holdpoint::operation {

enum class State {
  received,
  asking,
  parked,
  evaluating,
  claiming,
  claim_wait,
  intending,
  sending,
  head,
  streaming,
  masking,
  outcome,
  closed,
};
std::string_view name(State state);

class OperationActor {
 public:
  /// The next commands, in order; empty when the event changes nothing.
  [[nodiscard]] Commands on_event(const Event& event);

  [[nodiscard]] State state() const { return state_; }
  /// Empty until a review was opened.
  [[nodiscard]] const std::string& review_id() const { return review_id_; }
  /// A grant was claimed for this operation: `granted` and `claim` in the intent's record.
  [[nodiscard]] bool claimed() const { return claimed_; }

 private:
  Commands on(const Permitted&);
  Commands on(const Held& held);
  Commands on(const Forbidden& forbidden);
  Commands on(const ReviewOpened& opened);
  Commands on(const ReviewFailed& failed);
  Commands on(const Decided& decided);
  Commands on(const ClaimAnswered& answered);
  Commands on(const ClaimFailed& failed);
  Commands on(const ClaimDue&);
  Commands on(const IntentRecorded&);
  Commands on(const IntentFailed& failed);
  Commands on(const SendFailed& failed);
  Commands on(const UpstreamAnswered& answered);
  Commands on(const HeadRecorded&);
  Commands on(const HeadFailed& failed);
  Commands on(const BodyEnded&);
  Commands on(const BodyFailed& failed);
  Commands on(const Masked&);
  Commands on(const MaskFailed& failed);
  Commands on(const OutcomeRecorded&);
  Commands on(const OutcomeFailed& failed);
  Commands on(const WaitEnded&);
  Commands on(const ClientGone&);
  Commands on(const Revoked& revoked);
  Commands on(const LeaseLost&);

  Commands refuse(Refusal refusal);
  Commands close(std::optional<Refusal> refusal);
  Commands conclude(std::string outcome, std::string blocked);
  Commands intend();
  Commands settled(const std::optional<RecordedOutcome>& outcome);
  [[nodiscard]] bool before_intent() const;

  State state_ = State::received;
  std::string review_id_;
  bool claim_asked_ = false;  ///< a claim may exist, so a refusal must release it
  bool claimed_ = false;
  bool streaming_head_left_ = false;
  bool client_gone_ = false;
  std::optional<Refusal> instead_;  ///< what the agent gets in place of the answer
  std::string outcome_;
};

}  // namespace holdpoint::operation
