// The authenticated who: of an agent (gateway) or of a reviewer (approvals).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/base/json.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::identity {

struct Principal {
  std::string issuer;   ///< the configured issuer's name, not its url
  std::string subject;  ///< `sub`
  std::vector<std::string> groups;
  std::map<std::string, std::string> claims;  ///< string claims that conditions may use (holdpoint:claim/NAME)

  /// "issuer:subject": what is recorded, compared and revoked. Two principals are the same person exactly when equal.
  [[nodiscard]] std::string name() const { return issuer + ":" + subject; }
};

/// A gateway-local session: what the agent's gateway-local credentials stand for.
struct Session {
  std::string id;  ///< UUID text; the record's `session`
  Principal principal;
  std::string role_arn;
  std::string role_session_name;
  Instant issued_at{};
  Instant expires_at{};
  std::string policy;                     ///< inline session policy (intersected); empty = none
  std::vector<std::string> assumed_from;  ///< ids of the sessions it came from, the first login first
};

}  // namespace holdpoint::identity
