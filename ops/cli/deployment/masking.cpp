#include "ops/cli/deployment/masking.hpp"

#include "bus/base/encoding.hpp"
#include "bus/config/mask_rules.hpp"
#include "bus/config/suggestion.hpp"
#include "gateway/aws/table.hpp"
#include "masker/detect/patterns.hpp"

namespace holdpoint::deployment {
namespace {

using Kind = config::MaskRule::Kind;

std::string unknown_service(const std::string& name) {
  const auto& services = aws::Table::instance().services();
  const std::string head = "there is no service \"" + display(name, 80) + "\"";
  std::vector<std::string_view> ids;
  for (const auto& service : services) {
    // "secretsmanager" is what policies and credentials call "secrets-manager".
    if (service->iam_prefix == name) return head + "; did you mean \"" + std::string(service->id) + "\"?";
    ids.push_back(service->id);
  }
  return head + config::did_you_mean(name, ids);
}

std::string unknown_operation(const aws::ServiceModel& service, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& operation : service.operations()) names.push_back(operation.name);
  return "service " + std::string(service.id) + " has no operation \"" + display(name, 80) + "\"" +
         config::did_you_mean(name, names);
}

std::string rule_name(std::size_t index) { return "rule " + std::to_string(index + 1); }

}  // namespace

std::string wrong_with_mask_rule(const config::MaskRule& rule) {
  if (rule.service != "*") {
    const aws::ServiceModel* service = aws::Table::instance().service(rule.service);
    if (service == nullptr) return unknown_service(rule.service);
    if (rule.operation != "*" && service->operation(rule.operation) == nullptr)
      return unknown_operation(*service, rule.operation);
  } else if (rule.operation != "*") {
    return "an operation needs its service";
  }
  if (rule.kind == Kind::path || rule.text.empty()) return {};
  const auto compiled = masker::Patterns::compile({{rule.kind == Kind::literal, rule.text, masker::Class::secret, ""}});
  return compiled ? std::string() : compiled.error().context;
}

std::string wrong_with_mask_rules(const config::MaskingSettings& settings) {
  std::vector<masker::PatternRule> patterns;
  for (const config::MaskRule& rule : settings.rules) {
    if (rule.kind != Kind::path)
      patterns.push_back({rule.kind == Kind::literal, rule.text, masker::Class::secret, rule.name});
  }
  if (patterns.empty()) return {};
  const auto compiled = masker::Patterns::compile(std::move(patterns));
  return compiled ? std::string() : "masking.rules: together with the others, " + compiled.error().context;
}

std::string describe(const config::MaskRule& rule) {
  const auto any = [](const std::string& text, const char* otherwise) {
    return text == "*" ? std::string(otherwise) : text;
  };
  const char* kind = rule.kind == Kind::path ? "member " : rule.kind == Kind::literal ? "text " : "expression ";
  std::string where = any(rule.service, "every service");
  if (const aws::ServiceModel* service = aws::Table::instance().service(rule.service); service != nullptr) {
    where += rule.operation == "*" ? " (" + std::to_string(service->operations().size()) + " operations)"
                                   : ":" + rule.operation;
  }
  return std::string(kind) + display(rule.text, 200) + " as " + rule.mask_class + ", in " + where + ", on " +
         any(rule.target, "every target");
}

std::vector<config::MaskRule> all_mask_rules(const config::MaskingSettings& settings) {
  std::vector<config::MaskRule> rules;
  for (const auto& [path, kind] : settings.paths) {
    if (auto rule = config::mask_rule_from_path(path, kind)) rules.push_back(std::move(*rule));
  }
  rules.insert(rules.end(), settings.rules.begin(), settings.rules.end());
  return rules;
}

MaskTrial::MaskTrial(const config::MaskingSettings& settings, std::string target)
    : rules_(all_mask_rules(settings)), settings_(settings), target_(std::move(target)) {
  settings_.paths.clear();
  settings_.rules = rules_;
  for (std::size_t i = 0; i < settings_.rules.size(); ++i) settings_.rules[i].name = rule_name(i);
}

Result<masker::Rules> MaskTrial::rules_for(std::string_view service, std::string_view operation) const {
  return masker::parse_rules(to_json(config::mask_rules(settings_, service, operation, target_)));
}

void MaskTrial::count(const std::vector<masker::Finding>& findings) {
  for (const masker::Finding& finding : findings) matches_[finding.rule] += finding.count;
}

Json MaskTrial::summary() const {
  Json out = Json::array();
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto found = matches_.find(rule_name(i));
    out.push_back({{"rule", describe(rules_[i])}, {"matches", found == matches_.end() ? 0 : found->second}});
  }
  return out;
}

}  // namespace holdpoint::deployment
