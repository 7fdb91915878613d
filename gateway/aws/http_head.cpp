#include "gateway/aws/http_head.hpp"

namespace holdpoint::aws {

std::string_view HttpHead::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view HttpHead::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

namespace {

bool is_named(std::string_view candidate, std::string_view name) {
  if (candidate.size() != name.size()) return false;
  if (!name.empty() && (candidate.back() | 0x20) != (name.back() | 0x20)) return false;  // most names end differently
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = candidate[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != name[i]) return false;
  }
  return true;
}

}  // namespace

bool is_header(std::string_view candidate, std::string_view name) { return is_named(candidate, name); }

std::optional<std::string_view> single_header(const Headers& headers, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [candidate, value] : headers) {
    if (!is_named(candidate, name)) continue;
    if (found) return std::nullopt;
    found = trim(value);
  }
  return found;
}

std::size_t count_headers(const Headers& headers, std::string_view name) {
  std::size_t count = 0;
  for (const auto& header : headers) count += is_named(header.first, name) ? 1 : 0;
  return count;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace holdpoint::aws
