// What is wrong with a policy although it parses: statements that can never match, actions, condition keys and
// reviewers that do not exist. Runs when configuration is applied, not when requests are decided.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/policy/policy.hpp"

namespace holdpoint::config {
struct Document;
}

namespace holdpoint::policy {

struct LintContext {
  /// Whether any action matches the pattern, in lower case ("dynamodb:get*"). Empty = actions are not checked.
  std::function<bool(const Pattern& pattern)> matches_an_action;
  /// The names of the configuration's reviewer groups.
  std::set<std::string, std::less<>> reviewer_groups;
  /// Names and urls without scheme of the configured issuers, for keys like ISSUER:sub in trust policies.
  std::set<std::string, std::less<>> issuers;
  /// From when on an Unmask may last 90 days; the epoch = not checked.
  Instant now{};
};

/// One line each: "NAME:LINE: /Statement/0/…: what is wrong".
std::vector<std::string> lint(const Policy& policy, const LintContext& context);

/// Parses and lints every trust and role policy of a document; fits config::PolicyCheck.
std::vector<std::string> lint_document(const config::Document& document,
                                       const std::function<bool(const Pattern&)>& matches_an_action = {},
                                       Instant now = {});

}  // namespace holdpoint::policy
