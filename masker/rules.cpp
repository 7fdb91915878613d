#include "masker/rules.hpp"

#include <algorithm>

#include "bus/base/json.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t rules_max = 1024;  // written by people
constexpr std::string_view unnamed = "operator";

Result<Class> class_of(const Json& entry) {
  const std::string text = string_or(entry, "class", "secret");
  const Class kind = class_from_name(text);
  if (kind == Class::none) return fail(Code::malformed, "no class is called '" + display(text, 64) + "'");
  return kind;
}

Result<void> read_paths(const Json& list, Rules& rules) {
  if (!list.is_array() || list.size() > rules_max) return fail(Code::malformed, "rules.paths: expected a list");
  for (const Json& entry : list) {
    if (!entry.is_object()) return fail(Code::malformed, "rules.paths: expected objects");
    const auto path = get_string(entry, "path");
    if (!path || path->empty()) return fail(Code::malformed, "rules.paths: each needs a path");
    const auto kind = class_of(entry);
    if (!kind) return fail(Code::malformed, "rules.paths: " + kind.error().context);
    rules.paths.push_back({*path, *kind, string_or(entry, "name", unnamed)});
  }
  return {};
}

Result<void> read_patterns(const Json& list, Rules& rules) {
  if (!list.is_array() || list.size() > rules_max) return fail(Code::malformed, "rules.patterns: expected a list");
  std::vector<PatternRule> patterns;
  for (const Json& entry : list) {
    if (!entry.is_object() || entry.contains("literal") == entry.contains("regex"))
      return fail(Code::malformed, "rules.patterns: each needs either a literal or a regex");
    const bool is_literal = entry.contains("literal");
    const auto kind = class_of(entry);
    if (!kind) return fail(Code::malformed, "rules.patterns: " + kind.error().context);
    patterns.push_back(
        {is_literal, string_or(entry, is_literal ? "literal" : "regex"), *kind, string_or(entry, "name", unnamed)});
  }
  if (patterns.empty()) return {};
  auto compiled = Patterns::compiled(patterns);
  if (!compiled) return fail(Code::malformed, "rules.patterns: " + compiled.error().context);
  rules.patterns = std::move(*compiled);
  return {};
}

Result<void> read_styles(const Json& object, Rules& rules) {
  if (!object.is_object()) return fail(Code::malformed, "rules.styles: expected an object");
  for (const auto& [name, value] : object.items()) {
    const Class kind = class_from_name(name);
    const auto style = style_from_name(value.is_string() ? value.get<std::string>() : std::string());
    if (kind == Class::none || !style || (*style == Style::partial && !has_partial_form(kind)))
      return fail(Code::malformed, "rules.styles: '" + display(name, 64) + "' has no such style");
    rules.styles.set(kind, *style);
  }
  return {};
}

Result<std::vector<Class>> read_classes(const Json& list, std::string_view place) {
  const auto wrong = [&](std::string_view why) { return fail(Code::malformed, std::string(place) + std::string(why)); };
  if (!list.is_array() || list.size() > rules_max) return wrong(": expected a list");
  std::vector<Class> out;
  for (const Json& entry : list) {
    const Class kind = entry.is_string() ? class_from_name(entry.get<std::string>()) : Class::none;
    if (kind == Class::none) return wrong(": expected names of classes");
    out.push_back(kind);
  }
  return out;
}

Result<void> read_unmask(const Json& list, Rules& rules) {
  auto classes = read_classes(list, "rules.unmask");
  if (!classes) return classes.error();
  rules.unmask = std::move(*classes);
  return {};
}

Result<void> read_disabled(const Json& list, Rules& rules) {
  auto classes = read_classes(list, "rules.disabled");
  if (!classes) return classes.error();
  if (!std::ranges::all_of(*classes, is_personal))
    return fail(Code::malformed, "rules.disabled: secrets are always masked");
  rules.disabled = std::move(*classes);
  return {};
}

}  // namespace

Result<Rules> parse_rules(std::string_view text) {
  Rules rules;
  if (text.empty()) return rules;
  const auto json = parse_json(text);
  if (!json) return json.error();
  if (!json->is_object()) return fail(Code::malformed, "rules: expected an object");
  for (const auto& [key, value] : json->items()) {
    Result<void> read;
    if (key == "paths") {
      read = read_paths(value, rules);
    } else if (key == "patterns") {
      read = read_patterns(value, rules);
    } else if (key == "styles") {
      read = read_styles(value, rules);
    } else if (key == "unmask") {
      read = read_unmask(value, rules);
    } else if (key == "disabled") {
      read = read_disabled(value, rules);
    } else if (key == "contacts" && (value == "on" || value == "off")) {
      rules.contacts = value == "on" ? Rules::Contacts::on : Rules::Contacts::off;
    } else {
      read = fail(Code::malformed, "rules: unknown or wrong '" + display(key, 64) + "'");
    }
    if (!read) return read.error();
  }
  return rules;
}

}  // namespace holdpoint::masker
