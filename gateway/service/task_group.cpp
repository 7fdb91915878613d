#include "gateway/service/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>

#include "bus/telemetry/log.hpp"

namespace holdpoint::service {

namespace asio = boost::asio;

struct TaskGroup::State {
  explicit State(asio::any_io_executor on) : executor(on), empty(on) {
    empty.expires_at(asio::steady_timer::time_point::max());
  }
  asio::any_io_executor executor;
  std::list<asio::cancellation_signal> tasks;
  asio::steady_timer empty;
};

TaskGroup::TaskGroup(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}
TaskGroup::~TaskGroup() = default;

std::size_t TaskGroup::size() const { return state_->tasks.size(); }

void TaskGroup::spawn(asio::awaitable<void> task) {
  const auto state = state_;
  state->tasks.emplace_back();
  const auto place = std::prev(state->tasks.end());
  asio::co_spawn(state->executor, std::move(task),
                 asio::bind_cancellation_slot(place->slot(), [state, place](std::exception_ptr error) {
                   state->tasks.erase(place);
                   if (state->tasks.empty()) state->empty.cancel();
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const boost::system::system_error& each) {
                     if (each.code() != asio::error::operation_aborted)
                       telemetry::log_error("a task ended by an exception", {{"error", each.what()}});
                   } catch (const std::exception& each) {
                     telemetry::log_error("a task ended by an exception", {{"error", each.what()}});
                   }
                 }));
}

asio::awaitable<void> TaskGroup::stop() {
  const auto state = state_;
  // Cancelling may end a task at once and take it out of the list.
  for (auto each = state->tasks.begin(); each != state->tasks.end();) {
    auto next = std::next(each);
    each->emit(asio::cancellation_type::terminal);
    each = next;
  }
  while (!state->tasks.empty()) (void)co_await state->empty.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace holdpoint::service
