// The newest configuration that this process knows, with what is made from it. Written by the bus's thread, read by
// any. Fails closed: without a heartbeat of the broker for a while it is as if there were none, so that a reviewer who
// was revoked cannot use a replica that has not heard of it.
#pragma once

#include <memory>
#include <mutex>

#include "approvals/verified_tokens.hpp"
#include "bus/config/document.hpp"
#include "bus/config/peer_identity.hpp"
#include "bus/config/version_floor.hpp"
#include "bus/identity/token_verifier.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::approvals {

class Configuration {
 public:
  /// `newest`: the file that keeps the newest version over a restart.
  Configuration(const config::PeerIdentity& identity, std::filesystem::path newest)
      : identity_(identity), floor_(std::move(newest)) {}

  /// A message with {"document","signature"}. Fails as open_document and VersionFloor::admit do; `stale` for a version
  /// that is not newer.
  Result<void> apply(const Json& body);
  /// A heartbeat with {"version"}: true when a newer one is to be asked for.
  bool heard(const Json& body, Instant now);

  /// Null while there is none, or nothing was heard for 3 s.
  [[nodiscard]] std::shared_ptr<const config::Document> document(Instant now) const;
  /// The newest, heard of lately or not; null while there is none. For what a key is called, never for who may do what.
  [[nodiscard]] std::shared_ptr<const config::Document> newest() const;
  Result<identity::Principal> verify_reviewer(const std::string& token, Instant now) const;
  [[nodiscard]] std::uint64_t version() const;

 private:
  struct Snapshot {
    explicit Snapshot(config::Document opened) : document(std::move(opened)), verifier(document.issuers) {}
    config::Document document;
    identity::TokenVerifier verifier;
    mutable VerifiedTokens tokens{verifier};  ///< what it remembers changes no answer
  };
  [[nodiscard]] std::shared_ptr<const Snapshot> current(Instant now) const;

  const config::PeerIdentity& identity_;
  config::VersionFloor floor_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  Instant heard_{};
};

}  // namespace holdpoint::approvals
