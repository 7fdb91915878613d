// Text forms of bytes. All decoders are strict: what they accept has exactly one encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdpoint {

/// Bytes are std::string throughout: a body, a key and a hash all move, slice and compare the same way.
using Bytes = std::string;
using BytesView = std::string_view;

std::string to_hex(BytesView bytes);  ///< lower case
std::optional<Bytes> from_hex(std::string_view text);

std::string to_base64(BytesView bytes);  ///< RFC 4648 section 4, padded
std::optional<Bytes> from_base64(std::string_view text);
std::string to_base64url(BytesView bytes);  ///< RFC 4648 section 5, unpadded
std::optional<Bytes> from_base64url(std::string_view text);

/// RFC 3986: everything but A-Z a-z 0-9 - . _ ~ becomes %XX (upper case). `keep_slash` leaves "/" for paths.
std::string uri_encode(std::string_view text, bool keep_slash = false);
/// %XX to bytes; nullopt for an incomplete or non-hexadecimal escape. "+" stays "+".
std::optional<Bytes> uri_decode(std::string_view text);
/// As above, but "+" is a space (application/x-www-form-urlencoded).
std::optional<Bytes> form_decode(std::string_view text);

/// As the content of an element or of a quoted attribute: & < > " ' become references.
std::string xml_escape(std::string_view text);

bool is_utf8(BytesView bytes);  ///< well-formed by Unicode 15 table 3-7: no surrogates, no overlong forms

/// What agents control is shown through this alone: control, bidirectional and zero-width characters and invalid
/// UTF-8 come out as \u{XXXX} or \xXX, and nothing after `bytes_max` is shown but an ellipsis.
std::string display(std::string_view text, std::size_t bytes_max = 4096);

/// ASCII only, independent of the locale.
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace holdpoint
