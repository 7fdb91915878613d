#include "gateway/policy/policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>

#include "bus/base/json.hpp"
#include "bus/config/mask_classes.hpp"
#include "bus/config/suggestion.hpp"
#include "gateway/policy/place.hpp"

namespace holdpoint::policy {
namespace {

constexpr std::size_t kTextBytesMax = 256 << 10;  // IAM's own bound is 10 KiB for all policies of a role
constexpr std::size_t kStatementsMax = 500;
constexpr std::size_t kListMax = 1000;

// What is wrong, and where; becomes the one Error that parse() answers with.
struct Problem {
  std::string place;
  std::string what;
};
template <class T = void>
using Read = boost::system::result<T, Problem>;

std::string shown(std::string_view text) { return "\"" + display(text, 80) + "\""; }

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
  return out;
}

// One text or a list of texts, as IAM writes nearly everything. Booleans and numbers are taken as their text.
Read<std::vector<std::string>> read_texts(const Json& value, const std::string& place) {
  std::vector<std::string> out;
  const auto add = [&](const Json& item) {
    if (item.is_string()) {
      out.push_back(item.get<std::string>());
    } else if (item.is_boolean() || item.is_number()) {
      out.push_back(item.dump());
    } else {
      return false;
    }
    return true;
  };
  if (value.is_array()) {
    if (value.empty()) return Problem{place, "expected at least one entry"};
    if (value.size() > kListMax) return Problem{place, "expected at most 1000 entries"};
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!add(value[i])) return Problem{place + "/" + std::to_string(i), "expected a text"};
    }
  } else if (!add(value)) {
    return Problem{place, "expected a text or a list of texts"};
  }
  return out;
}

class StatementReader {
 public:
  StatementReader(const Json& object, std::string place, PolicyKind kind, bool variables)
      : object_(object), place_(std::move(place)), kind_(kind), variables_(variables) {}

