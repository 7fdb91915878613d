#include "masker/detect/numbers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace holdpoint::masker {
namespace {

unsigned digit(char c) { return static_cast<unsigned>(c - '0'); }

unsigned leading(std::string_view digits, std::size_t count) {
  unsigned value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value * 10 + digit(digits[i]);
  return value;
}

bool all_same(std::string_view digits) { return digits.find_first_not_of(digits[0]) == std::string_view::npos; }

struct Country {
  std::array<char, 2> code;
  std::uint8_t length;
};
// SWIFT IBAN registry, release 99.
constexpr std::array<Country, 86> countries = {{
    {{'A', 'D'}, 24}, {{'A', 'E'}, 23}, {{'A', 'L'}, 28}, {{'A', 'T'}, 20}, {{'A', 'Z'}, 28}, {{'B', 'A'}, 20},
    {{'B', 'E'}, 16}, {{'B', 'G'}, 22}, {{'B', 'H'}, 22}, {{'B', 'I'}, 27}, {{'B', 'R'}, 29}, {{'B', 'Y'}, 28},
    {{'C', 'H'}, 21}, {{'C', 'R'}, 22}, {{'C', 'Y'}, 28}, {{'C', 'Z'}, 24}, {{'D', 'E'}, 22}, {{'D', 'J'}, 27},
    {{'D', 'K'}, 18}, {{'D', 'O'}, 28}, {{'E', 'E'}, 20}, {{'E', 'G'}, 29}, {{'E', 'S'}, 24}, {{'F', 'I'}, 18},
    {{'F', 'K'}, 18}, {{'F', 'O'}, 18}, {{'F', 'R'}, 27}, {{'G', 'B'}, 22}, {{'G', 'E'}, 22}, {{'G', 'I'}, 23},
    {{'G', 'L'}, 18}, {{'G', 'R'}, 27}, {{'G', 'T'}, 28}, {{'H', 'R'}, 21}, {{'H', 'U'}, 28}, {{'I', 'E'}, 22},
    {{'I', 'L'}, 23}, {{'I', 'Q'}, 23}, {{'I', 'S'}, 26}, {{'I', 'T'}, 27}, {{'J', 'O'}, 30}, {{'K', 'W'}, 30},
    {{'K', 'Z'}, 20}, {{'L', 'B'}, 28}, {{'L', 'C'}, 32}, {{'L', 'I'}, 21}, {{'L', 'T'}, 20}, {{'L', 'U'}, 20},
    {{'L', 'V'}, 21}, {{'L', 'Y'}, 25}, {{'M', 'C'}, 27}, {{'M', 'D'}, 24}, {{'M', 'E'}, 22}, {{'M', 'K'}, 19},
    {{'M', 'N'}, 20}, {{'M', 'R'}, 27}, {{'M', 'T'}, 31}, {{'M', 'U'}, 30}, {{'N', 'I'}, 28}, {{'N', 'L'}, 18},
    {{'N', 'O'}, 15}, {{'O', 'M'}, 23}, {{'P', 'K'}, 24}, {{'P', 'L'}, 28}, {{'P', 'S'}, 29}, {{'P', 'T'}, 25},
    {{'Q', 'A'}, 29}, {{'R', 'O'}, 24}, {{'R', 'S'}, 22}, {{'R', 'U'}, 33}, {{'S', 'A'}, 24}, {{'S', 'C'}, 31},
    {{'S', 'D'}, 18}, {{'S', 'E'}, 24}, {{'S', 'I'}, 19}, {{'S', 'K'}, 24}, {{'S', 'M'}, 27}, {{'S', 'O'}, 23},
    {{'S', 'T'}, 25}, {{'S', 'V'}, 28}, {{'T', 'L'}, 23}, {{'T', 'N'}, 24}, {{'T', 'R'}, 26}, {{'U', 'A'}, 29},
    {{'V', 'A'}, 22}, {{'X', 'K'}, 20},
}};

}  // namespace

bool passes_luhn(std::string_view digits) {
  unsigned sum = 0;
  bool twice = false;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it, twice = !twice) {
    unsigned value = digit(*it);
    if (twice) value = value > 4 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return sum % 10 == 0;
}

