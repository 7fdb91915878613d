// The journal for coroutines: one Appender for each executor (a gateway's shard), on whose thread everything completes.
//
// A batch of the journal finishes many entries at once; they are gathered here and cost one wake-up of the executor,
// not one each.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "bus/journal/journal.hpp"

namespace holdpoint::journal {

class Appender {
 public:
  /// The journal outlives every append; the executor must be single-threaded or a strand.
  Appender(Journal& journal, boost::asio::any_io_executor executor);
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  /// Await on the Appender's executor. The position once durable on this disk; errors as Journal::append. Cannot be
  /// cancelled: an entry that was handed over is written.
  boost::asio::awaitable<Result<Position>> append(Bytes entry);
  /// The position once the log holds it (`durable: database`), or `not_durable` after `at_most`.
  boost::asio::awaitable<Result<Position>> acknowledged(Position position, Duration at_most);

 private:
  struct Mailbox;
  Journal* journal_;
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace holdpoint::journal
