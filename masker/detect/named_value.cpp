#include "masker/detect/named_value.hpp"

#include "masker/detect/byte_set.hpp"
#include "masker/detect/harmless.hpp"

namespace holdpoint::masker {
namespace {

constexpr ByteSet generated_marks("!#$%^&*~=+?");

struct Census {
  std::size_t digits = 0;
  std::size_t upper = 0;
  std::size_t lower = 0;
  std::size_t spaces = 0;
  std::size_t other = 0;
};

Census census(std::string_view value) {
  Census counts;
  for (char c : value) {
    if (c >= '0' && c <= '9') {
      ++counts.digits;
    } else if (c >= 'A' && c <= 'Z') {
      ++counts.upper;
    } else if (c >= 'a' && c <= 'z') {
      ++counts.lower;
    } else if (c == ' ') {
      ++counts.spaces;
    } else {
      ++counts.other;
    }
  }
  return counts;
}

}  // namespace

bool looks_generated(std::string_view value) {
  if (value.size() < 6) return false;
  const Census counts = census(value);
  if (counts.spaces > 0) return false;
  const std::size_t letters = counts.upper + counts.lower;
  if (counts.digits > 0 && letters > 0) return true;
  return counts.other > 0 && letters > 0 && generated_marks.find(value) != std::string_view::npos;
}

bool fits(Class kind, std::string_view value) {
  if (value.size() > 64) return kind == Class::email && value.size() < 320 && value.find('@') != std::string_view::npos;
  const Census counts = census(value);
  const std::size_t letters = counts.upper + counts.lower;
  switch (kind) {
    case Class::ssn:
      return counts.digits == 9 && letters == 0;
    case Class::card:
      return counts.digits >= 12 && counts.digits <= 19 && letters == 0;
    case Class::iban:
      return counts.upper + counts.lower >= 2 && counts.digits >= 8 && value.size() >= 15;
    case Class::email:
      return value.find('@') != std::string_view::npos || value.find("%40") != std::string_view::npos;
    case Class::phone:
      return counts.digits >= 7 && counts.digits <= 15 && letters <= 3;
    case Class::date_of_birth:
      return counts.digits >= 4 && counts.digits <= 20 && value.size() >= 6;
    case Class::passport:
      return counts.digits >= 5 && value.size() >= 6 && value.size() <= 14;
    case Class::driver_license:
      return counts.digits >= 4 && value.size() >= 5 && value.size() <= 24;
    case Class::bank_account:
      return counts.digits >= 6 && counts.digits <= 20 && letters <= 6;
    case Class::national_id:
      return counts.digits >= 5 && value.size() >= 6 && value.size() <= 24;
    default:
      return false;
  }
}

Class judge_named(KeyClass key, std::string_view value) {
  if (key.hint == Hint::personal) return fits(key.kind, value) && !is_placeholder(value) ? key.kind : Class::none;
  if (key.hint != Hint::password && key.hint != Hint::secret) return Class::none;
  if (is_placeholder(value) || is_reference(value)) return Class::none;
  if (key.hint == Hint::password) {
    // A flag or a policy number under a password-like name is not a password.
    return value.size() < 4 && is_number(value) ? Class::none : key.kind;
  }
  if (value.size() < 6 || is_timestamp(value)) return Class::none;
  if (is_number(value) && value.size() < 16) return Class::none;
  if (key.kind == Class::password_hash || key.kind == Class::mfa_seed || key.kind == Class::private_key)
    return key.kind;
  const Census counts = census(value);
  // Words, names and sentences: "my-secret", "Bearer", "created by ci".
  if (counts.digits == 0 && (counts.upper == 0 || counts.lower == 0) && value.size() < 28) return Class::none;
  if (counts.spaces > 2) return Class::none;
  if (value.size() < 8) return Class::none;
  // "AWS_SECRET_KEY" as the value of "secretKey": the name of a variable.
  if (counts.lower == 0 && value.find('_') != std::string_view::npos && counts.digits * 4 < value.size())
    return Class::none;
  // One capitalised word or camelCase name without digits.
  if (counts.digits == 0 && counts.other == 0 && value.size() < 16) return Class::none;
  return key.kind;
}

}  // namespace holdpoint::masker