bool is_card(std::string_view digits) {
  const std::size_t n = digits.size();
  if (n < 13 || n > 19 || all_same(digits)) return false;
  const unsigned two = leading(digits, 2);
  const unsigned three = leading(digits, 3);
  const unsigned four = leading(digits, 4);
  bool issued = false;
  if (digits[0] == '4') issued = n == 13 || n == 16 || n == 19;                      // Visa
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) issued = n == 16;  // Mastercard
  if (two == 34 || two == 37) issued = n == 15;                                      // American Express
  if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39)
    issued = n >= 14 && n <= 19;                                                          // Diners Club
  if (four == 6011 || two == 65 || (three >= 644 && three <= 649)) issued = n >= 16;      // Discover
  if (four >= 3528 && four <= 3589) issued = n >= 16;                                     // JCB
  if (two == 62 || two == 81) issued = n >= 16;                                           // UnionPay
  if (two == 50 || (two >= 56 && two <= 58) || two == 63 || two == 67) issued = n >= 16;  // Maestro
  if (two == 60 && four != 6011) issued = n == 16;                                        // RuPay
  return issued && passes_luhn(digits);
}

unsigned iban_length(std::string_view country) {
  for (const Country& known : countries) {
    if (known.code[0] == country[0] && known.code[1] == country[1]) return known.length;
  }
  return 0;
}

bool is_iban(std::string_view compact) {
  if (compact.size() < 15 || compact.size() > 34 || iban_length(compact.substr(0, 2)) != compact.size()) return false;
  unsigned rest = 0;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[(i + 4) % compact.size()];
    if (c >= '0' && c <= '9') {
      rest = (rest * 10 + digit(c)) % 97;
    } else if (c >= 'A' && c <= 'Z') {
      rest = (rest * 100 + static_cast<unsigned>(c - 'A') + 10) % 97;
    } else {
      return false;
    }
  }
  return rest == 1;
}

bool is_ssn(std::string_view digits) {
  if (digits.size() != 9 || all_same(digits)) return false;
  const unsigned area = leading(digits, 3);
  if (area == 0 || area == 666 || digits.substr(3, 2) == "00" || digits.substr(5) == "0000") return false;
  if (digits == "123456789" || digits == "078051120") return false;  // specimens
  if (area < 900) return true;
  const unsigned group = leading(digits.substr(3), 2);
  return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group <= 92) ||
         group >= 94;  // ITIN
}

bool is_aadhaar(std::string_view digits) {
  if (digits.size() != 12 || digits[0] < '2') return false;
  static constexpr std::array<std::array<std::uint8_t, 10>, 10> multiply = {{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                                                             {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
                                                                             {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
                                                                             {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
                                                                             {4, 0, 1, 2, 3, 9, 5, 6, 7, 8},
                                                                             {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
                                                                             {6, 5, 9, 8, 7, 1, 0, 4, 3, 2},
                                                                             {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
                                                                             {8, 7, 6, 5, 9, 3, 2, 1, 0, 4},
                                                                             {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}};
  static constexpr std::array<std::array<std::uint8_t, 10>, 8> permute = {{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                                                           {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
                                                                           {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
                                                                           {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
                                                                           {9, 4, 5, 3, 1, 2, 6, 8, 7, 0},
                                                                           {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
                                                                           {2, 7, 9, 3, 8, 0, 6, 4, 1, 5},
                                                                           {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}}};
  unsigned check = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    check = multiply[check][permute[i % 8][digit(digits[digits.size() - 1 - i])]];
  }
  return check == 0;
}

bool is_cpf(std::string_view digits) {
  if (digits.size() != 11 || all_same(digits)) return false;
  for (std::size_t length : {std::size_t{9}, std::size_t{10}}) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += digit(digits[i]) * static_cast<unsigned>(length + 1 - i);
    if ((sum * 10 % 11) % 10 != digit(digits[length])) return false;
  }
  return true;
}

bool is_nino(std::string_view text) {
  if (text.size() != 9 || text[8] < 'A' || text[8] > 'D') return false;
  constexpr std::string_view never_first = "DFIQUV";
  constexpr std::string_view never_second = "DFIOQUV";
  for (std::size_t i = 0; i < 2; ++i) {
    if (text[i] < 'A' || text[i] > 'Z') return false;
  }
  if (never_first.find(text[0]) != std::string_view::npos || never_second.find(text[1]) != std::string_view::npos)
    return false;
  for (std::string_view prefix : {"BG", "GB", "NK", "KN", "NT", "TN", "ZZ"}) {
    if (text.starts_with(prefix)) return false;
  }
  return std::all_of(text.begin() + 2, text.begin() + 8, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace holdpoint::masker
