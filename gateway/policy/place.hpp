// Where in a JSON text a member stands, so that an error can name the line.
#pragma once

#include <cstddef>
#include <string_view>

namespace holdpoint::policy {

/// The line (from 1) of the value at a JSON pointer (RFC 6901) in a text that is valid JSON; 0 when there is none.
std::size_t line_of_pointer(std::string_view text, std::string_view pointer);
/// The line (from 1) of a byte position.
std::size_t line_of_byte(std::string_view text, std::size_t position);

}  // namespace holdpoint::policy