  Read<Statement> read(std::size_t number) {
    if (!object_.is_object()) return Problem{place_, "expected a statement { … }"};
    statement_.place = place_;
    statement_.name = "#" + std::to_string(number);
    for (auto step :
         {&StatementReader::read_members, &StatementReader::read_head, &StatementReader::read_actions,
          &StatementReader::read_resources, &StatementReader::read_principals, &StatementReader::read_conditions,
          &StatementReader::read_review, &StatementReader::read_obligations, &StatementReader::read_unmask}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    return std::move(statement_);
  }

 private:
  [[nodiscard]] const Json* get(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  [[nodiscard]] std::string at(std::string_view name) const { return place_ + "/" + escaped(name); }

  Read<> read_members() {
    static constexpr std::array<std::string_view, 16> kKnown = {
        "Sid",       "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal",
        "Condition", "Review", "Mask",   "Unmask",    "Record",   "Limit",       "Limits",    "Limitations"};
    for (const auto& [name, value] : object_.items()) {
      if (name.starts_with("Limit"))
        return Problem{at(name), "limits are not supported yet: remove it, or hold instead"};
      if (std::ranges::find(kKnown, name) == kKnown.end()) {
        return Problem{at(name), "unknown member" + config::did_you_mean(name, std::span(kKnown).first(13))};
      }
      const bool ours = name == "Review" || name == "Mask" || name == "Unmask" || name == "Record";
      if (ours && kind_ != PolicyKind::role) return Problem{at(name), "belongs into a role's own policies alone"};
    }
    return {};
  }

  Read<> read_head() {
    if (const Json* sid = get("Sid")) {
      if (!sid->is_string() || sid->get<std::string>().empty() || sid->get<std::string>().size() > 128) {
        return Problem{at("Sid"), "expected a text of 1 to 128 letters"};
      }
      statement_.name = sid->get<std::string>();
    }
    const std::string effect = string_or(object_, "Effect");
    if (effect == "Allow") {
      statement_.effect = Effect::allow;
    } else if (effect == "Deny") {
      statement_.effect = Effect::deny;
    } else if (effect == "Hold" && kind_ == PolicyKind::role) {
      statement_.effect = Effect::hold;
    } else {
      return Problem{at("Effect"), kind_ == PolicyKind::role ? "expected \"Allow\", \"Hold\" or \"Deny\""
                                                             : "expected \"Allow\" or \"Deny\""};
    }
    return {};
  }

  // The one of `name` and "Not`name`" that is there.
  Read<const Json*> one_of(const char* name, const char* negated, bool& is_negated, std::string& place) {
    const Json* plain = get(name);
    const Json* inverse = get(negated);
    if ((plain == nullptr) == (inverse == nullptr)) {
      return Problem{place_, std::string("expected either ") + name + " or " + negated};
    }
    is_negated = inverse != nullptr;
    place = at(is_negated ? negated : name);
    return is_negated ? inverse : plain;
  }

  Read<> read_actions() {
    std::string place;
    const auto value = one_of("Action", "NotAction", statement_.not_actions, place);
    if (!value) return value.error();
    const auto texts = read_texts(**value, place);
    if (!texts) return texts.error();
    for (const auto& text : *texts) {
      const std::size_t colon = text.find(':');
      const bool named = colon != std::string::npos && colon > 0 && colon + 1 < text.size() &&
                         text.find(':', colon + 1) == std::string::npos;
      if ((text != "*" && !named) || text.find_first_of(" \t$") != std::string::npos) {
        return Problem{place, shown(text) + " is no action: expected \"service:Name\" or \"*\""};
      }
      auto pattern = Pattern::parse(text, {.wildcards = true, .variables = false, .ignore_case = true});
      if (!pattern) return Problem{place, pattern.error().context};
      statement_.actions.push_back(std::move(*pattern));
    }
    return {};
  }

  Read<> read_resources() {
    if (kind_ == PolicyKind::trust) {
      for (const char* name : {"Resource", "NotResource"}) {
        if (get(name) != nullptr) return Problem{at(name), "a trust policy names no resources"};
      }
      return {};
    }
    std::string place;
    const auto value = one_of("Resource", "NotResource", statement_.not_resources, place);
    if (!value) return value.error();
    const auto texts = read_texts(**value, place);
    if (!texts) return texts.error();
    for (const auto& text : *texts) {
      auto pattern = Pattern::parse(text, {.wildcards = true, .variables = variables_});
      if (!pattern) return Problem{place, pattern.error().context};
      const bool is_arn = text.starts_with("arn:") && std::ranges::count(text, ':') >= 5;
      // "arn:aws:s3:::*" has its colons; "arn:*" and "*:table/x" reach them through a wildcard.
      if (!is_arn && !pattern->has_wildcards() && !pattern->has_variables()) {
        return Problem{place,
                       shown(text) + " is no resource: expected an ARN (arn:aws:service:region:account:name) or \"*\""};
      }
      statement_.resources.push_back(std::move(*pattern));
    }
    return {};
  }

  Read<> read_principals() {
    if (const Json* inverse = get("NotPrincipal"); inverse != nullptr) {
      return Problem{at("NotPrincipal"), "is not supported: name those who are trusted"};
    }
    const Json* value = get("Principal");
    if (kind_ != PolicyKind::trust) {
      if (value != nullptr)
        return Problem{at("Principal"), "belongs into trust policies: a role's policy is about the role"};
      return {};
    }
    if (value == nullptr) return Problem{place_, "expected Principal: whom this statement trusts"};
    if (*value == "*") {
      statement_.principals.push_back({});
      return {};
    }
    if (!value->is_object() || value->empty()) {
      return Problem{at("Principal"), "expected {\"Federated\": …}, {\"AWS\": …} or \"*\""};
    }
    for (const auto& [kind, names] : value->items()) {
      const std::string place = at("Principal") + "/" + escaped(kind);
      if (kind != "Federated" && kind != "AWS") return Problem{place, "expected \"Federated\" or \"AWS\""};
      const auto texts = read_texts(names, place);
      if (!texts) return texts.error();
      for (const auto& text : *texts) {
        if (text.empty() || (text != "*" && text.find_first_of("*?") != std::string::npos)) {
          return Problem{place, "a principal is named without wildcards"};
        }
        statement_.principals.push_back(
            {kind == "AWS" ? PrincipalPattern::Kind::aws : PrincipalPattern::Kind::federated, text});
      }
    }
    return {};
  }

  Read<> read_conditions() {
    const Json* conditions = get("Condition");
    if (conditions == nullptr) return {};
    if (!conditions->is_object()) return Problem{at("Condition"), "expected {\"Operator\": {\"key\": value}}"};
    for (const auto& [name, keys] : conditions->items()) {
      const std::string place = at("Condition") + "/" + escaped(name);
      if (!keys.is_object() || keys.empty()) return Problem{place, "expected {\"key\": value}"};
      std::set<std::string> seen;
      for (const auto& [key, value] : keys.items()) {
        const std::string key_place = place + "/" + escaped(key);
        // Keys ignore case: the second spelling would be an "and" that reads like an "or".
        if (!seen.insert(to_lower(key)).second) return Problem{key_place, "the same key twice (case does not count)"};
        const auto texts = read_texts(value, key_place);
        if (!texts) return texts.error();
        auto condition = Condition::parse(name, key, *texts, variables_);
        if (!condition) return Problem{key_place, condition.error().context};
        statement_.conditions.push_back(std::move(*condition));
      }
    }
    return {};
  }

  Read<> read_review() {
    const Json* review = get("Review");
    if (review == nullptr) return {};
    if (statement_.effect != Effect::hold)
      return Problem{at("Review"), "belongs to statements with \"Effect\": \"Hold\""};
    if (!review->is_object()) return Problem{at("Review"), "expected {\"Reviewers\": […], …}"};
    ReviewTerms& terms = statement_.review;
    for (const auto& [name, value] : review->items()) {
      const std::string place = at("Review") + "/" + escaped(name);
      if (name == "Reviewers") {
        auto texts = read_texts(value, place);
        if (!texts) return texts.error();
        terms.reviewers = std::move(*texts);
      } else if (name == "Required") {
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 || value.get<std::uint64_t>() > 20) {
          return Problem{place, "expected a number of people from 1 to 20"};
        }
        terms.required = static_cast<unsigned>(value.get<std::uint64_t>());
      } else if (name == "Within") {
        const auto duration = value.is_string() ? parse_duration(value.get<std::string>()) : std::nullopt;
        if (!duration || *duration > std::chrono::days(7))
          return Problem{place, "expected a time up to 7d, like \"15m\""};
        terms.within = *duration;
      } else if (name == "Grant") {
        if (auto read = read_grant(value, place); !read) return read.error();
      } else if (name == "Reason") {
        if (!value.is_string() || value.get<std::string>().size() > 500)
          return Problem{place, "expected a text up to 500 bytes"};
        terms.reason = value.get<std::string>();
      } else {
        static constexpr std::array<std::string_view, 5> kKnown = {"Reviewers", "Required", "Within", "Grant",
                                                                   "Reason"};
        return Problem{place, "unknown member" + config::did_you_mean(name, kKnown)};
      }
    }
    return {};
  }

  Read<> read_grant(const Json& value, const std::string& place) {
    if (value == "once") return {};
    const auto length = value.is_object() && value.size() == 1 ? value.find("For") : value.end();
    const auto duration = value.is_object() && length != value.end() && length->is_string()
                              ? parse_duration(length->get<std::string>())
                              : std::nullopt;
    if (!duration || *duration > std::chrono::hours(24)) {
      return Problem{place, "expected \"once\" or {\"For\": \"30m\"} (at most 24h)"};
    }
    statement_.review.grant_for = *duration;
    return {};
  }

  Read<> read_obligations() {
    if (const Json* mask = get("Mask")) {
      if (statement_.effect == Effect::deny)
        return Problem{at("Mask"), "belongs to Allow and Hold: a Deny answers nothing"};
      auto texts = read_texts(*mask, at("Mask"));
      if (!texts) return texts.error();
      if (texts->size() > 1 && std::ranges::find(*texts, "off") != texts->end()) {
        return Problem{at("Mask"), "\"off\" stands alone"};
      }
      static constexpr std::array<std::string_view, 7> kMasks{"default", "off",           "contacts",     "email",
                                                              "phone",   "date-of-birth", "date_of_birth"};
      for (const auto& text : *texts) {
        if (std::ranges::find(kMasks, text) == kMasks.end())
          return Problem{at("Mask"), "unknown mask " + shown(text) + config::did_you_mean(text, kMasks)};
      }
      statement_.mask = std::move(*texts);
    }
    if (const Json* record = get("Record")) {
      if (*record != "full" && *record != "metadata") return Problem{at("Record"), "expected \"full\" or \"metadata\""};
      if (statement_.effect == Effect::deny) return Problem{at("Record"), "belongs to Allow and Hold"};
      statement_.record_metadata = *record == "metadata";
    }
    return {};
  }

  // {"Classes": ["email"], "Until": "2026-12-31T00:00:00Z"}
  Read<> read_unmask() {
    const Json* unmask = get("Unmask");
    if (unmask == nullptr) return {};
    const std::string place = at("Unmask");
    if (statement_.effect == Effect::deny) return Problem{place, "belongs to Allow and Hold: a Deny answers nothing"};
    if (!unmask->is_object()) return Problem{place, "expected {\"Classes\": […], \"Until\": \"2026-12-31T00:00:00Z\"}"};
    for (const auto& [name, value] : unmask->items()) {
      static constexpr std::array<std::string_view, 2> kKnown = {"Classes", "Until"};
      if (std::ranges::find(kKnown, name) == kKnown.end())
        return Problem{place + "/" + escaped(name), "unknown member" + config::did_you_mean(name, kKnown)};
    }
    if (!unmask->contains("Classes")) return Problem{place, "expected Classes: what stays unmasked, named one by one"};
    const auto classes = read_texts((*unmask)["Classes"], place + "/Classes");
    if (!classes) return classes.error();
    for (const auto& name : *classes) {
      // No word for all of them: whoever leaves a credential unmasked says which.
      static constexpr auto kClasses = std::span(config::kMaskClasses).subspan(1);
      if (std::ranges::find(kClasses, name) == kClasses.end())
        return Problem{place + "/Classes", "unknown class " + shown(name) + config::did_you_mean(name, kClasses)};
      if (std::ranges::find(statement_.unmask, name) == statement_.unmask.end()) statement_.unmask.push_back(name);
    }
    const auto until = from_rfc3339(string_or(*unmask, "Until"));
    if (!until) return Problem{place, "expected Until: the time at which it ends, like \"2026-12-31T00:00:00Z\""};
    statement_.unmask_until = *until;
    if (!statement_.mask.empty() && statement_.mask != std::vector<std::string>{"default"})
      return Problem{place, "contradicts the statement's own Mask: expected \"default\" beside it, or no Mask"};
    return {};
  }

  const Json& object_;
  std::string place_;
  PolicyKind kind_;
  bool variables_;
  Statement statement_;
};

Read<std::vector<Statement>> read_policy(const Json& object, PolicyKind kind) {
  static constexpr std::array<std::string_view, 3> kKnown = {"Version", "Id", "Statement"};
  if (!object.is_object()) return Problem{"", "expected a policy { \"Version\": …, \"Statement\": … }"};
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(kKnown, name) == kKnown.end()) {
      return Problem{"/" + escaped(name), "unknown member" + config::did_you_mean(name, kKnown)};
    }
  }
  // Without a version IAM assumes 2008-10-17, in which ${…} is no variable but text.
  const std::string version = object.contains("Version") ? string_or(object, "Version") : "2008-10-17";
  if (version != "2012-10-17" && version != "2008-10-17") return Problem{"/Version", "expected \"2012-10-17\""};
  const bool variables = version == "2012-10-17";
  const auto list = object.find("Statement");
  if (list == object.end()) return Problem{"", "expected a member Statement"};
  const bool single = list->is_object();
  if (!single && (!list->is_array() || list->empty() || list->size() > kStatementsMax)) {
    return Problem{"/Statement", "expected a list of 1 to 500 statements"};
  }
  std::vector<Statement> statements;
  std::set<std::string> names;
  for (std::size_t i = 0; i < (single ? 1 : list->size()); ++i) {
    const std::string place = single ? "/Statement" : "/Statement/" + std::to_string(i);
    auto statement = StatementReader(single ? *list : (*list)[i], place, kind, variables).read(i + 1);
    if (!statement) return statement.error();
    if (!names.insert(statement->name).second) return Problem{place + "/Sid", "another statement has the same Sid"};
    statements.push_back(std::move(*statement));
  }
  return statements;
}

