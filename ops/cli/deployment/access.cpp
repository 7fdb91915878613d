#include "ops/cli/deployment/access.hpp"

#include <unistd.h>

#include <cerrno>

namespace holdpoint::deployment {

Result<void> check_access(const supervisor::Layout& layout) {
  if (::access(layout.operator_identity().c_str(), R_OK) == 0) return {};
  if (errno == EACCES) {
    return fail(Code::denied, layout.var.string() +
                                  " may be opened by root alone (being in the group holdpoint is not enough). "
                                  "Run this with sudo.");
  }
  return fail(Code::not_found, "there is no deployment in " + layout.var.string() +
                                   ". Start one with `holdpoint up`, or name its folder with --var.");
}

Result<config::PeerIdentity> open_operator_identity(const supervisor::Layout& layout) {
  if (auto allowed = check_access(layout); !allowed) return allowed.error();
  return config::load_identity(layout.operator_identity(), wire::Role::op);
}

Result<std::string> mint_token(const supervisor::Layout& layout, const identity::TokenRequest& request) {
  if (auto allowed = check_access(layout); !allowed) return allowed.error();
  auto issuer = identity::EmbeddedIssuer::load(layout.issuer());
  if (!issuer) return issuer.error();
  return issuer->issue(request, system_now());
}

}  // namespace holdpoint::deployment
