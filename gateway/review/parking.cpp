#include "gateway/review/parking.hpp"

namespace holdpoint::review {

Result<Parking::Place> Parking::enter(const std::string& principal, Limits limits) {
  const std::lock_guard lock(mutex_);
  if (total_ >= limits.total_max)
    return fail(Code::overloaded, "this gateway already holds " + std::to_string(total_) + " calls for review");
  std::uint32_t& own = by_principal_[principal];
  if (own >= limits.per_principal_max) {
    if (own == 0) by_principal_.erase(principal);
    return fail(Code::overloaded, "you already have " + std::to_string(limits.per_principal_max) +
                                      " calls waiting for review; wait for a decision");
  }
  ++own;
  ++total_;
  return Place(*this, principal);
}

void Parking::leave(const std::string& principal) {
  const std::lock_guard lock(mutex_);
  const auto own = by_principal_.find(principal);
  HOLDPOINT_INVARIANT(own != by_principal_.end() && own->second > 0 && total_ > 0);
  --total_;
  if (--own->second == 0) by_principal_.erase(own);
}

std::size_t Parking::size() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace holdpoint::review
