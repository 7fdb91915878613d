#include "gateway/review/decision_board.hpp"

#include <algorithm>
#include <utility>

namespace holdpoint::review {

DecisionBoard::Waiter::Waiter(DecisionBoard& board, std::string review_id, std::function<void()> wake)
    : board_(board), review_id_(std::move(review_id)), wake_(std::move(wake)) {
  board_.waiters_.emplace(review_id_, this);
}

DecisionBoard::Waiter::~Waiter() {
  const auto [begin, end] = board_.waiters_.equal_range(review_id_);
  for (auto each = begin; each != end; ++each) {
    if (each->second != this) continue;
    board_.waiters_.erase(each);
    return;
  }
}

void DecisionBoard::tell(const Json& status) {
  if (!status.is_object() || string_or(status, "state") == "pending") return;
  const auto [begin, end] = waiters_.equal_range(string_or(status, "review_id"));
  for (auto each = begin; each != end; ++each) {
    each->second->news_ = status;
    each->second->wake_();
  }
}

std::vector<std::string> DecisionBoard::next_ids(std::size_t at_most) {
  std::vector<std::string> ids;
  auto each = waiters_.upper_bound(asked_through_);
  while (each != waiters_.end() && ids.size() < std::min(at_most, kStatusIdsMax)) {
    ids.push_back(each->first);
    each = waiters_.upper_bound(each->first);
  }
  asked_through_ = each == waiters_.end() || ids.empty() ? std::string() : ids.back();
  return ids;
}

}  // namespace holdpoint::review
