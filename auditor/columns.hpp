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

/// What PostgreSQL keeps of the i-th: a text as it is, a time in RFC 3339, a whole number of 64 bits.
enum class ColumnType { time, text, number };
ColumnType column_type(std::size_t index);

/// One value per name, as text that PostgreSQL reads; nullopt = NULL. Takes any bytes: what is no JSON object, or holds
/// a member of another kind, gives NULL there. Texts lose NUL characters and end after 500 characters.
/// `source`, where given, becomes what the event names as its source: nullopt when it names none, empty when that is no
/// text.
std::vector<std::optional<std::string>> columns_of(BytesView entry, std::optional<std::string>* source = nullptr);

}  // namespace holdpoint::auditor
