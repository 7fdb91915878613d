// Joins a name with its value: is this value, under this name, sensitive? Shared by structured members, columns and
// key=value pairs in text.
#pragma once

#include <string_view>

#include "masker/detect/key_name.hpp"

namespace holdpoint::masker {

/// The class to mask the whole value with; `none` leaves it to the detectors.
Class judge_named(KeyClass key, std::string_view value);

/// The value has the shape that personal data of this class has.
bool fits(Class kind, std::string_view value);

/// Letters and digits mixed as people's passwords and machines' tokens are, and words are not.
bool looks_generated(std::string_view value);

}  // namespace holdpoint::masker
