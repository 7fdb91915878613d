// What the operator or a policy's Mask obligation changes about the defaults.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"
#include "masker/finding.hpp"

namespace holdpoint::masker {

struct PathRule {
  std::string path;  ///< members joined by ".", matched from the end, any case: "Item.note"
  Class kind = Class::secret;
};

struct Rules {
  std::vector<PathRule> paths;  ///< always masked
  std::vector<Class> disabled;  ///< personal classes only; secrets cannot be switched off here
  enum class Contacts { by_service, on, off } contacts = Contacts::by_service;
};

/// From a MaskRequested's `rules`: {"paths":[{"path","class"}],"disabled":[class],"contacts":"on"|"off"}. Empty text
/// is the default. Fails with `malformed` on anything unknown, so that a mistyped rule is no silent gap.
Result<Rules> parse_rules(std::string_view json);

}  // namespace holdpoint::masker
