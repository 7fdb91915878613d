// Group commit for requests of one lane: while one batch is answered the next one gathers, so that one request alone
// waits for nothing and batches grow with the load. At most one worker is busy with it. A lane that nobody waits for in
// a hurry lets more gather while they come in numbers: a batch costs little more than a request.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "approvals/worker_pool.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::approvals {

class LaneQueue {
 public:
  using Reply = std::function<void(Result<wire::Message>)>;
  /// Answers in order. On a worker thread.
  using AnswerAll = std::function<std::vector<Result<wire::Message>>(std::span<const wire::Envelope>, ReviewStore&)>;

  /// Outlives the pool's threads. `gather`: how long one batch of several waits before the next.
  LaneQueue(WorkerPool& pool, std::size_t queue_max, AnswerAll answer_all, std::chrono::milliseconds gather = {})
      : pool_(pool), queue_max_(queue_max), answer_all_(std::move(answer_all)), gather_(gather) {}

  /// Always on the same thread. False when the queue is full: it is never replied to.
  [[nodiscard]] bool post(wire::Envelope request, Reply reply);

 private:
  void work(ReviewStore& store);
  void gather() const;

  WorkerPool& pool_;
  const std::size_t queue_max_;
  const AnswerAll answer_all_;
  const std::chrono::milliseconds gather_;
  mutable std::mutex mutex_;
  std::deque<wire::Envelope> requests_;
  std::deque<Reply> replies_;
  bool working_ = false;
};

}  // namespace holdpoint::approvals
