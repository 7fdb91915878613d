// Who may sit on the bus. The broker derives a peer's role from its CURVE key; nothing a peer sends can change it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdpoint::wire {

enum class Role : std::uint8_t {
  none = 0,
  broker = 1,
  gateway = 2,
  approvals = 3,
  masker = 4,
  auditor = 5,
  op = 6,        ///< "operator": the command line and the supervisor
  frontend = 7,  ///< a plug-in that shows reviews and carries votes
};

std::string_view name(Role role);
std::optional<Role> role_from_name(std::string_view name);

}  // namespace holdpoint::wire
