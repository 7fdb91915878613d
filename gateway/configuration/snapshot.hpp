// One version of the configuration, opened, compiled and immutable. Every operation holds the one that it was decided
// by.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bus/config/document.hpp"
#include "bus/config/peer_identity.hpp"
#include "bus/identity/principal.hpp"
#include "bus/identity/session_seal.hpp"
#include "bus/identity/token_verifier.hpp"
#include "gateway/credentials/sealed.hpp"
#include "gateway/http/tls.hpp"
#include "gateway/http/upstream_client.hpp"
#include "gateway/policy/policy.hpp"

namespace holdpoint::configuration {

struct Snapshot {
  config::Document document;
  identity::SessionSeal seal;
  identity::TokenVerifier tokens;
  Secret digest_key;
  std::map<std::string, credentials::CredentialsPtr> credentials;
  std::map<std::string, std::vector<policy::Policy>> roles;                ///< policies by role ARN
  std::map<std::string, policy::Policy> trusts;                            ///< trust policies by role ARN
  std::map<std::string, std::map<std::string, http::Endpoint>> endpoints;  ///< target -> service -> override
  std::shared_ptr<const http::TlsContext> tls;                             ///< null = plain http
  std::vector<std::string> hosts;                                          ///< lower case, without port, sorted

  /// What the kill switch names of this session on this target; empty when it names nothing.
  [[nodiscard]] std::string revoked(const identity::Session& session, std::string_view target) const;
  /// Whether a Host header (lower case, with port) is one of ours: a listed name, below one (virtual-host buckets), an
  /// address that we listen on, localhost.
  [[nodiscard]] bool is_own_host(std::string_view host) const;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// Fails with `configuration`, naming what does not open or compile; then the version before stays in force.
Result<SnapshotPtr> make_snapshot(config::Document document, const config::PeerIdentity& identity,
                                  const std::vector<std::string>& listen);

}  // namespace holdpoint::configuration
