// The plain columns beside an entry's bytes: what is copied out of the event for querying (schema/001_audit.sql).
// The verifier has its own idea of them (verify/expected_columns.hpp), so that one checks the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/encoding.hpp"

namespace holdpoint::auditor {

constexpr std::size_t kColumnCount = 28;

/// Names in table order, beginning with `time`.
const std::vector<std::string_view>& column_names();

/// One value per name, as text that PostgreSQL reads; nullopt = NULL. Takes any bytes: what is no JSON object, or holds
/// a member of another kind, gives NULL there. Texts lose NUL characters and end after 500 characters.
std::vector<std::optional<std::string>> columns_of(BytesView entry);

}  // namespace holdpoint::auditor
