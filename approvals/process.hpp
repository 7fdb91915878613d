// One replica of approvals on the bus: the service, its journal, the configuration and the ticks, wired together.
//
// The bus, timers and the console's sockets belong to the thread of the executor; handlers run on worker threads.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "approvals/console/console.hpp"
#include "approvals/worker_pool.hpp"
#include "bus/config/peer_identity.hpp"

namespace holdpoint::approvals {

struct ProcessOptions {
  std::string database;
  std::string var;            ///< directory of the journal
  console::Settings console;  ///< empty listen address = no console
};

class Process {
 public:
  /// Fails when the journal cannot be opened or the console's address cannot be bound.
  static Result<std::unique_ptr<Process>> start(boost::asio::io_context& context, const config::PeerIdentity& identity,
                                                const ProcessOptions& options);
  ~Process();
  boost::asio::awaitable<void> stop();

 private:
  struct State;
  explicit Process(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::approvals
