// A gateway of the simulator: the production OperationActor for each call, driven as gateway/pipeline drives it, with
// the production journal files, digests, checks of decisions, parking, decision board and recovery. What is left out is
// bytes: HTTP, signatures and policy's language; policy is the table kinds().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/journal/open_operations.hpp"
#include "gateway/operation/operation_actor.hpp"
#include "gateway/record/operation_record.hpp"
#include "gateway/review/decision_board.hpp"
#include "gateway/review/parking.hpp"
#include "gateway/service/recovery.hpp"
#include "tests/sim/operation_stage.hpp"

namespace holdpoint::sim {

class GatewayNode final : public JournalNode {
 public:
  GatewayNode(const Life& life, StagePtr stage) : JournalNode(life, stage->journals), stage_(std::move(stage)) {}
  void on_frames(const std::string& from, wire::Frames frames) override;

 private:
  struct Call {
    std::string client;
    std::string attempt;
    const Kind* kind = nullptr;
    std::string item;
    record::OperationFacts facts;
    std::string digest;
    operation::OperationActor actor;
    review::Parking::Place place;
    std::unique_ptr<review::DecisionBoard::Waiter> waiter;
    Instant wait_ends{};
    bool client_gone = false;
    bool client_gone_told = false;
    std::string revoked;
    bool revoked_told = false;
    std::string transmission;
    bool response_begun = false;  ///< the target has answered this transmission
    int status = 0;
    std::string body;
  };
  using Calls = std::map<std::string, std::unique_ptr<Call>>;  ///< by operation id

  void run() override;
  void on_client(const std::string& from, const Json& message);
  void on_target(const Json& message);
  void begin(const std::string& client, const Json& message);
  [[nodiscard]] operation::Event judge(const Call& call, bool again);

  // As Call::drive does it: what happened outside first, then the step's own result.
  void tell(const std::string& id, const operation::Event& event);
  void tell_later(const std::string& id, operation::Event event);
  operation::Commands interruptions(Call& call);
  void interrupt(const std::string& id);

  void on(const std::string& id, Call& call, const operation::AskReview&);
  void on(const std::string& id, Call& call, const operation::WaitForDecision&);
  void on(const std::string& id, Call& call, const operation::EvaluateAgain&);
  void on(const std::string& id, Call& call, const operation::ClaimGrant&);
  void on(const std::string& id, Call& call, const operation::WaitForClaim&);
  void on(const std::string& id, Call& call, const operation::SettleGrant& settle);
  void on(const std::string& id, Call& call, const operation::RecordIntent&);
  void on(const std::string& id, Call& call, const operation::SendUpstream&);
  void on(const std::string& id, Call& call, const operation::RecordHead&);
  void on(const std::string& id, Call& call, const operation::StreamBody&);
  void on(const std::string& id, Call& call, const operation::Mask&);
  void on(const std::string& id, Call& call, const operation::RecordOutcome& outcome);
  void on(const std::string& id, Call& call, const operation::Reply&);
  void on(const std::string& id, Call& call, const operation::ReleaseTail&);
  void on(const std::string& id, Call& call, const operation::CutStream&);
  void on(const std::string& id, Call& call, const operation::Refuse& refuse);
  void on(const std::string& id, Call& call, const operation::Abandon& abandon);

  void opened(const std::string& id, const Result<wire::Message>& answer);
  [[nodiscard]] std::optional<operation::Decided> read_decision(const Call& call, const std::string& review_id,
                                                                const Json& status);
  void look(const std::string& id);
  void poll_reviews();
  void send_claims();
  void claimed(const std::string& id, const Result<Json>& entry);
  void settle(review::Settlement settlement);
  void complete(const std::string& id, const std::function<void()>& then);
  void complete_all(std::vector<journal::OpenOperations::Abandoned> abandoned);
  void recover();
  void recovered(const wire::Message& reported);
  [[nodiscard]] bool intended(const std::string& operation_id) const;
  void lose_machine(const std::string& operation_id);
  void disturb();
  void masked(const std::string& id, const Result<wire::Message>& answer);
  void to_client(const Call& call, Json message);
  void finish(const std::string& id);

  StagePtr stage_;
  review::Parking parking_;  // outlives the calls' places, as the board outlives their waiters
  review::DecisionBoard board_;
  Calls calls_;
  std::map<std::string, std::string> transmissions_;  ///< to operation ids
  std::set<std::string> attempts_;                    ///< connections: a repeated segment is no second request
  std::vector<std::string> claims_;                   ///< gather for one request
};

}  // namespace holdpoint::sim
