// Who may use a deployment's keys from the command line: root, or the account that owns var/ when nothing runs as root.
#pragma once

#include "bus/base/result.hpp"
#include "bus/config/peer_identity.hpp"
#include "bus/identity/embedded_issuer.hpp"
#include "ops/cli/supervisor/layout.hpp"

namespace holdpoint::deployment {

/// Fails with `not_found` (no deployment in var/) or `denied` (use sudo), each saying what to do.
Result<void> check_access(const supervisor::Layout& layout);
Result<config::PeerIdentity> open_operator_identity(const supervisor::Layout& layout);

/// A token of the embedded issuer. Whoever can read its key (root) can be anybody on this machine; that is what an
/// identity provider is for.
Result<std::string> mint_token(const supervisor::Layout& layout, const identity::TokenRequest& request);

}  // namespace holdpoint::deployment
