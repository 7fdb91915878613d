// The head of a request exactly as it came off the wire: what signatures are verified over and what is classified.
// The HTTP parser has already refused what no client sends (folded lines, control characters, two Content-Lengths).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdpoint::aws {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpHead {
  std::string method;  ///< upper case
  std::string target;  ///< origin form as sent, "/path?query", nothing decoded
  Headers headers;     ///< names and values as sent, order and duplicates kept

  [[nodiscard]] std::string_view path() const;   ///< up to the first "?"
  [[nodiscard]] std::string_view query() const;  ///< after it, empty if there is none
};

/// `name` in lower case, `candidate` as sent; ASCII only.
bool is_header(std::string_view candidate, std::string_view name);

/// The only header of that name (lower case), trimmed; nullopt when it is absent or there are several.
std::optional<std::string_view> single_header(const Headers& headers, std::string_view name);
std::size_t count_headers(const Headers& headers, std::string_view name);

/// Without leading and trailing spaces and tabs.
std::string_view trim(std::string_view text);

}  // namespace holdpoint::aws
