// The service `reviews`: every message of PROTOCOL.md, "reviews", as a plain function of the request, the store and
// the time. No state of its own, so any replica and any thread answers; the bus is one caller, the simulator another.
//
// Not here: the console (console/), threads (worker_pool.hpp), what a vote does (voting.hpp).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "approvals/voting.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::approvals {

/// A reviewer's token to the principal it proves, for the purpose of reviewing. From any thread.
using VerifyReviewer = std::function<Result<identity::Principal>(const std::string& token, Instant now)>;

constexpr std::size_t kStatusesMax = 1000;
constexpr std::size_t kClaimsMax = 200;  ///< claims or settlements in one message
constexpr std::size_t kListMax = 500;
constexpr std::size_t kAnswerBytesMax = 900 << 10;  ///< leaves room for the envelope below 1 MiB

/// Messages that many send at once: those of one lane may be answered together.
enum class Lane : std::uint8_t { votes, claims, settlements };
std::optional<Lane> lane_of(std::string_view type);

class ReviewService {
 public:
  /// `keys` is the newest configuration that is known, whose keys name the senders. No lease is asked of it: the broker
  /// let the message through under a key that it holds for good, and a claim that was granted in time must go on.
  ReviewService(Voting& voting, Announcer& announcer, VerifyReviewer verify, Documents keys)
      : voting_(voting), announcer_(announcer), verify_(std::move(verify)), keys_(std::move(keys)) {}

  /// The answer, or what to refuse with: `denied` when the sender's role may not say this, `unsupported` for a message
  /// of another service.
  Result<wire::Message> handle(const wire::Envelope& request, ReviewStore& store, Instant now);
  /// As handle() for each, all of one lane, in one transaction and one write to the journal. Answers in order; what is
  /// wrong with one request stops no other.
  std::vector<Result<wire::Message>> handle(Lane lane, std::span<const wire::Envelope> requests, ReviewStore& store,
                                            Instant now);
  /// Expires what is overdue and finishes what another replica left undone. Any replica may, all do.
  void tick(ReviewStore& store, Instant now);

 private:
  using Answer = Result<wire::Message>;
  Answer review_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer status_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer claims_of_gateway(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer reviews_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer review_by_id(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer console_link(const wire::Envelope& request, ReviewStore& store, Instant now);
  // The lanes (service_lanes.cpp): what one request says, and what becomes of several.
  struct GatewayList;
  struct ClaimBatch;
  struct SettlementBatch;
  Result<Cast> read_vote(const wire::Envelope& request, Instant now) const;
  Result<GatewayList> list_of_gateway(const wire::Envelope& request, const char* member) const;
  Result<ClaimBatch> read_claims(const wire::Envelope& request, Instant now) const;
  Result<SettlementBatch> read_settlements(const wire::Envelope& request, Instant now) const;
  Result<std::vector<Answer>> count_votes(std::span<Cast> casts, ReviewStore& store, Instant now);
  Result<std::vector<Answer>> claim_grants(std::span<ClaimBatch> batches, ReviewStore& store, Instant now);
  Result<std::vector<Answer>> settle_grants(std::span<SettlementBatch> batches, ReviewStore& store, Instant now);
  [[nodiscard]] Result<std::string> gateway_of(const wire::Sender& sender) const;

  Voting& voting_;
  Announcer& announcer_;
  VerifyReviewer verify_;
  Documents keys_;
};

}  // namespace holdpoint::approvals
