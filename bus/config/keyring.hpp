// The keys of a deployment, held by the operator alone: who may sign configuration, what the gateway group opens, and
// the broker's keys. From it every process gets the one file that it needs (peer_identity.hpp).
//
// Not here: which keys are valid (Document::keys), the files of processes, encryption of this file at rest.
#pragma once

#include <filesystem>
#include <string>

#include "bus/base/crypto.hpp"
#include "bus/config/document.hpp"
#include "bus/config/peer_identity.hpp"

namespace holdpoint::config {

/// What issuing a key gives: the process's file, and the row of the configuration document that admits it.
struct Issued {
  PeerIdentity identity;
  PeerKey key;
};

class Keyring {
 public:
  /// A new deployment with keys of its own. `deployment` is its id, `bus_endpoint` what peers connect to.
  static Keyring create(std::string deployment, std::string bus_endpoint);
  /// Fails with `configuration`, as load_identity does.
  static Result<Keyring> load(const std::filesystem::path& file);
  Result<void> save(const std::filesystem::path& file) const;

  /// A fresh key pair; only a gateway's identity holds the group's secret. For Role::broker the keys are the
  /// deployment's bus keys, the same each time, since every peer pins them. `bus_endpoint` empty = the keyring's.
  [[nodiscard]] Issued issue(wire::Role role, std::string name, std::string bus_endpoint = {}) const;

  [[nodiscard]] const std::string& deployment() const { return deployment_; }
  [[nodiscard]] const std::string& bus_endpoint() const { return bus_endpoint_; }
  [[nodiscard]] const SigningKey& operator_key() const { return operator_key_; }
  [[nodiscard]] const Bytes& group_public() const { return group_.public_key; }
  [[nodiscard]] const Bytes& bus_public() const { return bus_.public_key; }

 private:
  std::string deployment_;
  std::string bus_endpoint_;
  SigningKey operator_key_;
  BoxKey group_;
  BoxKey bus_;
  SigningKey bus_signing_key_;
};

}  // namespace holdpoint::config
