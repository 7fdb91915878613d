#include "masker/redact.hpp"

#include <algorithm>

namespace holdpoint::masker {
namespace {

constexpr std::string_view prefix = "REDACTED-";

struct Kept {
  std::size_t head;
  std::size_t tail;
};

/// What a class leaves legible, counted in letters and digits.
Kept kept(Class kind, std::size_t symbols, Style style) {
  if (style == Style::redact || style == Style::fill) return {0, 0};
  switch (kind) {
    case Class::ssn:
    case Class::national_id:
    case Class::bank_account:
      return style == Style::partial && symbols >= 9 ? Kept{0, 4} : Kept{0, 0};
    case Class::access_key_id:
      return symbols >= 16 ? Kept{4, 4} : Kept{0, 0};
    case Class::card:
      return symbols >= 13 ? Kept{6, 4} : Kept{0, 0};
    case Class::iban:
      return symbols >= 14 ? Kept{4, 4} : Kept{0, 0};
    case Class::phone:
      return symbols >= 9 ? Kept{0, 4} : Kept{0, 0};
    default:
      return {0, 0};
  }
}

bool is_symbol(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// The value's letters and digits with the middle starred; separators go, so that the length of groups does not show.
std::string partial(std::string_view value, Kept keep, std::size_t symbols, char star) {
  std::string out;
  std::size_t seen = 0;
  for (char c : value) {
    if (!is_symbol(c) && c != '*') continue;
    out.push_back(seen < keep.head || seen >= symbols - keep.tail ? c : star);
    ++seen;
  }
  return out;
}

std::string filled(std::string_view value, Kept keep, std::size_t symbols, char star) {
  std::string out(value);
  std::size_t seen = 0;
  for (char& c : out) {
    if (!is_symbol(c) && c != '*') {
      // Line ends stay, so that line-based readers keep their count; everything else is part of the value.
      if (c != '\n' && c != '\r') c = star;
      continue;
    }
    if (seen >= keep.head && seen < symbols - keep.tail) c = star;
    ++seen;
  }
  return out;
}

}  // namespace

std::optional<Style> style_from_name(std::string_view name) {
  for (std::size_t i = 0; i < config::kMaskStyles.size(); ++i) {
    if (config::kMaskStyles[i] == name) return static_cast<Style>(i + 1);
  }
  return std::nullopt;
}

bool has_partial_form(Class kind) {
  const auto& partial = config::kPartialClasses;
  return std::find(partial.begin(), partial.end(), name(kind)) != partial.end();
}

std::string mask_for(Class kind, std::string_view value, Shape shape, Style style) {
  const auto symbols = static_cast<std::size_t>(
      std::count_if(value.begin(), value.end(), [](char c) { return is_symbol(c) || c == '*'; }));
  const Kept keep = kept(kind, symbols, style);
  if (shape == Shape::fill) return filled(value, keep, symbols, '*');
  if (shape == Shape::number_fill) return filled(value, keep, symbols, '0');
  if (shape == Shape::number) return keep.head > 0 ? partial(value, keep, symbols, '0') : "0";
  if (style == Style::fill) return filled(value, keep, symbols, '*');
  if (keep.head + keep.tail > 0) return partial(value, keep, symbols, '*');
  return std::string(prefix) + std::string(name(kind));
}

bool is_mask(std::string_view value) {
  if (value.starts_with(prefix)) return class_from_name(value.substr(prefix.size())) != Class::none;
  const std::size_t first = value.find('*');
  if (first == std::string_view::npos || first > 6) return false;
  const std::size_t last = value.find_last_of('*');
  if (value.size() - last - 1 > 4 || last - first + 1 < 4) return false;
  return value.find_first_not_of('*', first) > last;
}

}  // namespace holdpoint::masker
