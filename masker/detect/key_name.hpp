// What a name says about its value: JSON keys, XML elements, attributes, columns, environment variables, flags.
// Pure. Splits camelCase, snake_case, kebab-case and paths into words and looks at the words, never at substrings:
// "public" does not hold "lic", and "token_count" is a count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "masker/finding.hpp"

namespace holdpoint::masker {

/// Longer names say what they are at their end.
constexpr std::size_t name_bytes_max = 96;

enum class Hint : std::uint8_t {
  none,      ///< says nothing: the detectors decide
  harmless,  ///< an identifier, a paging token, a time: no number in it is a card or a phone
  generic,   ///< "value", "S", "item": the enclosing name counts
  password,  ///< any value is the secret
  secret,    ///< a secret if it is long enough and does not look like a reference
  personal,  ///< personal data of class `kind`
};

struct KeyClass {
  Hint hint = Hint::none;
  Class kind = Class::none;
};

KeyClass classify_key(std::string_view name);

/// All that a structure asks about a name; 1 to 2 µs, so structures remember it (key_cache.hpp).
struct KeyFacts {
  KeyClass key;
  bool names = false;   ///< is_name_key()
  bool values = false;  ///< is_value_key()
  bool blob = false;    ///< holds base64 that must stay base64
  bool number = false;  ///< DynamoDB's N: a string that must stay a number
};
KeyFacts key_facts(std::string_view name);

/// Names whose sibling "value" they describe ("Name", "Key", "ParameterKey"), and the siblings.
bool is_name_key(std::string_view name);
bool is_value_key(std::string_view name);

}  // namespace holdpoint::masker
