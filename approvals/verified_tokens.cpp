#include "approvals/verified_tokens.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kRememberedMax = 500;  // more reviewers than decide within the life of a token

}  // namespace

Result<identity::Principal> VerifiedTokens::verify(const std::string& token, Instant now) {
  const Hash hash = sha256(token);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(hash); found != known_.end()) {
      const Known& known = found->second;
      if (known.verified_at <= now && now < known.ends_at) return known.principal;
      known_.erase(found);
    }
  }
  auto verified = verifier_.verify(token, identity::Purpose::review, now);
  if (!verified) return verified.error();
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kRememberedMax) known_.clear();
  known_[hash] = {verified->principal, now, verified->expires_at + identity::kClockLeeway};
  return std::move(verified->principal);
}

std::size_t VerifiedTokens::remembered() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace holdpoint::approvals
