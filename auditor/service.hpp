// The auditor on the bus: services `records` and `log`, topic `record.checkpoint`, keys from the configuration.
//
// One thread (the port's executor) talks to the bus; the log writer and the reader have threads of their own, and
// their answers are posted back. Not here: what is accepted (intake.hpp), what is stored (log_store.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "bus/config/peer_identity.hpp"

namespace holdpoint::auditor {

struct ServiceOptions {
  std::string database;               ///< DSN of holdpoint_writer
  std::filesystem::path checkpoints;  ///< empty = none kept in a directory
};

class Service {
 public:
  /// `identity` outlives the service. `ready` is called once: when this auditor writes the log, or stands by for the
  /// one that does. `lost` when another auditor took the log over: the process should end and start anew.
  Service(boost::asio::io_context& context, const config::PeerIdentity& identity, ServiceOptions options,
          std::function<void()> ready, std::function<void()> lost);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  boost::asio::awaitable<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::auditor
