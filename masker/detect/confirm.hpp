// Confirmations of triggers that need nothing but the bytes around them. Each returns the span to mask; an empty one
// means no.
#pragma once

#include <cstddef>
#include <string_view>

#include "masker/detect/candidate.hpp"
#include "masker/detect/triggers.hpp"

namespace holdpoint::masker {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] bool empty() const { return end <= begin; }
};

/// `begin` and `end` enclose the literal.
Span confirm_token(std::string_view text, std::size_t begin, std::size_t end, const Trigger& trigger);
Span confirm_jwt(std::string_view text, std::size_t begin);
/// The body between the BEGIN and END lines of a private key, or up to the end of a text that was cut.
Span confirm_pem(std::string_view text, std::size_t begin, std::size_t end);
Span confirm_hash(std::string_view text, std::size_t begin, std::size_t end);
/// The password (or a token in its place) of scheme://user:password@host.
Span confirm_url(std::string_view text, std::size_t begin, std::size_t end);
Span confirm_email(std::string_view text, std::size_t begin, std::size_t end);
/// Tokens whose literal does not stand at their beginning.
Span confirm_special(std::string_view text, std::size_t begin, std::size_t end, std::string_view literal);
/// A secret access key that stands close behind or before an access key id, in any notation.
Span find_secret_near(std::string_view text, Span access_key);

}  // namespace holdpoint::masker
