// Who has a TCP port of this machine: so that "address already in use" comes with a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/base/result.hpp"

namespace holdpoint::supervisor {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// "127.0.0.1:7400", "[::1]:7400"; nullopt for anything else.
std::optional<HostPort> parse_host_port(const std::string& text);

/// Fails with `conflict`, naming the process that listens there and `remedy`, when the port is taken.
Result<void> check_port_free(const std::string& address, const std::string& remedy);

/// True when something listens there.
bool listens(const std::string& address);

}  // namespace holdpoint::supervisor
