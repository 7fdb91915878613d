// What stands where a sensitive value stood. Only letters, digits, "-" and "*", so that the mask means itself in
// JSON, XML, YAML, CSV, a URL and a shell line alike.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "bus/config/mask_classes.hpp"
#include "masker/finding.hpp"

namespace holdpoint::masker {

enum class Shape {
  text,    ///< any string
  number,  ///< must still read as a number
  fill,    ///< exactly as many bytes as before
  number_fill,
};

/// How a class is masked where its form allows: numbers stay numbers and base64 stays base64 under each.
enum class Style : std::uint8_t {
  standard,  ///< partial for access key ids, cards, IBANs and phones, else redact
  redact,
  partial,  ///< only of classes that have a partial form
  fill,     ///< stars, as many as there were bytes
};
std::optional<Style> style_from_name(std::string_view name);
/// A part may stay legible without giving the rest away.
bool has_partial_form(Class kind);

/// The operator's choice for each class.
class Styles {
 public:
  void set(Class kind, Style style) { styles_[static_cast<std::size_t>(kind)] = style; }
  [[nodiscard]] Style of(Class kind) const { return styles_[static_cast<std::size_t>(kind)]; }

 private:
  std::array<Style, config::kMaskClasses.size()> styles_{};
};

/// "REDACTED-<class>", or with the parts that a class keeps. The mask of a mask is the mask itself.
std::string mask_for(Class kind, std::string_view value, Shape shape, Style style = Style::standard);

/// True for what mask_for() makes, so that masking its own output changes nothing. Reveals nothing by being skipped:
/// either fixed text, or at most 10 bytes around a run of "*".
bool is_mask(std::string_view value);

}  // namespace holdpoint::masker
