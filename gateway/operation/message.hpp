// What the state machine of one operation is told (events) and what it asks for (commands). Plain data: the coroutine
// of production and the seeded simulator speak the same words.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "bus/base/result.hpp"

namespace holdpoint::operation {

// ---- events -------------------------------------------------------------------------------------------------------

/// Why an operation is refused: the record's `decision`, the code, and the text that the agent gets.
struct Refusal {
  std::string decision;  ///< denied, invalid, unauthenticated, overloaded, unavailable, rejected, expired, unknown
  Code code = Code::denied;
  std::string reason;
};

/// Policy's answer, at first and again before a grant is claimed.
struct Permitted {};
struct Held {
  bool stricter = false;  ///< on the second time: asks for more than the review that was granted
};
struct Forbidden {
  Refusal refusal;
};

enum class Verdict { approved, rejected, expired, closed };

/// A decision whose signature, digest and times the caller has verified.
struct Decided {
  Verdict verdict = Verdict::closed;
  std::string reason;
};
/// `verdict` is there when the review was decided before it was asked for (a retry joins it).
struct ReviewOpened {
  std::string review_id;
  std::optional<Decided> verdict;
};
struct ReviewFailed {
  Error error;
};

/// What became of a claimed call, as approvals or the journal know it.
struct RecordedOutcome {
  std::string outcome;  ///< done, failed, unknown
  int status = 0;
  std::string upstream_request_id;
};
enum class Claim { claimed, in_use, settled, closed };
struct ClaimAnswered {
  Claim claim = Claim::closed;
  std::optional<RecordedOutcome> outcome;  ///< with `settled`
};
struct ClaimFailed {
  Error error;
};
/// Time to ask again what became of a claim that another attempt holds.
struct ClaimDue {};

struct IntentRecorded {};
struct IntentFailed {
  Error error;
};

/// `bytes_left` false only when provably no byte of the request reached the target.
struct SendFailed {
  Error error;
  bool bytes_left = true;
  bool cut_off = false;  ///< by us, in the middle of a body that turned out wrong: the target never had the whole
};
struct UpstreamAnswered {
  int status = 0;
  bool streamed = false;   ///< the body passes through while it arrives
  bool must_mask = false;  ///< an obligation to mask exists; never together with `streamed`
};
struct HeadRecorded {};
struct HeadFailed {
  Error error;
};
struct BodyEnded {};
struct BodyFailed {
  Error error;
};
struct Masked {};
/// The answer cannot be inspected, or the masker does not answer.
struct MaskFailed {
  Error error;
};
struct OutcomeRecorded {};
struct OutcomeFailed {
  Error error;
};

/// The client has waited as long as it may; the review stays open.
struct WaitEnded {};
struct ClientGone {};
/// Kill switch: principal, session, role or target.
struct Revoked {
  std::string reason;
};
/// The configuration is too old to decide anything by.
struct LeaseLost {};

using Event = std::variant<Permitted, Held, Forbidden, ReviewOpened, ReviewFailed, Decided, ClaimAnswered, ClaimFailed,
                           ClaimDue, IntentRecorded, IntentFailed, SendFailed, UpstreamAnswered, HeadRecorded,
                           HeadFailed, BodyEnded, BodyFailed, Masked, MaskFailed, OutcomeRecorded, OutcomeFailed,
                           WaitEnded, ClientGone, Revoked, LeaseLost>;

// ---- commands -----------------------------------------------------------------------------------------------------

struct AskReview {};        ///< answer: ReviewOpened or ReviewFailed
struct WaitForDecision {};  ///< park; answer: Decided, WaitEnded
struct EvaluateAgain {};    ///< answer: Permitted, Held, Forbidden, LeaseLost
struct ClaimGrant {};       ///< answer: ClaimAnswered or ClaimFailed
struct WaitForClaim {};     ///< another attempt holds it; answer: ClaimDue, WaitEnded
struct SettleGrant {        ///< tell approvals; no answer is waited for
  std::string state;        ///< done, failed, unknown, released
};
struct RecordIntent {};  ///< answer: IntentRecorded or IntentFailed
struct SendUpstream {};  ///< answer: UpstreamAnswered or SendFailed
struct RecordHead {};    ///< answer: HeadRecorded or HeadFailed
struct StreamBody {};    ///< all but the last bytes; answer: BodyEnded or BodyFailed
struct Mask {};          ///< answer: Masked or MaskFailed
struct RecordOutcome {   ///< answer: OutcomeRecorded or OutcomeFailed
  std::string outcome;   ///< done, failed, unknown
  std::string blocked;   ///< why the answer is withheld, empty when it is not
};
struct Reply {};        ///< send the (masked) answer
struct ReleaseTail {};  ///< send the last bytes of the stream
struct CutStream {};    ///< close the connection in the middle of the body
/// Record operation.refused where `record`, then answer with an error. After `record` fails the refusal still goes out.
struct Refuse {
  Refusal refusal;
  bool record = true;
};
struct Abandon {  ///< nobody is there to answer
  std::string reason;
};

using Command = std::variant<AskReview, WaitForDecision, EvaluateAgain, ClaimGrant, WaitForClaim, SettleGrant,
                             RecordIntent, SendUpstream, RecordHead, StreamBody, Mask, RecordOutcome, Reply,
                             ReleaseTail, CutStream, Refuse, Abandon>;

/// At most a settlement and the next step.
using Commands = boost::container::static_vector<Command, 2>;

}  // namespace holdpoint::operation
