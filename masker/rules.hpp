// What the operator or a policy's Mask obligation changes about the defaults.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"
#include "masker/detect/patterns.hpp"
#include "masker/finding.hpp"
#include "masker/redact.hpp"

namespace holdpoint::masker {

struct PathRule {
  std::string path;  ///< members joined by ".", any case, "*" for any one: "Item.note"; all that is below it goes too
  Class kind = Class::secret;
  std::string name;  ///< the finding's rule
};

struct Rules {
  std::vector<PathRule> paths;               ///< always masked
  std::shared_ptr<const Patterns> patterns;  ///< always masked; may be none
  Styles styles;
  std::vector<Class> disabled;  ///< personal classes only; secrets cannot be switched off here
  std::vector<Class> unmask;    ///< left as they are in answers, and counted; what paths and patterns name is masked
  enum class Contacts { by_service, on, off } contacts = Contacts::by_service;
};

/// From a MaskRequested's `rules`:
/// {"paths":[{"path","class","name"?}],"patterns":[{"literal"|"regex","class","name"?}],
/// "styles":{class:"redact"|"partial"|"fill"},"disabled":[class],"unmask":[class],"contacts":"on"|"off"}. Empty text is
/// the default. Fails with `malformed` on anything unknown, so that a mistyped rule is no silent gap.
Result<Rules> parse_rules(std::string_view json);

}  // namespace holdpoint::masker
