// One cell of a PostgreSQL row: by its column's name and type, in text or binary format. A cell keeps its type: a date
// stays a date, a number a number, JSON stays JSON, an array an array.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"

namespace holdpoint::masker {

struct PostgresColumn {
  std::string name;
  KeyFacts facts;
  std::uint32_t type = 0;  ///< the type's oid (catalog/pg_type.dat); 0: not told
  bool binary = false;
};

/// The cell's new bytes; nothing when they stay. `hits` are those of `value`, counted from `base`.
std::optional<std::string> mask_postgres_value(Scan& scan, const PostgresColumn& column, KeyClass key,
                                               std::string_view value, Hits hits, std::size_t base, int depth);

/// A value in COPY's text format or in an array: backslash escapes (also octal and hexadecimal ones).
MappedText unescape_backslashes(std::string_view raw);

}  // namespace holdpoint::masker
