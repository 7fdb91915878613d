// Group commit for requests of one lane: while one batch is answered the next one gathers, so that one request alone
// waits for nothing and batches grow with the load. At most one worker is busy with it.
#pragma once

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

  /// Outlives the pool's threads.
  LaneQueue(WorkerPool& pool, std::size_t queue_max, AnswerAll answer_all)
      : pool_(pool), queue_max_(queue_max), answer_all_(std::move(answer_all)) {}

  /// Always on the same thread. False when the queue is full: it is never replied to.
  [[nodiscard]] bool post(wire::Envelope request, Reply reply);

 private:
  void work(ReviewStore& store);

  WorkerPool& pool_;
  const std::size_t queue_max_;
  const AnswerAll answer_all_;
  std::mutex mutex_;
  std::deque<wire::Envelope> requests_;
  std::deque<Reply> replies_;
  bool working_ = false;
};

}  // namespace holdpoint::approvals
