// Addresses that configuration names: where the gateway listens, and which endpoints a target may have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::config {

struct ListenAddress {
  std::string host;  ///< an IP address, without brackets
  std::uint16_t port = 0;
  bool loopback = false;
};
/// "127.0.0.1:7400", "[::1]:7400", "localhost:7400". Fails with `configuration`, saying what was expected.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// "http(s)://host[:port]" without user, path or query. Link-local and metadata addresses are refused in every spelling
/// that a resolver would take (169.254.169.254, ::ffff:a9fe:a9fe, 0xa9fea9fe, 2852039166, NAT64), and so are
/// unspecified and multicast addresses. A name may still resolve to one: who connects checks the address once more.
Result<void> check_endpoint_url(std::string_view url);

/// Whether an address (text, without brackets) must never be connected to, for the check after resolving a name.
/// Anything that is no address counts as forbidden.
bool is_forbidden_address(std::string_view address);

}  // namespace holdpoint::config
