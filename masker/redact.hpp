// What stands where a sensitive value stood. Only letters, digits, "-" and "*", so that the mask means itself in
// JSON, XML, YAML, CSV, a URL and a shell line alike.
#pragma once

#include <string>
#include <string_view>

#include "masker/finding.hpp"

namespace holdpoint::masker {

enum class Shape {
  text,    ///< any string
  number,  ///< must still read as a number
  fill,    ///< exactly as many bytes as before
  number_fill,
};

/// "REDACTED-<class>", or with the parts that a class keeps. The mask of a mask is the mask itself.
std::string mask_for(Class kind, std::string_view value, Shape shape);

/// True for what mask_for() makes, so that masking its own output changes nothing. Reveals nothing by being skipped:
/// either fixed text, or at most 10 bytes around a run of "*".
bool is_mask(std::string_view value);

}  // namespace holdpoint::masker
