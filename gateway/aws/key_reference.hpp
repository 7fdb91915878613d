// Which IAM actions have which of their service's condition keys: AWS's reference (table/condition_keys.txt, written by
// ops/generate/aws-table). Whether a request here tells a key's value is another question: request_keys.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdpoint::aws {

struct ReferenceKey {
  std::string_view name;             ///< as AWS writes it; what ends in / or : has a free part
  bool is_arn = false;               ///< its values are ARNs
  std::vector<std::string> actions;  ///< "s3:putobject": lower case, sorted
};

/// The key, in lower case and with its free part, if AWS has it; nullptr otherwise. Made when first asked for;
/// thread-safe.
const ReferenceKey* reference_key(std::string_view key);

/// Whether AWS has `key` for `action`, both in lower case.
bool has_condition_key(std::string_view key, std::string_view action);

/// The names of a service's own keys ("s3"), for suggestions.
std::vector<std::string_view> condition_keys_of(std::string_view prefix);

}  // namespace holdpoint::aws
