// Threads that may block on the store, each with a store of its own, behind one bounded queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "approvals/review_store.hpp"

namespace holdpoint::approvals {

class WorkerPool {
 public:
  using Job = std::function<void(ReviewStore&)>;
  using MakeStore = std::function<std::unique_ptr<ReviewStore>()>;

  WorkerPool(unsigned threads, std::size_t queue_max, const MakeStore& make);
  /// Runs what is queued, then ends the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Any thread. False when the queue is full: the job never runs.
  [[nodiscard]] bool post(Job job);

 private:
  void work(ReviewStore& store);

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdpoint::approvals
