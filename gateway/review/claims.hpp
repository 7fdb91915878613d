// Claims of grants and their settlements, on the way to approvals. One per shard, on its thread.
//
// Claims are batched by what gathers while the last batch is on its way, so that one claim alone waits for nothing and
// 500 decisions a second cost a few messages. Nobody waits for a settlement: it waits a moment, so that most calls say
// once how they ended and not before it that they were sent. It is sent again until approvals has noted it; until then
// the grant counts as in use, which is the safe side, and stays it when this process dies (ops/adr/0005).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "bus/wire/envelope.hpp"
#include "gateway/operation/message.hpp"

namespace holdpoint::review {

/// As socket::Port::request.
using Request =
    std::function<boost::asio::awaitable<Result<wire::Message>>(std::string, wire::Message, Instant, std::string)>;

struct Claimer {
  std::string gateway;
  std::uint64_t epoch = 0;
};

struct ClaimWish {
  std::string review_id;
  std::string digest;
  std::string principal;
  std::string operation_id;
  std::string invocation_id;
  std::uint64_t policy_version = 0;
};

struct Settlement {
  std::string operation_id;
  std::string review_id;
  Claimer claimer;
  std::string state;  ///< done, failed, unknown, released
  int status = 0;
  std::string upstream_request_id;
};

/// In one GrantClaimRequested or GrantSettled (PROTOCOL.md).
constexpr std::size_t kClaimsMax = 200;
/// Settlements not noted yet. Each stands for one call that ran, so this many calls ran without approvals answering;
/// beyond it the oldest is left to the next start, which settles from the journal.
constexpr std::size_t kUnsettledMax = 20000;
/// Longer than most targets take to answer, shorter than what a person who looks at a claim would notice.
constexpr Duration kSettleAfter = std::chrono::milliseconds(50);

class Claims {
 public:
  Claims(boost::asio::any_io_executor executor, Request request, Claimer self, Duration settle_after = kSettleAfter);
  ~Claims();

  /// Await on the executor. ClaimFailed's error when approvals does not answer within `at_most`.
  boost::asio::awaitable<Result<operation::ClaimAnswered>> claim(ClaimWish wish, Duration at_most);
  void settle(Settlement settlement);
  [[nodiscard]] std::size_t unsettled() const;
  [[nodiscard]] const Claimer& self() const;

  /// Carries both; run by the shard's task group until it is cancelled.
  boost::asio::awaitable<void> run_claims();
  boost::asio::awaitable<void> run_settlements();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::review
