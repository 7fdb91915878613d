// Taking text apart.
#pragma once

#include <string_view>
#include <vector>

namespace holdpoint {

/// What stands in front of the separator, or all of it; `text` becomes what follows.
std::string_view take(std::string_view& text, char separator);

/// Every part between separators, empty ones too: "" has one part.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace holdpoint
