// The `masking` section of a configuration file.
#pragma once

#include <functional>

#include "bus/config/document.hpp"
#include "bus/config/section.hpp"

namespace holdpoint::config {

/// What is wrong with a rule that reads well (a service that does not exist, an expression that does not compile), or
/// nothing. What knows it is beyond bus/.
using MaskRuleCheck = std::function<std::string(const MaskRule&)>;

/// A rule that could match nothing for a misspelt word is an error: it would let through what somebody believes masked.
void read_masking(const YamlNode& node, const std::vector<Target>& targets, const MaskRuleCheck& check,
                  Problems& problems, MaskingSettings& out);

}  // namespace holdpoint::config
