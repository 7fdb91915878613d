// The service `reviews`: every message of PROTOCOL.md, "reviews", as a plain function of the request, the store and
// the time. No state of its own, so any replica and any thread answers; the bus is one caller, the simulator another.
//
// Not here: the console (console/), threads (worker_pool.hpp), what a vote does (voting.hpp).
#pragma once

#include <functional>
#include <string>
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

class ReviewService {
 public:
  ReviewService(Voting& voting, Announcer& announcer, VerifyReviewer verify)
      : voting_(voting), announcer_(announcer), verify_(std::move(verify)) {}

  /// The answer, or what to refuse with: `denied` when the sender's role may not say this, `unsupported` for a message
  /// of another service.
  Result<wire::Message> handle(const wire::Envelope& request, ReviewStore& store, Instant now);
  /// Expires what is overdue and finishes what another replica left undone. Any replica may, all do.
  void tick(ReviewStore& store, Instant now);

 private:
  using Answer = Result<wire::Message>;
  Answer review_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer status_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer claim_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer grant_settled(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer claims_of_gateway(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer reviews_requested(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer review_by_id(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer vote_cast(const wire::Envelope& request, ReviewStore& store, Instant now);
  Answer console_link(const wire::Envelope& request, ReviewStore& store, Instant now);

  Voting& voting_;
  Announcer& announcer_;
  VerifyReviewer verify_;
};

}  // namespace holdpoint::approvals
