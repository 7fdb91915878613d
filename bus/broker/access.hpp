// Who may serve, ask, publish and read what: the tables of PROTOCOL.md, and nothing that a peer says.
#pragma once

#include <string_view>

#include "bus/wire/role.hpp"

namespace holdpoint::broker {

/// What becomes of a request or a stream whose worker died.
enum class WorkerLoss {
  resend,  ///< the requester's resend goes to another worker, a stream is pinned anew under a new epoch
  refuse,  ///< `unavailable`: a request that killed its worker is not given to the next one
};

struct ServiceRule {
  std::string_view service;
  unsigned served_by;     ///< bit set of roles (1 << role)
  unsigned requested_by;  ///< bit set of roles
  WorkerLoss loss;
};

/// nullptr for a service that PROTOCOL.md does not know. `echo` exists only where tests ask for it.
const ServiceRule* service_rule(std::string_view service, bool with_echo);

bool may_serve(const ServiceRule& rule, wire::Role role);
bool may_request(const ServiceRule& rule, wire::Role role);
bool may_publish(std::string_view topic, wire::Role role);
bool may_read(std::string_view topic, wire::Role role);
/// True when some topic that begins with `prefix` may be read.
bool may_subscribe(std::string_view prefix, wire::Role role);

}  // namespace holdpoint::broker
