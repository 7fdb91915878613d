// Keeps a gateway's configuration current: asks for it, hears of changes, and holds the lease.
//
//   none --ConfigurationReported--> current --ConfigurationChanged--> current (a higher version)
//
// The lease: a heartbeat of the bus within 3 s, and no newer version known that we lack for more than 1 s. Without it
// the gateway decides nothing. Versions only rise; a document that does not open leaves the one before in force, but
// then the lease is lost, since the broker speaks of a version that we do not have.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

#include "bus/config/version_floor.hpp"
#include "bus/socket/port.hpp"
#include "gateway/configuration/snapshot.hpp"

namespace holdpoint::configuration {

constexpr std::chrono::milliseconds kLeaseTime{3000};
constexpr std::chrono::milliseconds kBehindMax{1000};

class Configuration {
 public:
  using Steady = std::chrono::steady_clock;

  /// `changed` is called on the thread of the port after every new version; `newest` is the file that keeps the newest
  /// version over a restart.
  Configuration(const config::PeerIdentity& identity, std::vector<std::string> listen, std::filesystem::path newest,
                std::function<void(SnapshotPtr)> changed);

  /// Subscribes; call once, on the port's thread.
  void listen(socket::Port& port);
  /// Asks while nothing is known or a newer version was heard of; run by a task group.
  boost::asio::awaitable<void> run(socket::Port& port);

  /// Any thread. Null before the first document.
  [[nodiscard]] SnapshotPtr current() const;
  [[nodiscard]] bool lease_held(Steady::time_point now = Steady::now()) const;

  /// For run() and tests: a document from the bus. Fails as open_document, make_snapshot and VersionFloor::admit do;
  /// `stale` for a version that is not higher.
  Result<void> apply(const config::SignedDocument& document);
  void heard(std::uint64_t version, Steady::time_point now);

 private:
  void put(SnapshotPtr next);
  [[nodiscard]] std::uint64_t version() const;
  [[nodiscard]] bool behind() const { return announced_.load() > version(); }

  const config::PeerIdentity& identity_;
  std::vector<std::string> listen_;
  config::VersionFloor floor_;
  std::function<void(SnapshotPtr)> changed_;
  // Not std::atomic<SnapshotPtr>: libstdc++ 12 reads the pointer in load() and lets go of it by a relaxed store, so
  // that nothing orders the read before the next version's write.
  mutable std::mutex mutex_;
  SnapshotPtr current_;  ///< under mutex_
  std::atomic<std::int64_t> heard_ms_{0};
  std::atomic<std::int64_t> behind_since_ms_{0};  ///< 0 = not behind
  std::atomic<std::uint64_t> announced_{0};
};

}  // namespace holdpoint::configuration
