#include "bus/wire/role.hpp"

#include <array>

namespace holdpoint::wire {
namespace {

// Indexed by the number on the wire.
constexpr std::array<std::string_view, 8> kNames = {"none",   "broker",  "gateway",  "approvals",
                                                    "masker", "auditor", "operator", "frontend"};

}  // namespace

std::string_view name(Role role) {
  const auto index = static_cast<std::size_t>(role);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

std::optional<Role> role_from_name(std::string_view name) {
  for (std::size_t index = 1; index < kNames.size(); ++index) {
    if (kNames[index] == name) return static_cast<Role>(index);
  }
  return std::nullopt;
}

}  // namespace holdpoint::wire
