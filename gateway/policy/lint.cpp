#include "gateway/policy/lint.hpp"

#include <algorithm>
#include <array>

#include "bus/config/document.hpp"
#include "bus/config/suggestion.hpp"
#include "gateway/aws/key_reference.hpp"
#include "gateway/aws/request_keys.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                       "Friday", "Saturday", "Sunday"};
constexpr std::size_t kKeysShownMax = 6;
constexpr Duration kUnmaskMax = std::chrono::days(90);
constexpr std::array<std::string_view, 5> kAccess = {"List", "Read", "Write", "Tagging", "Permissions management"};

class EmptyContext final : public Context {
 public:
  [[nodiscard]] std::vector<std::string> values(std::string_view) const override { return {}; }
};

// The service of an action pattern or ARN; empty where a wildcard leaves it open.
std::string_view service_of_action(const Pattern& action) {
  const std::string_view text = action.text();
  const std::string_view service = text.substr(0, text.find(':'));
  return service.find_first_of("*?") == std::string_view::npos ? service : std::string_view();
}
std::string_view service_of_arn(const Pattern& resource) {
  std::string_view text = resource.text();
  if (!text.starts_with("arn:")) return {};
  text.remove_prefix(4);
  const std::size_t partition = text.find(':');
  if (partition == std::string_view::npos || text.substr(0, partition).find_first_of("*?$") != std::string_view::npos) {
    return {};
  }
  text.remove_prefix(partition + 1);
  const std::string_view service = text.substr(0, text.find(':'));
  return service.find_first_of("*?$") == std::string_view::npos ? service : std::string_view();
}

class Linter {
 public:
  Linter(const Policy& policy, const LintContext& context) : policy_(policy), context_(context) {}

  std::vector<std::string> run() {
    for (const auto& statement : policy_.statements()) {
      check_actions(statement);
      check_resources(statement);
      check_conditions(statement);
      check_contradictions(statement);
      check_reviewers(statement);
      check_unmask(statement);
    }
    check_shadowed();
    return std::move(lines_);
  }

 private:
  void add(const std::string& place, const std::string& what) {
    std::size_t line = policy_.line_of(place);
    if (line == 0) line = policy_.line_of(place.substr(0, place.rfind('/')));
    lines_.push_back(policy_.name() + ":" + std::to_string(line) + ": " + display(place, 200) + ": " + what);
  }
  static std::string shown(std::string_view text) { return "\"" + display(text, 120) + "\""; }

  // What is open for a time must be looked at again by somebody; one that ended does no harm.
  void check_unmask(const Statement& statement) {
    if (statement.unmask.empty() || context_.now == Instant{}) return;
    if (statement.unmask_until > context_.now + kUnmaskMax)
      add(statement.place + "/Unmask/Until",
          "lies more than 90 days ahead: leave data unmasked for as long as it is needed");
  }

  void check_actions(const Statement& statement) {
    const std::string place = statement.place + (statement.not_actions ? "/NotAction" : "/Action");
    for (const auto& action : statement.actions) {
      if (action.matches_everything()) {
        if (statement.not_actions) add(place, "NotAction \"*\" leaves no action: the statement can never match");
        continue;
      }
      if (policy_.kind() == PolicyKind::trust) {
        if (action.match("sts:assumerole", EmptyContext()) != Pattern::Match::yes &&
            action.match("sts:assumerolewithwebidentity", EmptyContext()) != Pattern::Match::yes &&
            action.match("sts:tagsession", EmptyContext()) != Pattern::Match::yes &&
            action.match("sts:setsourceidentity", EmptyContext()) != Pattern::Match::yes) {
          add(place, shown(action.text()) +
                         " is no action of a trust policy; expected sts:AssumeRoleWithWebIdentity or sts:AssumeRole");
        }
      } else if (context_.matches_an_action && !context_.matches_an_action(action)) {
        add(place, shown(action.text()) + " matches no action that exists");
      }
    }
  }

