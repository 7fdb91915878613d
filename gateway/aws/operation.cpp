#include "gateway/aws/operation.hpp"

#include <array>

namespace holdpoint::aws {

std::string_view name(Protocol protocol) {
  static constexpr std::array<std::string_view, 8> kNames{"json-1.0",  "json-1.1", "query", "ec2",
                                                          "rest-json", "rest-xml", "s3",    "rpc-v2-cbor"};
  return kNames[static_cast<std::size_t>(protocol)];
}

std::string_view name(Access access) {
  static constexpr std::array<std::string_view, 5> kNames{"List", "Read", "Write", "Tagging", "Permissions management"};
  return kNames[static_cast<std::size_t>(access)];
}

}  // namespace holdpoint::aws
