// schema/reviews.sql, as built into the program.
#pragma once

#include <string_view>

namespace holdpoint::approvals {

/// Of reviews.sql: rises with every change of it. 1 was the schema before versions were kept.
constexpr int kSchemaVersion = 2;
/// Programs of this version or a later one work under it. When it rises, older replicas refuse.
constexpr int kSchemaOldest = 1;

extern const std::string_view kSchema;

}  // namespace holdpoint::approvals