  // An ARN of a service that none of the actions belongs to is never among their resources.
  void check_resources(const Statement& statement) {
    const std::string place = statement.place + (statement.not_resources ? "/NotResource" : "/Resource");
    std::set<std::string, std::less<>> services;
    bool any_service = statement.not_actions;
    for (const auto& action : statement.actions) {
      const std::string_view service = service_of_action(action);
      any_service |= service.empty();
      services.insert(to_lower(service));
    }
    bool can_match = statement.resources.empty();
    for (const auto& resource : statement.resources) {
      if (statement.not_resources && resource.matches_everything()) {
        add(place, "NotResource \"*\" leaves no resource: the statement can never match");
      }
      const std::string_view service = service_of_arn(resource);
      // A few actions authorise resources of another service (kms keys, IAM roles to pass).
      const bool foreign = service == "iam" || service == "kms";
      can_match |= any_service || service.empty() || foreign || services.contains(to_lower(service));
    }
    if (!statement.not_resources && !can_match) {
      add(place, "no resource belongs to the service of an action: the statement can never match");
    }
  }

  void check_conditions(const Statement& statement) {
    for (const auto& condition : statement.conditions) {
      const std::string& key = condition.key();
      const std::string place = statement.place + "/Condition/" + condition.operator_name();
      check_key(statement, key, place);
      for (const auto& pattern : condition.patterns()) {
        for (const auto& variable : pattern.variables()) check_key(statement, variable, place);
      }
      if (is_multivalued_key(key) && !condition.has_set_qualifier() && !condition.is_null_test()) {
        add(place, key + " has several values: use ForAnyValue: or ForAllValues:");
      }
      check_word(condition, "holdpoint:weekday", kWeekdays, place);
      check_word(condition, "holdpoint:access", kAccess, place);
    }
    for (const auto& resource : statement.resources) {
      for (const auto& variable : resource.variables()) check_key(statement, variable, statement.place + "/Resource");
    }
  }

  // The gateway knows its own keys of every request; those of tags and services are told by some requests alone.
  void check_key(const Statement& statement, std::string_view key, const std::string& place) {
    const bool of_tags = key.starts_with("aws:requesttag/") || key == "aws:tagkeys";
    if (is_known_key(key) && !of_tags) return;
    const std::string_view prefix = key.substr(0, key.find(':'));
    if (policy_.kind() == PolicyKind::trust) {
      const std::string_view issuer = key.substr(0, key.rfind(':'));
      const bool known =
          std::ranges::any_of(context_.issuers, [&](const auto& i) { return equal_ignoring_case(i, issuer); });
      if (known || is_known_key(key) || key == "sts:rolesessionname") return;
    } else if (of_tags || (prefix != "aws" && prefix != "holdpoint")) {
      return check_request_key(statement, key, place);
    } else if (key.starts_with("aws:resourcetag/")) {
      return add(place, untold(key, "") + ": name the resources in Resource");
    }
    add(place, "unknown condition key " + shown(key) + config::did_you_mean(key, known_keys()));
  }

  // Some action of the statement must have the key, its requests must tell it, and so must those of every action that
  // stands there by its own name.
  void check_request_key(const Statement& statement, std::string_view key, const std::string& place) {
    const aws::ReferenceKey* known = aws::reference_key(key);
    if (known == nullptr) return add(place, "unknown condition key " + shown(key) + near_keys(key));
    bool exists = false;
    bool told = false;
    std::string silent;
    for (const std::string& action : known->actions) {
      if (!statement.covers_action(action, EmptyContext())) continue;
      exists = true;
      const bool tells = key.starts_with("aws:") || aws::is_derived_key(key, action);
      told |= tells;
      if (!tells && silent.empty() && statement.names_action(action)) silent = action;
    }
    if (!exists) {
      return add(place, "no action of the statement has the condition key " + shown(key) + ": it never exists here" +
                            near_keys(key));
    }
    if (!told || !silent.empty())
      add(place, untold(key, silent) + ": decide by other keys, or by Resource" + near_keys(key));
  }

  static std::string untold(std::string_view key, std::string_view action) {
    return "no request" + (action.empty() ? std::string() : " for " + std::string(action)) + " tells the gateway " +
           shown(key) + ", so an Allow with it would never apply and a Deny or Hold always";
  }

