// Names and values as they stand in text: key=value, "key": "value", --flag value, YAML lines, query parameters,
// "password is …", "born 1991-08-12". From a keyword's place to the span of its value.
#pragma once

#include <string_view>

#include "masker/detect/candidate.hpp"

namespace holdpoint::masker {

/// Looks at the name around [begin, end). Returns the offset up to which keywords belong to the same name, so that
/// the caller skips them.
std::size_t confirm_keyword(std::string_view text, std::size_t begin, std::size_t end, bool personal, Candidates& out);
/// "Authorization: Bearer X", "Basic X", "Bearer X".
void confirm_scheme(std::string_view text, std::size_t end, Candidates& out);
/// The pairs behind "Cookie:" and "Set-Cookie:".
void confirm_cookie(std::string_view text, std::size_t end, Candidates& out);
/// Passwords in arguments that only the command explains: curl -u, mysql -p, redis-cli -a, docker login -p.
void confirm_command(std::string_view text, std::size_t begin, std::size_t end, Candidates& out);

}  // namespace holdpoint::masker
