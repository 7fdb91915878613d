// How commands print: tables for people, JSON for programs. What agents control goes through display() here, so that
// no command can forget it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::commands {

/// Columns as wide as their content; every cell through display(). Prints nothing but `when_empty` without rows.
void print_table(const std::vector<std::string>& heads, const std::vector<std::vector<std::string>>& rows,
                 const std::string& when_empty);

/// Indented, ASCII only (what agents control cannot steer a terminal).
void print_json(const Json& value);

/// A member as text: strings as they are, others as JSON, "-" when absent or empty.
std::string cell(const Json& object, std::string_view member);

/// "2026-11-01 12:00:00" from RFC 3339, for tables.
std::string short_time(const std::string& rfc3339);

/// One line out for each line of standard input that is not empty. Fails with `too_large` for a line above 96 MiB: the
/// largest body (70 MB) in base64, and its frame.
Result<void> answer_lines(const std::function<std::string(const std::string&)>& answer);

/// The whole of a file or, for "-", of standard input. Fails with `configuration`; at most 64 MiB.
Result<std::string> read_input(const std::string& path);

}  // namespace holdpoint::commands