  // The nearest of the keys that requests to that service tell, else the first few of them.
  static std::string near_keys(std::string_view key) {
    std::vector<std::string_view> keys;
    for (const std::string_view each : aws::derived_keys()) {
      if (each.starts_with(key.substr(0, key.find(':') + 1)) && (keys.empty() || keys.back() != each))
        keys.push_back(each);
    }
    std::string out = config::did_you_mean(key, keys);
    if (!out.empty() || keys.empty()) return out;
    for (std::size_t i = 0; i < std::min(keys.size(), kKeysShownMax); ++i)
      out += (i == 0 ? "; requests tell " : ", ") + std::string(keys[i]);
    return keys.size() > kKeysShownMax ? out + ", …" : out;
  }

  void check_word(const Condition& condition, std::string_view key, std::span<const std::string_view> words,
                  const std::string& place) {
    if (condition.key() != key) return;
    for (const auto& pattern : condition.patterns()) {
      if (pattern.has_variables() || pattern.has_wildcards()) continue;
      const bool known =
          std::ranges::any_of(words, [&](auto word) { return equal_ignoring_case(word, pattern.text()); });
      if (!known)
        add(place,
            std::string(key) + " is never " + shown(pattern.text()) + config::did_you_mean(pattern.text(), words));
    }
  }

  // A key that must be absent, and another condition that needs it.
  void check_contradictions(const Statement& statement) {
    for (const auto& null : statement.conditions) {
      if (!null.is_null_test() || !null.must_be_absent()) continue;
      for (const auto& other : statement.conditions) {
        if (other.key() != null.key() || other.holds_when_absent()) continue;
        add(statement.place + "/Condition",
            null.key() + " must be absent, and " + other.operator_name() + " needs it: the statement can never match");
      }
    }
  }

  void check_reviewers(const Statement& statement) {
    if (statement.effect != Effect::hold) return;
    std::vector<std::string_view> names(context_.reviewer_groups.begin(), context_.reviewer_groups.end());
    for (const auto& group : statement.review.reviewers) {
      if (context_.reviewer_groups.contains(group)) continue;
      add(statement.place + "/Review/Reviewers",
          "there is no reviewer group " + shown(group) + config::did_you_mean(group, names));
    }
    if (context_.reviewer_groups.empty() && statement.review.reviewers.empty()) {
      add(statement.place, "nobody can decide: the configuration names no reviewers");
    }
  }

  // A Deny of everything without a condition leaves nothing to any other statement.
  void check_shadowed() {
    for (const auto& statement : policy_.statements()) {
      const auto everything = [](const std::vector<Pattern>& patterns) {
        return std::ranges::any_of(patterns, &Pattern::matches_everything);
      };
      const bool denies_all = policy_.kind() != PolicyKind::trust && statement.effect == Effect::deny &&
                              statement.conditions.empty() && !statement.not_actions && !statement.not_resources &&
                              everything(statement.actions) && everything(statement.resources);
      if (denies_all && policy_.statements().size() > 1) {
        add(statement.place, "denies everything: no other statement can ever decide");
      }
    }
  }

  const Policy& policy_;
  const LintContext& context_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> lint(const Policy& policy, const LintContext& context) {
  return Linter(policy, context).run();
}

std::vector<std::string> lint_document(const config::Document& document,
                                       const std::function<bool(const Pattern&)>& matches_an_action, Instant now) {
  LintContext context;
  context.now = now;
  context.matches_an_action = matches_an_action;
  for (const auto& [name, group] : document.reviewers) context.reviewer_groups.insert(name);
  for (const auto& issuer : document.issuers) {
    constexpr std::string_view kScheme = "https://";
    context.issuers.insert(issuer.name);
    context.issuers.insert(issuer.url.starts_with(kScheme) ? issuer.url.substr(kScheme.size()) : issuer.url);
  }
  std::vector<std::string> lines;
  std::set<std::string> seen;
  const auto check = [&](const std::string& name, const std::string& text, PolicyKind kind) {
    if (!seen.insert(name + "\n" + text).second) return;
    const auto policy = Policy::parse(name, text, kind);
    if (!policy) return lines.push_back(policy.error().context);
    for (auto& line : lint(*policy, context)) lines.push_back(std::move(line));
  };
  for (const auto& role : document.roles) {
    check("trust policy of " + role.arn, role.trust, PolicyKind::trust);
    for (const auto& policy : role.policies) check(policy.name, policy.text, PolicyKind::role);
  }
  return lines;
}

}  // namespace holdpoint::policy
