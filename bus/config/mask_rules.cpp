#include "bus/config/mask_rules.hpp"

namespace holdpoint::config {
namespace {

bool covers(std::string_view rule, std::string_view what) { return rule == "*" || rule == what; }

void add(const MaskRule& rule, Json& paths, Json& patterns) {
  Json entry{{"class", rule.mask_class}, {"name", rule.name}};
  switch (rule.kind) {
    case MaskRule::Kind::path:
      entry["path"] = rule.text;
      paths.push_back(std::move(entry));
      return;
    case MaskRule::Kind::literal:
      entry["literal"] = rule.text;
      break;
    case MaskRule::Kind::regex:
      entry["regex"] = rule.text;
      break;
  }
  patterns.push_back(std::move(entry));
}

}  // namespace

std::optional<MaskRule> mask_rule_from_path(std::string_view text, std::string_view mask_class) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (first == 0 || second == std::string_view::npos || second == first + 1 || second + 1 >= text.size())
    return std::nullopt;
  MaskRule rule;
  rule.service = text.substr(0, first);
  rule.operation = text.substr(first + 1, second - first - 1);
  rule.text = text.substr(second + 1);
  rule.mask_class = mask_class;
  return rule;
}

Json mask_rules(const MaskingSettings& settings, std::string_view service, std::string_view operation,
                std::string_view target) {
  Json paths = Json::array();
  Json patterns = Json::array();
  for (const auto& [path, kind] : settings.paths) {
    const auto rule = mask_rule_from_path(path, kind);
    if (rule && covers(rule->service, service) && covers(rule->operation, operation)) add(*rule, paths, patterns);
  }
  for (const MaskRule& rule : settings.rules) {
    if (covers(rule.service, service) && covers(rule.operation, operation) &&
        (target.empty() || covers(rule.target, target)))
      add(rule, paths, patterns);
  }
  Json rules = Json::object();
  if (!paths.empty()) rules["paths"] = std::move(paths);
  if (!patterns.empty()) rules["patterns"] = std::move(patterns);
  if (!settings.styles.empty()) rules["styles"] = settings.styles;
  return rules;
}

}  // namespace holdpoint::config
