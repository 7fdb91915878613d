// Which of an operator's masking rules apply to one operation, as a masker is told (PROTOCOL.md, "masks"). Pure.
#pragma once

#include <string_view>

#include "bus/config/document.hpp"

namespace holdpoint::config {

/// {"paths":[…],"patterns":[…],"styles":{…}}, without what is empty. An empty `target` is one that is not known yet:
/// rules of every target apply.
Json mask_rules(const MaskingSettings& settings, std::string_view service, std::string_view operation,
                std::string_view target);

/// The short form of a rule, "service:Operation:path"; nullopt when it is none.
std::optional<MaskRule> mask_rule_from_path(std::string_view text, std::string_view mask_class);

}  // namespace holdpoint::config
