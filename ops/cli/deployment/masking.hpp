// What is known offline of an operator's masking rules: whether they can match at all, and what they did to given
// bodies. Not here: their grammar (bus/config/compile_masking.hpp).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bus/config/document.hpp"
#include "masker/mask.hpp"

namespace holdpoint::deployment {

/// A service or operation that AWS does not have, an expression that does not compile; else empty.
std::string wrong_with_mask_rule(const config::MaskRule& rule);

/// Expressions that are fine one by one may be too many together; then no answer could be masked. Empty when they are
/// not.
std::string wrong_with_mask_rules(const config::MaskingSettings& settings);

/// One line for people: what the rule is about and how many operations that are.
std::string describe(const config::MaskRule& rule);

/// `masking.paths` in the form of `masking.rules`, before those.
std::vector<config::MaskRule> all_mask_rules(const config::MaskingSettings& settings);

/// Tries a configuration's rules on bodies, and counts what each rule found.
class MaskTrial {
 public:
  /// `target` is "" for the rules of every target.
  MaskTrial(const config::MaskingSettings& settings, std::string target);

  /// The rules for this operation, under names that tell them apart. Fails as a masker would.
  [[nodiscard]] Result<masker::Rules> rules_for(std::string_view service, std::string_view operation) const;
  void count(const std::vector<masker::Finding>& findings);
  /// [{"rule","matches"}], one for each rule, in order.
  [[nodiscard]] Json summary() const;

 private:
  std::vector<config::MaskRule> rules_;  ///< as written
  config::MaskingSettings settings_;     ///< with a name for each rule
  std::string target_;
  std::map<std::string, std::uint64_t, std::less<>> matches_;
};

}  // namespace holdpoint::deployment
