// Finds the literals that every textual detector begins with ("AKIA", "://", "password" …), in one pass over the
// bytes. Only triggers.cpp and patterns.cpp include hs.h: one literal database per process, one scratch per thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"

namespace holdpoint::masker {

/// What to do where a literal stands.
enum class Action : std::uint8_t {
  token,  ///< a vendor's token: literal, then a tail of known alphabet and length
  access_key_id,
  session_token,
  jwt,
  pem,
  hash,     ///< $2b$…
  url,      ///< ://
  at,       ///< @ or %40
  keyword,  ///< part of a name whose value may be sensitive
  scheme,   ///< "bearer ", "basic "
  cookie,
  command,      ///< curl -u, mysql -p …
  gzip_base64,  ///< H4sI
  special,      ///< tokens whose literal stands in their middle
};

struct Trigger {
  std::string_view literal;
  Action action;
  bool any_case = false;
  std::string_view alphabet = {};  ///< of the tail; see token_tail()
  std::uint16_t tail_min = 0;
  std::uint16_t tail_max = 0;
  Class kind = Class::token;
};

struct Hit {
  std::uint32_t begin;
  std::uint32_t end;
  const Trigger* trigger;
};

/// Hits sorted by end. The reference is valid until the next call in this thread.
using Hits = std::span<const Hit>;
/// Appends to `out`; false when the scan failed (then nothing may pass).
bool find_triggers(std::string_view text, std::vector<Hit>& out);

/// Builds the database and this thread's scratch, which open files or take milliseconds, ahead of the first request.
void prepare_triggers();

/// The bit of a named alphabet: "w" word, "b" base64, "u" base64url, "h" hexadecimal, "a" alphanumeric, "A" upper case
/// and digits, "." word with "." "-", "e" base64url with "=", "%" and "$" as some vendors use them.
constexpr std::uint16_t alphabet_bit(char alphabet) {
  constexpr std::string_view names = "aAhwu.eb%$";
  const std::size_t index = names.find(alphabet);
  return index == std::string_view::npos ? std::uint16_t{0} : static_cast<std::uint16_t>(1U << index);
}

/// Which alphabets a byte is of.
inline constexpr auto alphabets_of_bytes = [] {
  std::array<std::uint16_t, 256> table{};
  const auto put = [&table](char alphabet, std::string_view bytes) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= alphabet_bit(alphabet);
  };
  for (char c = '0'; c <= '9'; ++c) {
    for (const char alphabet : std::string_view("aAhwu.eb%$")) put(alphabet, {&c, 1});
  }
  for (char c = 'A'; c <= 'Z'; ++c) {
    for (const char alphabet : std::string_view("aAwu.eb%$")) put(alphabet, {&c, 1});
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    for (const char alphabet : std::string_view("awu.eb%$")) put(alphabet, {&c, 1});
  }
  put('h', "abcdefABCDEF");
  put('w', "_");
  put('u', "_-");
  put('.', "_-.");
  put('e', "_-=");
  put('b', "+/=-_%");
  put('%', "%-_+/=");
  put('$', "$_");
  return table;
}();

constexpr bool in_alphabet(char c, char alphabet) {
  return (alphabets_of_bytes[static_cast<unsigned char>(c)] & alphabet_bit(alphabet)) != 0;
}

}  // namespace holdpoint::masker
