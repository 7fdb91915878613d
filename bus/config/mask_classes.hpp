// What a masker can be told to look for, as operators and policies write it. The order is the masker's own
// (masker/finding.hpp).
#pragma once

#include <array>
#include <string_view>

namespace holdpoint::config {

inline constexpr std::array<std::string_view, 23> kMaskClasses = {
    "none",           "access-key-id", "aws-secret-key", "session-token", "private-key", "jwt",           "token",
    "password",       "password-hash", "secret",         "signature",     "cookie",      "mfa-seed",      "card",
    "iban",           "ssn",           "national-id",    "email",         "phone",       "date-of-birth", "passport",
    "driver-license", "bank-account"};

/// How a class may be masked (masker/redact.hpp), and the classes of which a part may stay legible.
inline constexpr std::array<std::string_view, 3> kMaskStyles = {"redact", "partial", "fill"};
inline constexpr std::array<std::string_view, 7> kPartialClasses = {
    "access-key-id", "card", "iban", "phone", "ssn", "national-id", "bank-account"};

}  // namespace holdpoint::config
