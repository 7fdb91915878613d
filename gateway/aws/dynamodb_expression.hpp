// DynamoDB's expressions, as far as condition keys need them: which attributes one names, and which values a key
// condition compares with. What this reader does not understand it says so, and the keys count as unknown: a value that
// was overlooked would pass every ForAllValues.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::aws {

/// The attributes of the first level, placeholders resolved by `names` (ExpressionAttributeNames), each once and in
/// order. Empty optional: the expression cannot be read, or a placeholder has no name.
std::optional<std::vector<std::string>> expression_attributes(std::string_view expression, const Json& names);

/// What a key condition compares with `=`, out of `values` (ExpressionAttributeValues): the partition key's value is
/// among them. Empty optional: the expression cannot be read, compares nothing, or a value is missing.
std::optional<std::vector<Json>> expression_equalities(std::string_view expression, const Json& values);

}  // namespace holdpoint::aws