// parse_json ends its message with the byte where it stopped; people want the line.
std::string with_line(const std::string& name, std::string_view text, const std::string& context) {
  std::size_t position = 0;
  const std::size_t at = context.rfind(" at byte ");
  if (at == std::string::npos) return name + ": " + context;
  const std::string_view digits = std::string_view(context).substr(at + std::string_view(" at byte ").size());
  std::from_chars(digits.data(), digits.data() + digits.size(), position);
  return name + ":" + std::to_string(line_of_byte(text, position)) + ": " + context.substr(0, at);
}

}  // namespace

bool Statement::covers_action(std::string_view action, const Context& context) const {
  const bool found = std::ranges::any_of(
      actions, [&](const Pattern& pattern) { return pattern.match(action, context) == Pattern::Match::yes; });
  return found != not_actions;
}

bool Statement::names_action(std::string_view action) const {
  return !not_actions && std::ranges::any_of(actions, [&](const Pattern& pattern) {
    return !pattern.has_wildcards() && !pattern.has_variables() && equal_ignoring_case(pattern.text(), action);
  });
}

bool Statement::covers_resource(std::string_view resource, const Context& context) const {
  const bool whole = covers_whole_resource(resource, context);
  if (side() == Side::permit || whole) return whole;
  const bool open = resource != "*" && resource.find_first_of("*?") != std::string_view::npos;
  const auto matches = [&](const Pattern& pattern) { return pattern.match(resource, context) == Pattern::Match::yes; };
  // What an unresolved variable would have excluded is not known: a permit does not reach it, a restriction does.
  if (not_resources) return !std::ranges::any_of(resources, matches);
  return std::ranges::any_of(resources, [&](const Pattern& p) {
    return (open || p.needs_unknown(context)) && p.may_match(resource, context);
  });
}

