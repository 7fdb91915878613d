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

}  // namespace holdpoint::config
