#include "bus/journal/async_append.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <optional>
#include <vector>

namespace holdpoint::journal {
namespace {

namespace asio = boost::asio;

using Signature = void(Result<Position>);
using Handler = asio::async_result<std::decay_t<decltype(asio::use_awaitable)>, Signature>::handler_type;

}  // namespace

/// Finished appends on their way from the writer thread to the executor.
struct Appender::Mailbox : std::enable_shared_from_this<Mailbox> {
  explicit Mailbox(asio::any_io_executor executor_in) : executor(std::move(executor_in)) {}

  struct Waiting {
    explicit Waiting(Handler handler_in, const asio::any_io_executor& executor)
        : handler(std::move(handler_in)), work(asio::make_work_guard(executor)) {}
    std::optional<Handler> handler;  ///< gone once called; the executor's thread alone touches it
    asio::executor_work_guard<asio::any_io_executor> work;  ///< the io_context must not run dry while we wait
    std::optional<asio::steady_timer> timer;

    void finish(Result<Position> result) {
      if (!handler) return;  // the timer was first
      Handler once = std::move(*handler);
      handler.reset();
      if (timer) timer->cancel();
      work.reset();
      std::move(once)(std::move(result));
    }
  };
  struct Finished {
    std::shared_ptr<Waiting> waiting;
    Result<Position> result;
  };

  asio::any_io_executor executor;
  std::mutex mutex;
  std::vector<Finished> finished;

  void put(std::shared_ptr<Waiting> waiting, Result<Position> result) {
    bool first = false;
    {
      const std::lock_guard lock(mutex);
      first = finished.empty();
      finished.push_back({std::move(waiting), std::move(result)});
    }
    if (first) asio::post(executor, [self = shared_from_this()] { self->deliver(); });
  }

  void deliver() {
    std::vector<Finished> ready;
    {
      const std::lock_guard lock(mutex);
      ready.swap(finished);
    }
    for (Finished& one : ready) one.waiting->finish(std::move(one.result));
  }
};

Appender::Appender(Journal& journal, asio::any_io_executor executor)
    : journal_(&journal), mailbox_(std::make_shared<Mailbox>(std::move(executor))) {}
Appender::~Appender() = default;

// Plain functions that return the awaitable: GCC 12 destroys the captures of a lambda inside a co_await twice.
asio::awaitable<Result<Position>> Appender::append(Bytes entry) {
  return asio::async_initiate<const asio::use_awaitable_t<>&, Signature>(
      [journal = journal_, mailbox = mailbox_](Handler handler, Bytes bytes) {
        auto waiting = std::make_shared<Mailbox::Waiting>(std::move(handler), mailbox->executor);
        journal->append(std::move(bytes), [mailbox, waiting](Result<Position> result) mutable {
          mailbox->put(std::move(waiting), std::move(result));
        });
      },
      asio::use_awaitable, std::move(entry));
}

asio::awaitable<Result<Position>> Appender::acknowledged(Position position, Duration at_most) {
  return asio::async_initiate<const asio::use_awaitable_t<>&, Signature>(
      [journal = journal_, mailbox = mailbox_](Handler handler, Position wanted, Duration patience) {
        auto waiting = std::make_shared<Mailbox::Waiting>(std::move(handler), mailbox->executor);
        waiting->timer.emplace(mailbox->executor, patience);
        waiting->timer->async_wait([waiting](boost::system::error_code error) {
          if (!error) waiting->finish(fail(Code::not_durable, "the log has not acknowledged the entry in time"));
        });
        journal->when_acknowledged(wanted, [mailbox, waiting](Result<Position> result) mutable {
          mailbox->put(std::move(waiting), std::move(result));
        });
      },
      asio::use_awaitable, position, at_most);
}

}  // namespace holdpoint::journal
