// The coroutines of one owner: it can stop them and wait until the last one has ended. One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

namespace holdpoint::service {

class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Runs `task` until it ends or the group stops. An exception of a task is logged and ends that task alone.
  void spawn(boost::asio::awaitable<void> task);
  /// Cancels every task and returns when none is left.
  boost::asio::awaitable<void> stop();
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::service