bool Statement::covers_whole_resource(std::string_view resource, const Context& context) const {
  // Asked for each statement and call: what only NotResource needs is not looked for without it.
  const bool open = not_resources && resource != "*" && resource.find_first_of("*?") != std::string_view::npos;
  for (const auto& pattern : resources) {
    const auto match = pattern.match(resource, context);
    if (!not_resources && match == Pattern::Match::yes) return true;
    if (not_resources && match != Pattern::Match::no) return false;
    if (not_resources && open && pattern.may_match(resource, context)) return false;
  }
  return not_resources;
}

bool Statement::conditions_hold(const Context& context) const {
  return std::ranges::all_of(conditions, [&](const Condition& c) { return c.holds(context, side()); });
}

Result<Policy> Policy::parse(std::string name, std::string_view text, PolicyKind kind) {
  const auto object = parse_json(text, {.bytes_max = kTextBytesMax, .depth_max = 16});
  if (!object) return fail(Code::configuration, with_line(name, text, object.error().context));
  auto statements = read_policy(*object, kind);
  if (!statements) {
    const Problem& problem = statements.error();
    // A member that is missing has no line: that of what should hold it has.
    std::size_t line = line_of_pointer(text, problem.place);
    if (line == 0) line = line_of_pointer(text, problem.place.substr(0, problem.place.rfind('/')));
    return fail(Code::configuration, name + ":" + std::to_string(line) + ": " +
                                         (problem.place.empty() ? std::string() : display(problem.place, 200) + ": ") +
                                         problem.what);
  }
  for (auto& statement : *statements) statement.line = line_of_pointer(text, statement.place);
  Policy policy;
  policy.data_ = std::make_shared<const Data>(Data{std::move(name), std::string(text), kind, std::move(*statements)});
  return policy;
}

std::size_t Policy::line_of(std::string_view pointer) const { return line_of_pointer(data_->text, pointer); }

}  // namespace holdpoint::policy
