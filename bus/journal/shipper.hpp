// Carries a journal to the log: reads from the last acknowledged sequence, submits, forgets what the log has taken.
//
//   asking --position reported--> shipping --nothing left--> idle --new entries--> shipping
//      ^                              |
//      '--------any error, after a pause (doubling, at most 5 s)
//
// One request is in flight at a time, so batches grow with what gathers meanwhile. Repeating is safe: the auditor
// knows (source, epoch, sequence). Not here: the socket; `request` is the bus, or a test.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "bus/journal/journal.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::journal {

/// As socket::Port::request: (service, message, deadline, stream).
using Request =
    std::function<boost::asio::awaitable<Result<wire::Message>>(std::string, wire::Message, Instant, std::string)>;

struct ShipperOptions {
  std::string deployment;
  std::string source;
  std::size_t entries_max = record::kSubmissionEntriesMax;
  std::size_t bytes_max = 1 << 20;               ///< keeps one submission within a few milliseconds
  Duration deadline = std::chrono::seconds(10);  ///< of one request
  /// Entries gather this long before they are submitted, unless somebody waits for the log to have them: each
  /// submission costs a signature, the bus and a commit of the database, whether it holds one entry or a hundred.
  Duration gather = std::chrono::milliseconds(100);
  Duration pause_min = std::chrono::milliseconds(100);
  Duration pause_max = std::chrono::seconds(5);
};

class Shipper {
 public:
  /// `journal` and `key` outlive the shipper. Call on the executor's thread, like everything else here.
  Shipper(boost::asio::any_io_executor executor, Journal& journal, const SigningKey& key, Request request,
          ShipperOptions options);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  void start();
  /// Ends the coroutine; what is not shipped stays in the journal.
  boost::asio::awaitable<void> stop();
  /// Why the last request failed; empty while shipping goes well.
  [[nodiscard]] std::string trouble() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::journal
