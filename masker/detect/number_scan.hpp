// Walks a text once and hands out what looks like a card, IBAN, SSN, phone or national id. What stands before a bare
// number decides (position-aware): "order=4111…" is an order, inside a UUID nothing is a phone.
#pragma once

#include <string_view>

#include "masker/detect/candidate.hpp"

namespace holdpoint::masker {

struct NumberOptions {
  bool phones = true;
  /// The text is the value of a name that says it is an identifier, a time, an order …: bare digits are no card.
  bool harmless = false;
};

void scan_numbers(std::string_view text, NumberOptions options, Candidates& out);

}  // namespace holdpoint::masker
