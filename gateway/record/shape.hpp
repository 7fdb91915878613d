// The shape of a call's parameters: names, types and sizes. What the record holds of calls that no masker has read.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::record {

/// Texts become "(text, 12 bytes)", numbers "(number)"; truth values stay. A member of the top level that names one of
/// `resources` (the table, the bucket, the key) stays when it is plain. At most 512 values.
Json shape_of(const Json& parameters, const std::vector<std::string>& resources);

}  // namespace holdpoint::record
