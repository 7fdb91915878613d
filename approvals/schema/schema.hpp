// schema/reviews.sql, as built into the program.
#pragma once

#include <string_view>

namespace holdpoint::approvals {
extern const std::string_view kSchema;
}
