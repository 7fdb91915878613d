#include "masker/detect/harmless.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"
#include "masker/detect/ascii.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/redact.hpp"

namespace holdpoint::masker {
namespace {
constexpr ByteSet blank_strokes("*xX.-_ \xe2\x80\xa2");
constexpr ByteSet variable_bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
constexpr ByteSet reference_bytes("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.");
constexpr ByteSet base64_marks("+=");
constexpr ByteSet number_bytes("0123456789.+-eE");

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
}  // namespace

bool is_placeholder(std::string_view value) {
  if (value.empty()) return true;
  if (is_mask(value)) return true;
  // Blanks are drawn with at least three strokes; "x" may be somebody's password.
  if (value.size() >= 3 && blank_strokes.find_other(value) == std::string_view::npos) return true;
  // The whole value is one reference; "${a}-Secret1" is not.
  const auto whole = [&](std::string_view open, std::string_view close) {
    return value.size() > open.size() + close.size() && value.starts_with(open) && value.ends_with(close) &&
           value.find(close, open.size()) == value.size() - close.size();
  };
  if (whole("${", "}") || whole("{{", "}}") || whole("<", ">") || whole("$(", ")") || whole("%(", ")s") ||
      whole("#{", "}") || whole("${{", "}}") || whole("[", "]")) {
    return true;
  }
  if (value.size() > 1 && value[0] == '$' && variable_bytes.find_other(value, 1) == std::string_view::npos) return true;
  if (value.size() < 64) {
    constexpr auto roots =
        std::to_array<std::string_view>({"var.", "local.", "data.", "module.", "secrets.", "process.env."});
    for (std::string_view root : roots) {
      if (value.starts_with(root) && reference_bytes.find_other(value) == std::string_view::npos) return true;
    }
  }
  constexpr auto words =
      std::to_array<std::string_view>({"null", "none", "true", "false", "nil", "undefined", "yes", "no", "n/a",
                                       "sensitive value", "(sensitive value)", "unset"});
  return value.size() <= 17 && std::any_of(words.begin(), words.end(),
                                           [&](std::string_view word) { return equal_ignoring_case(word, value); });
}

bool is_reference(std::string_view value) {
  if (value.starts_with("arn:")) return true;
  if (value.starts_with("ssm:") || value.starts_with("vault:") || value.starts_with("secretsmanager:")) return true;
  if (value.starts_with("{{resolve:")) return true;
  if (value.starts_with("http://") || value.starts_with("https://") || value.starts_with("s3://")) {
    return value.find('@') == std::string_view::npos && value.find('?') == std::string_view::npos;
  }
  if (value.size() > 2 && (value[0] == '/' || value.starts_with("./") || value.starts_with("~/"))) {
    // A path of words; base64 that begins with "/" holds "+" or "=", or no word at all between its slashes.
    if (base64_marks.find(value) != std::string_view::npos) return false;
    std::size_t digits = 0;
    std::size_t upper = 0;
    for (char c : value) {
      digits += is_digit(c);
      upper += c >= 'A' && c <= 'Z';
    }
    return digits * 6 <= value.size() && (upper * 4 <= value.size());
  }
  return false;
}

bool is_uuid(std::string_view value) {
  if (value.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? value[i] != '-' : !is_hex(value[i])) return false;
  }
  return true;
}

bool is_number(std::string_view value) {
  return !value.empty() && number_bytes.find_other(value) == std::string_view::npos;
}

bool is_timestamp(std::string_view value) {
  return value.size() >= 19 && value.size() <= 35 && is_digit(value[0]) && is_digit(value[3]) && value[4] == '-' &&
         value[7] == '-' && (value[10] == 'T' || value[10] == ' ') && value[13] == ':';
}

}  // namespace holdpoint::masker
