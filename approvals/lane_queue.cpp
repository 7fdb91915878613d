#include "approvals/lane_queue.hpp"

#include <algorithm>
#include <iterator>
#include <thread>

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kTogetherMax = 64;  // requests of one transaction: some milliseconds' work

}  // namespace

bool LaneQueue::post(wire::Envelope request, Reply reply) {
  {
    const std::lock_guard lock(mutex_);
    if (requests_.size() >= queue_max_) return false;
    requests_.push_back(std::move(request));
    replies_.push_back(std::move(reply));
    if (std::exchange(working_, true)) return true;
  }
  if (pool_.post([this](ReviewStore& store) { work(store); })) return true;
  const std::lock_guard lock(mutex_);
  working_ = false;
  requests_.pop_back();
  replies_.pop_back();
  return false;
}

void LaneQueue::gather() const {
  {
    const std::lock_guard lock(mutex_);
    if (requests_.size() >= kTogetherMax) return;
  }
  std::this_thread::sleep_for(gather_);
}

void LaneQueue::work(ReviewStore& store) {
  for (;;) {
    std::vector<wire::Envelope> requests;
    std::vector<Reply> replies;
    {
      const std::lock_guard lock(mutex_);
      const auto count = static_cast<std::ptrdiff_t>(std::min(requests_.size(), kTogetherMax));
      working_ = count > 0;
      if (!working_) return;
      std::move(requests_.begin(), requests_.begin() + count, std::back_inserter(requests));
      std::move(replies_.begin(), replies_.begin() + count, std::back_inserter(replies));
      requests_.erase(requests_.begin(), requests_.begin() + count);
      replies_.erase(replies_.begin(), replies_.begin() + count);
    }
    auto answers = answer_all_(requests, store);
    HOLDPOINT_INVARIANT(answers.size() == replies.size());
    for (std::size_t i = 0; i < answers.size(); ++i) replies[i](std::move(answers[i]));
    if (answers.size() > 1 && gather_.count() > 0) gather();
  }
}

}  // namespace holdpoint::approvals
