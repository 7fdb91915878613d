// What the plain columns beside an entry must hold, worked out from its bytes by other means than the writer's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "bus/base/encoding.hpp"

namespace holdpoint::auditor::verify {

/// Every column by name; nullopt = NULL. Times as RFC 3339 in UTC with microseconds.
std::map<std::string, std::optional<std::string>> expected_columns(BytesView entry);

}  // namespace holdpoint::auditor::verify
