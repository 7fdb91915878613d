// The broker's loop: sockets and the clock around the pure Broker. One thread: that of run().
//
// A connection's key is looked up in the current document when it is made (ZAP) and again with every message, so a
// revoked key is out with the next one. Not here: routing, roles (bus/broker).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/broker/broker.hpp"
#include "bus/config/peer_identity.hpp"

namespace holdpoint::socket {

struct ServerSettings {
  std::vector<std::string> endpoints;  ///< ipc://PATH, tcp://HOST:PORT (port * = any free one)
  bool with_echo = false;              ///< route the service `echo` (tests)
  broker::BrokerLimits limits;
};

class Server {
 public:
  /// Binds. `configuration` was loaded and outlives the server. Fails with `configuration`, naming the endpoint.
  static Result<std::unique_ptr<Server>> open(const ServerSettings& settings, const config::PeerIdentity& identity,
                                              broker::Configuration& configuration);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Until stop(), or until `stop_descriptor` is readable.
  void run(int stop_descriptor = -1);
  /// From any thread or a signal handler.
  void stop();
  /// As bound, wildcard ports resolved.
  [[nodiscard]] const std::vector<std::string>& endpoints() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The signed document on disk: {"document","signature"}, replaced atomically and synced.
class DocumentFile final : public broker::DocumentStore {
 public:
  explicit DocumentFile(std::string path) : path_(std::move(path)) {}
  Result<config::SignedDocument> load() override;
  Result<void> save(const config::SignedDocument& document) override;

 private:
  std::string path_;
};

}  // namespace holdpoint::socket
