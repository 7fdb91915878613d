// One core's share of the gateway: a thread with its own io_context, listeners, seat on the bus, upstream connections
// and calls. Shares nothing but the journal's writer, the configuration and the bounds on calls.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bus/config/peer_identity.hpp"
#include "bus/journal/recorder.hpp"
#include "gateway/configuration/configuration.hpp"
#include "gateway/pipeline/admission.hpp"
#include "gateway/review/parking.hpp"

namespace holdpoint::service {

/// What the shards share; outlives them.
struct Shared {
  const config::PeerIdentity& identity;
  journal::Recorder& recorder;
  configuration::Configuration& configuration;
  review::Parking& parking;
  pipeline::Admission& admission;
  std::shared_ptr<const http::TlsContext> upstream_tls;
};

struct ShardCounts {
  std::size_t calls = 0;
};

/// Connections of one shard: above the 10,000 parked calls that one gateway holds, below the usual descriptor limit.
constexpr std::size_t kConnectionsMax = 15000;

class Shard {
 public:
  explicit Shard(Shared& shared);
  ~Shard();

  [[nodiscard]] boost::asio::any_io_executor executor();
  [[nodiscard]] socket::Port& port();
  /// Binds every address with SO_REUSEPORT. Fails with `configuration`, naming the address; also for plain HTTP off
  /// loopback.
  Result<void> listen(const std::vector<std::string>& addresses);
  /// Begins serving: accepting, claims, deadlines, decisions. On the shard's thread, or before it runs.
  void start();
  /// Any thread: every call hears of the new configuration.
  void configuration_changed(configuration::SnapshotPtr snapshot);
  /// On the shard's thread: settles what earlier lives left behind, for as long as it runs.
  boost::asio::awaitable<void> recover();
  /// Any thread.
  [[nodiscard]] ShardCounts counts() const;

  /// Runs until stopped; the main thread's shard directly, the others in their thread.
  void run();
  /// On the shard's thread: takes no new connections, gives running calls a moment, ends everything.
  boost::asio::awaitable<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "127.0.0.1:7400", "[::1]:7400". Fails with `configuration`.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  bool loopback = false;
};
Result<ListenAddress> parse_listen(const std::string& text);

}  // namespace holdpoint::service
