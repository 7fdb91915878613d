// JSON as the project reads it: strict, bounded, one value for one text. Objects are sorted by key (nlohmann's
// default), so dump() of a parsed value is canonical.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t bytes_max = 16 << 20;
  std::size_t depth_max = 64;
  /// Refuse a number that a double would round: two texts must not become one value.
  bool exact_numbers = false;
};

/// Fails with `malformed` on a duplicate key, trailing bytes, invalid UTF-8, a lone surrogate or a number beyond
/// double (the context says where), or with more digits than it holds, with `too_large` beyond the limits.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// Compact, keys sorted. Strings in `value` must be UTF-8 (see text_json); others come out with U+FFFD.
std::string to_json(const Json& value);
/// The same, behind what `out` holds.
void append_json(const Json& value, std::string& out);
void append_json_text(std::string_view text, std::string& out);

/// A string that holds `bytes`; {"base64": "..."} where they are not UTF-8. So a record can hold what an agent sent.
Json text_json(BytesView bytes);

/// Members of a message, with what to answer when they are missing or of another kind: `malformed`, naming the member.
Result<std::string> get_string(const Json& object, std::string_view member);
Result<std::int64_t> get_int(const Json& object, std::string_view member);
Result<bool> get_bool(const Json& object, std::string_view member);
/// Empty when absent.
std::string string_or(const Json& object, std::string_view member, std::string_view otherwise = {});

}  // namespace holdpoint
