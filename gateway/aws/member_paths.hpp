// Values of a decoded call by the path of their member, as the table writes paths: "Name", "Names[]", "A.B[].C",
// "M{}.C" for a map's values (or "M()" inside of a template).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::aws {

/// Every string or number there. Forms differ in how they write lists: a lone value where a list is modelled counts as
/// its only element, and XML's and the query protocol's wrappers ("member", "entry") are passed through.
std::vector<std::string> values_at(const Json& parameters, std::string_view path);

}  // namespace holdpoint::aws
