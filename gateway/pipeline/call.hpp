// One request of an agent, from its head to its answer. The coroutine owns the bytes and carries out what the state
// machine (gateway/operation) asks for; the machine owns the order.
//
//   intake: session, signature, body, classification   -> anything wrong: refused, recorded, in the service's shape
//   judge:  policy over every pair, revocation, lease   -> Permitted, Held, Forbidden
//   drive:  command after command until the machine is closed
//
// The pieces: call.cpp (drive), call_intake.cpp, call_review.cpp, call_upstream.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/error_shape.hpp"
#include "gateway/aws/own_address.hpp"
#include "gateway/aws/region_copy.hpp"
#include "gateway/aws/sigv4.hpp"
#include "gateway/aws/sts.hpp"
#include "gateway/aws/upstream_request.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/operation/operation_actor.hpp"
#include "gateway/pipeline/services.hpp"
#include "gateway/record/findings.hpp"
#include "gateway/record/operation_record.hpp"

namespace holdpoint::pipeline {

struct MaskSubject;

class Call {
 public:
  Call(Services& services, http::Exchange& exchange);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  boost::asio::awaitable<void> run();
  /// What is refused by its head alone: recorded, and answered in the service's shape.
  boost::asio::awaitable<void> run_refused(operation::Refusal refusal);

  /// A new configuration: what the kill switch names ends here, waiting or streaming.
  void configuration_changed(const configuration::Snapshot& snapshot);

 private:
  using Events = std::optional<operation::Event>;
  template <class T>
  using Task = boost::asio::awaitable<T>;

  // call_sts.cpp: a request signed for sts; the gateway answers its own operations, the rest is refused.
  Task<void> run_sts();

  // call_intake.cpp: fails with the refusal that the agent gets.
  Task<std::optional<operation::Refusal>> intake();
  void note_facts();
  std::optional<operation::Refusal> open_checked();
  Result<void> enter();
  Result<void> open_session();
  Result<void> find_target();
  [[nodiscard]] Result<void> check_region(const config::Target& target, const std::string& region) const;
  Task<Result<void>> understand();
  Task<Result<void>> understand_whole(std::size_t bytes_max, std::optional<aws::Route> route);
  Task<Result<void>> take_streamed_body();
  Result<void> check_body(Bytes& decoded);
  Result<void> adapt_addresses(BytesView decoded);
  Result<void> take_chunked(BytesView decoded);
  Result<void> take_region_copy(BytesView decoded);
  Result<void> replace_member(BytesView decoded, std::string_view member, std::string_view value);
  Result<void> sign_region_copy(Instant now);
  [[nodiscard]] aws::OwnAddress own_address() const;
  [[nodiscard]] aws::CallScope scope() const;

  // call.cpp
  Task<Events> admit();
  operation::Event judge();
  Result<policy::Decision> decide_on(const aws::Operation& operation) const;
  Task<Result<void>> inspect_for(const operation::Event& first);
  Result<void> may_call_sts(const aws::StsCall& call) const;
  [[nodiscard]] record::Judgement judgement() const {
    return {decision_.policy, decision_.statement, decision_.obligations.record_full};
  }
  [[nodiscard]] std::string why_revoked(const configuration::Snapshot& snapshot) const;
  [[nodiscard]] operation::Commands interruptions();
  Task<void> drive(operation::Event first);
  Task<Events> carry_out(const operation::Command& command);
  Task<Events> carry_out_at_once(const operation::Command& command);
  Task<Events> answer_refusal(operation::Refuse command);
  Task<Events> give_up(operation::Abandon command);
  Task<void> refuse(operation::Refusal refusal, bool record);

  // call_review.cpp
  Task<Events> ask_review();
  Task<Events> wait_for_decision();
  void shrink();
  void grow_back();
  Task<Events> wait_for_claim();
  Task<Events> claim_grant();
  Events evaluate_again();
  [[nodiscard]] Json review_question() const;
  [[nodiscard]] std::optional<operation::Decided> read_decision(const Json& status) const;
  void settle(const std::string& state);

  // call_upstream.cpp
  Task<Result<void>> inspect(Duration time);
  Task<Result<void>> mask_headers();
  void note_found(const Json& told, const MaskSubject& subject, std::string_view place);
  Task<Events> record_intent();
  Task<Events> send_upstream();
  Task<Events> record_head();
  Task<Events> stream_body();
  Task<Events> mask_answer();
  void localise_answer();
  Task<Events> record_outcome(operation::RecordOutcome what);
  Task<Events> reply();
  Task<Events> release_tail();
  Result<aws::HttpHead> upstream_head();
  Task<Result<std::string>> next_body_piece();
  [[nodiscard]] bool must_mask() const;

  Services& services_;
  http::Exchange& exchange_;
  configuration::SnapshotPtr snapshot_;
  std::list<Call*>::iterator place_;
  operation::OperationActor actor_;

  // intake
  aws::ParsedSignature signature_;
  bool verified_ = false;                             ///< the signature is the session's
  Secret signing_key_;                                ///< of the agent's session
  std::optional<aws::Refusal> refusal_kind_;          ///< when an error's code does not say what the client is told
  std::shared_ptr<const identity::Session> session_;  ///< nobody's, without an id, until the call is known to be its
  Bytes body_;                                        ///< as it came
  bool streamed_body_ = false;     ///< still with the client: passes through while the target takes it
  std::optional<Hash> data_hash_;  ///< of the decoded body where it is data
  std::string payload_word_;       ///< what the body is signed as, on the way out
  aws::BodyTransfer transfer_ = aws::BodyTransfer::verbatim;
  aws::Classified classified_;
  aws::Operation& operation_ = classified_.operation;
  std::optional<aws::RegionCopy> region_copy_;  ///< the call reads in another region, or carries a URL to do so
  const config::RoleSettings* role_ = nullptr;  ///< in snapshot_
  const config::Target* target_ = nullptr;      ///< in snapshot_
  record::OperationFacts facts_;

  // bounds
  Admission::Place admission_;
  bool left_out_ = false;              ///< refused by a bound, and counted instead of recorded
  std::uint64_t left_out_before_ = 0;  ///< refusals of this principal that are not in the record

  // judge
  policy::Decision decision_;
  std::string digest_;

  // review
  review::Parking::Place parked_;
  policy::ReviewTerms reviewed_terms_;
  Instant review_expires_at_{};
  std::chrono::steady_clock::time_point wait_ends_{};
  std::chrono::steady_clock::duration waited_{};
  boost::asio::any_io_executor executor_;
  std::function<void()> wake_;

  // upstream
  aws::Endpoint destination_;
  credentials::CredentialsPtr credentials_;
  bool intended_ = false;  ///< the record holds an intent: a refusal beside it would contradict it
  Sha256 body_hash_;
  std::string held_piece_;
  bool body_wrong_ = false;  ///< while it passed through: cut off before the target had the whole
  std::unique_ptr<http::UpstreamAnswer> answer_;
  int status_ = 0;
  aws::Headers answer_headers_;
  Bytes answer_body_;
  std::uint64_t answer_bytes_ = 0;
  std::string upstream_request_id_;
  record::Findings findings_;
  std::chrono::steady_clock::duration upstream_time_{};

  // what comes from outside
  std::string revoked_;
  bool revoked_told_ = false;
  bool client_gone_ = false;
  bool client_gone_told_ = false;

  bool parameters_once_ = false;  ///< parked: what is recorded are the operation's own, and not kept twice
};

}  // namespace holdpoint::pipeline
