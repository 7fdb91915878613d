// The one file a process needs to join a deployment (var/keys/NAME.json, mode 0600): its keys, and whom it trusts.
#pragma once

#include <filesystem>
#include <string>

#include "bus/base/crypto.hpp"
#include "bus/wire/role.hpp"

namespace holdpoint::config {

struct PeerIdentity {
  std::string name;  ///< e.g. "gateway-1"; unique in the deployment
  wire::Role role = wire::Role::none;
  std::string key_id;        ///< first 16 hex digits of SHA-256(curve_public)
  Bytes curve_public;        ///< 32 bytes
  Secret curve_secret;       ///< 32 bytes
  SigningKey signing_key;    ///< Ed25519: record chains, decisions
  std::string deployment;    ///< id of the deployment; signatures are bound to it
  std::string bus_endpoint;  ///< ipc:///run/holdpoint-…/bus or tcp://host:port
  Bytes bus_public;          ///< the broker's CURVE key
  Bytes operator_public;     ///< Ed25519: who may sign configuration
  Secret group_secret;  ///< gateways only: X25519 secret of the gateway group, opens sealed configuration; else empty
};

/// Fails with `configuration`, naming file and member; refuses a file that others can read, and one of another role.
Result<PeerIdentity> load_identity(const std::filesystem::path& file, wire::Role role);
Result<void> save_identity(const PeerIdentity& identity, const std::filesystem::path& file);

}  // namespace holdpoint::config
