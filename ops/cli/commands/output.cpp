#include "ops/cli/commands/output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "bus/base/encoding.hpp"

namespace holdpoint::commands {
namespace {

constexpr std::size_t kCellBytesMax = 200;
constexpr std::size_t kInputBytesMax = 64 << 20;

}  // namespace

void print_table(const std::vector<std::string>& heads, const std::vector<std::vector<std::string>>& rows,
                 const std::string& when_empty) {
  if (rows.empty()) {
    std::cout << when_empty << "\n";
    return;
  }
  std::vector<std::vector<std::string>> lines{heads};
  for (const auto& row : rows) {
    auto& line = lines.emplace_back();
    for (const auto& text : row) line.push_back(display(text, kCellBytesMax));
  }
  std::vector<std::size_t> widths(heads.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += line[i];
      if (i + 1 < widths.size()) text.append(widths[i] - line[i].size() + 2, ' ');
    }
    std::cout << text << "\n";
  }
}

void print_json(const Json& value) { std::cout << value.dump(2, ' ', true, Json::error_handler_t::replace) << "\n"; }

std::string cell(const Json& object, std::string_view member) {
  const auto found = object.find(std::string(member));
  if (found == object.end() || found->is_null()) return "-";
  if (found->is_string()) {
    auto text = found->get<std::string>();
    return text.empty() ? "-" : text;
  }
  if (found->is_array()) {
    std::string joined;
    for (const auto& item : *found) {
      if (!joined.empty()) joined += ", ";
      joined += item.is_string() ? item.get<std::string>() : item.dump(-1, ' ', true, Json::error_handler_t::replace);
    }
    return joined.empty() ? "-" : joined;
  }
  return found->dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string short_time(const std::string& rfc3339) {
  if (rfc3339.size() < 19) return rfc3339;
  return rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 8);
}

Result<void> answer_lines(const std::function<std::string(const std::string&)>& answer) {
  constexpr std::size_t bytes_max = 96 << 20;
  // Streams of their own are several times as fast. Whoever waits for an answer before the next line gets it.
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.size() > bytes_max) return fail(Code::too_large, "a line is longer than 96 MiB");
    if (!line.empty()) std::cout << answer(line) << "\n";
    if (std::cin.rdbuf()->in_avail() <= 0) std::cout.flush();
  }
  std::cout.flush();
  return {};
}

Result<std::string> read_input(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return fail(Code::configuration, path + " cannot be read: " + std::strerror(errno));
  }
  std::istream& input = path == "-" ? std::cin : file;
  std::string text;
  char buffer[65536];
  while (input.read(buffer, sizeof buffer) || input.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(input.gcount()));
    if (text.size() > kInputBytesMax) return fail(Code::too_large, path + " is larger than 64 MiB");
  }
  return text;
}

}  // namespace holdpoint::commands
