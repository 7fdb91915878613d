// Reads an event's own members and those of its `data` without a tree: what columns are made of is a tenth of an
// entry. Takes only what parse_json() surely takes, and then says the same about it; whatever is unusual (an escaped
// name, a code point in escapes, a number beyond 18 digits or with an exponent, more than 48 members) is left to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/encoding.hpp"

namespace holdpoint::auditor {

struct EventMember {
  enum class Kind : std::uint8_t { text, integer, list, other };
  std::string_view name;  ///< of the entry's bytes, like `text`
  bool of_data = false;   ///< a member of `data` rather than of the event
  Kind kind = Kind::other;
  bool escaped = false;   ///< `text` holds escapes: event_text() resolves them
  std::string_view text;  ///< a text's inside, an integer's digits
  std::size_t size = 0;   ///< of a list
};

/// False when only parse_json() can tell; `out` is meaningless then.
bool scan_event(BytesView entry, std::vector<EventMember>& out);

std::string event_text(const EventMember& member);

}  // namespace holdpoint::auditor
