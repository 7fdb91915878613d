// Where a service lives in a region, and what its calls are signed for there: the table's word, or the operator's
// override. Nothing in a request chooses a host.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::aws {

struct Endpoint {
  bool tls = true;
  std::string host;  ///< without port
  std::uint16_t port = 443;
  std::string signing_region;
  std::string signing_name;
  bool overridden = false;  ///< the operator's: no host prefix is put in front

  /// As in the Host header: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

/// `overrides`: service id -> http(s)://host[:port]. Fails with `not_found` for a service or region that the table does
/// not know, `configuration` for an override that is no such URL or names a link-local or metadata address.
Result<Endpoint> endpoint(std::string_view service_id, std::string_view region,
                          const std::map<std::string, std::string>& overrides);

/// http(s)://host[:port], nothing else: no user, path or query.
Result<Endpoint> parse_endpoint_url(std::string_view url);

/// "eu-west-1", "us-gov-west-1", "cn-north-1".
bool is_region(std::string_view region);

}  // namespace holdpoint::aws
