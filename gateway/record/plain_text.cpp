#include "gateway/record/plain_text.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"

namespace holdpoint::record {
namespace {

constexpr std::size_t kPlainBytesMax = 1024;
constexpr std::size_t kWordBytesMax = 15;   // an access key id has 20, a UUID's longest part 12
constexpr std::size_t kDigitsMax = 8;       // a day has 8, an SSN 9, a card 13 and more
constexpr std::size_t kCardDigitsMin = 13;  // in our own sentences, which name accounts (12)

/// Beside letters, digits and what is not ASCII.
constexpr std::array<bool, 128> kPlainSign = [] {
  std::array<bool, 128> table{};
  for (const char c : std::string_view(" -._/#,;()+*~:")) table[static_cast<std::size_t>(c)] = true;
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z'); }

/// Follows a text letter by letter: long words with digits (or all in capitals), and digits in a row or in groups.
class Runs {
 public:
  explicit Runs(std::size_t digits_max) : digits_max_(digits_max) {}

  /// False as soon as what was read may be a key or a card.
  bool take(char c) {
    if (!is_word(c)) {
      word_ = 0;
      digit_in_word_ = lower_in_word_ = false;
      if (c != ' ' && c != '-' && c != '.') digits_ = 0;
      return true;
    }
    ++word_;
    digits_ = is_digit(c) ? digits_ + 1 : 0;
    digit_in_word_ |= is_digit(c);
    lower_in_word_ |= !is_digit(c) && !is_upper(c);
    return digits_ <= digits_max_ && (word_ <= kWordBytesMax || (!digit_in_word_ && lower_in_word_));
  }

 private:
  std::size_t digits_max_;
  std::size_t word_ = 0;
  std::size_t digits_ = 0;
  bool digit_in_word_ = false;
  bool lower_in_word_ = false;
};

bool names_a_secret(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kWords{"pass",  "pwd",    "secret", "token", "key", "cred",
                                                           "basic", "bearer", "auth",   "curl",  "sql"};
  const std::string lower = to_lower(text);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// The length of "arn:partition:service:region:account:", 0 when the text does not begin with one.
std::size_t arn_prefix(std::string_view text) {
  if (!text.starts_with("arn:")) return 0;
  int colons = 0;
  std::size_t field = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') {
      field = 0;
      if (++colons == 5) return i + 1;
    } else if (is_upper(c) || (!is_word(c) && c != '-') || ++field > 32) {
      return 0;
    }
  }
  return 0;
}

bool is_plain_rest(std::string_view text) {
  if (text.size() > kPlainBytesMax || !is_utf8(text)) return false;
  Runs runs(kDigitsMax);
  bool separated = false;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80 && !is_word(c) && !kPlainSign[code]) return false;
    separated |= c == ' ' || c == ':';
    if (!runs.take(c)) return false;
  }
  return text.find("---") == std::string_view::npos && text.find("://") == std::string_view::npos &&
         !(separated && names_a_secret(text));
}

/// 13 to 19 digits that begin as cards do (not as times do) and pass Luhn's check.
bool is_card(std::string_view digits) {
  if (digits.size() < 13 || digits.size() > 19 || digits[0] < '2' || digits[0] > '6') return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 == 0;
}

std::string size_of(std::string_view text) { return "(" + std::to_string(text.size()) + " bytes)"; }

/// `text` with every part between separators that `passes` does not let through replaced by its size.
template <class Passes>
std::string parts(std::string_view text, std::string_view separators, Passes passes) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    const std::string_view part = text.substr(at, end - at);
    out += passes(part) ? std::string(part) : size_of(part);
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

}  // namespace

bool is_plain(std::string_view text) { return is_plain_rest(text.substr(arn_prefix(text))); }

std::string plain_part(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  const std::size_t prefix = arn_prefix(text);
  const std::string_view rest = text.substr(prefix);
  const std::string kept(text.substr(0, prefix));
  // The part that is not plain may be the name alone: "password: x".
  if (rest.find_first_of(" :=") != std::string_view::npos && names_a_secret(rest)) return kept + size_of(rest);
  const std::string shown = parts(rest, "/ ", [](std::string_view part) { return is_plain_rest(part); });
  return kept + (is_plain_rest(shown) ? shown : size_of(rest));
}

namespace {
std::string without_runs(std::string_view text, std::string_view separators, std::size_t digits_max) {
  return parts(text, separators, [digits_max](std::string_view part) {
    Runs runs(digits_max);
    return std::all_of(part.begin(), part.end(), [&](char c) { return runs.take(c); });
  });
}
}  // namespace

std::string without_cards(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end]) == is_digit(text[at])) ++end;
    const std::string_view part = text.substr(at, end - at);
    out += is_card(part) ? size_of(part) : std::string(part);
    at = end;
  }
  return out;
}

std::string plain_sentence(std::string_view text) { return without_runs(text, " \"'/", kCardDigitsMin - 1); }

std::string plain_name(std::string_view text) { return without_runs(text, "=,.@-", kWordBytesMax); }

}  // namespace holdpoint::record
