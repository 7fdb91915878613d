// Numbers that carry a checksum or a strong shape. Pure functions over one candidate; finding candidates in text is
// the number scanner's work (number_scan.hpp).
#pragma once

#include <string_view>

namespace holdpoint::masker {

/// 12 to 19 digits (no separators): Luhn, and a prefix and length that an issuer uses.
bool is_card(std::string_view digits);
bool passes_luhn(std::string_view digits);
/// No spaces, upper case: mod 97 and the country's length.
bool is_iban(std::string_view compact);
/// The length of an IBAN of this country; 0 when the country has none.
unsigned iban_length(std::string_view country);
/// 9 digits: an area, group and serial that are issued (or an ITIN).
bool is_ssn(std::string_view digits);
/// 12 digits, Verhoeff.
bool is_aadhaar(std::string_view digits);
/// 11 digits, two check digits.
bool is_cpf(std::string_view digits);
/// "AB123456C" with prefixes that are issued.
bool is_nino(std::string_view text);

}  // namespace holdpoint::masker
