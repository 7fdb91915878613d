// What an event may hold, for whoever reads one back.
#pragma once

#include "bus/base/json.hpp"

namespace holdpoint::record {

/// Deeper than what is read from outside: an agent's parameters are one member of an event.
inline constexpr JsonLimits kEventLimits{.depth_max = 2 * JsonLimits{}.depth_max};

}  // namespace holdpoint::record
