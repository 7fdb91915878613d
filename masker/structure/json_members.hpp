// The text members of one JSON object by their paths, for values that go on in the next event's object. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdpoint::masker {

struct JsonMember {
  std::string
      path;  ///< names joined by ".", then the object's indices ("contentBlockIndex=1"): what tells streams apart
  std::string_view name;  ///< the last of the path, raw
  std::size_t begin;      ///< of the string's inside
  std::size_t end;
};

/// Members within arrays stand for themselves and are left out. Nothing when `text` is not one object.
std::optional<std::vector<JsonMember>> json_text_members(std::string_view text);

}  // namespace holdpoint::masker
