#include "masker/rules.hpp"

#include "bus/base/json.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t rules_max = 1024;  // a policy's obligations are written by people

Result<void> read_paths(const Json& list, Rules& rules) {
  if (!list.is_array() || list.size() > rules_max) return fail(Code::malformed, "rules.paths: expected a list");
  for (const Json& entry : list) {
    if (!entry.is_object()) return fail(Code::malformed, "rules.paths: expected objects");
    const auto path = get_string(entry, "path");
    if (!path || path->empty()) return fail(Code::malformed, "rules.paths: each needs a path");
    const std::string text = string_or(entry, "class", "secret");
    const Class kind = class_from_name(text);
    if (kind == Class::none)
      return fail(Code::malformed, "rules.paths: no class is called '" + display(text, 64) + "'");
    rules.paths.push_back({*path, kind});
  }
  return {};
}

Result<void> read_disabled(const Json& list, Rules& rules) {
  if (!list.is_array() || list.size() > rules_max) return fail(Code::malformed, "rules.disabled: expected a list");
  for (const Json& entry : list) {
    const Class kind = entry.is_string() ? class_from_name(entry.get<std::string>()) : Class::none;
    if (kind == Class::none) return fail(Code::malformed, "rules.disabled: expected names of classes");
    if (!is_personal(kind)) return fail(Code::malformed, "rules.disabled: secrets are always masked");
    rules.disabled.push_back(kind);
  }
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
