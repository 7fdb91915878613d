// Finds the literals that every textual detector begins with ("AKIA", "://", "password" …), in one pass over the
// bytes. Only triggers.cpp and patterns.cpp include hs.h: one literal database per process, one scratch per thread.
#pragma once

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

/// True for a byte of a named alphabet: "w" word, "b" base64, "u" base64url, "h" hexadecimal, "a" alphanumeric,
/// "A" upper case and digits, "." word with "." "-".
bool in_alphabet(char c, char alphabet);

}  // namespace holdpoint::masker
