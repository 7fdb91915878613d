// Hands out what a call to a target is signed with: the target's own keys, or those of the role that it assumes in the
// agent's name. One per shard, on its thread.
//
//   absent --get--> fetching (one call, however many wait) --ok--> fresh --5 minutes left--> fetching beside fresh
//                      \--error--> absent (everybody who waited gets the error)
//
// The key of the cache names everything that the credentials depend on: target, role, the base credentials themselves
// (so a rotated one is used by the next call), principal, session and review.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "gateway/credentials/assume_role.hpp"
#include "gateway/http/upstream_client.hpp"

namespace holdpoint::credentials {

/// Where and as whom.
struct Want {
  std::string target;
  CredentialsPtr base;
  std::string assume;  ///< role ARN; empty = `base` as it is
  http::Endpoint sts;
  std::string sts_region;
  OnBehalf on_behalf;
};

/// More sessions than one gateway serves in an hour; beyond it the one that expires first goes.
constexpr std::size_t kCachedMax = 10000;

class Provider {
 public:
  /// `client` outlives the provider.
  Provider(boost::asio::any_io_executor executor, http::UpstreamClient& client);
  ~Provider();

  boost::asio::awaitable<Result<CredentialsPtr>> get(Want want, Instant now);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::credentials
