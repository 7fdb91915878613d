// Reviewers' tokens that were verified before: one person decides many reviews with one token, and its signature costs
// more than the vote. Owned by what one configuration made (configuration.hpp), so that another configuration, with
// other issuers or keys, starts with none. From any thread.
//
// Not here: who was revoked and who may vote, which is asked of every vote (eligibility.hpp).
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "bus/base/crypto.hpp"
#include "bus/identity/token_verifier.hpp"

namespace holdpoint::approvals {

class VerifiedTokens {
 public:
  explicit VerifiedTokens(const identity::TokenVerifier& verifier) : verifier_(verifier) {}

  /// As TokenVerifier::verify for reviewing. What fails is not remembered, and nothing beyond the token's own time.
  Result<identity::Principal> verify(const std::string& token, Instant now);
  [[nodiscard]] std::size_t remembered() const;

 private:
  struct Known {
    identity::Principal principal;
    Instant verified_at{};  ///< before it, by a clock that was set back, the token may not have been valid yet
    Instant ends_at{};
  };

  const identity::TokenVerifier& verifier_;
  mutable std::mutex mutex_;
  std::map<Hash, Known> known_;  ///< by the whole token's SHA-256: no token stays in memory
};

}  // namespace holdpoint::approvals
