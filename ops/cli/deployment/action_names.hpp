// Tells lint which actions exist. Not here: what the gateway needs for a call (gateway/aws/resources.hpp).
#pragma once

#include "gateway/policy/pattern.hpp"

namespace holdpoint::deployment {

/// Whether the pattern of an action fits one that AWS knows. True for one with policy variables: it depends on the
/// request.
[[nodiscard]] bool matches_an_action(const policy::Pattern& pattern);

}  // namespace holdpoint::deployment
