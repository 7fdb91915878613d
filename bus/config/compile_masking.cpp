#include "bus/config/compile_masking.hpp"

#include <algorithm>
#include <span>

#include "bus/base/encoding.hpp"
#include "bus/config/mask_classes.hpp"
#include "bus/config/mask_rules.hpp"
#include "bus/config/suggestion.hpp"

namespace holdpoint::config {
namespace {

// Every question to a masker carries its rules, and sixteen of them travel in one message of at most 1 MiB.
constexpr std::size_t kRulesMax = 128;
constexpr std::size_t kTextBytesMax = 200;
constexpr std::size_t kNameBytesMax = 32;

bool is_word(std::string_view text, bool upper) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (upper && c >= 'A' && c <= 'Z');
  });
}

class MaskingReader {
 public:
  MaskingReader(const std::vector<Target>& targets, const MaskRuleCheck& check, Problems& problems,
                MaskingSettings& out)
      : targets_(targets), check_(check), problems_(problems), out_(out) {}

  void read(const YamlNode& node) {
    Section section(node, "masking", {"preset", "paths", "rules", "styles"}, problems_);
    if (const auto index = section.choice("preset", {"default", "off"})) out_.preset = *index == 1 ? "off" : "default";
    if (const auto* paths = section.find("paths")) read_paths(*paths);
    if (const auto* rules = section.find("rules")) {
      for (const YamlNode& rule : list_entries(*rules, "masking.rules", problems_)) read_rule(rule);
    }
    if (const auto* styles = section.find("styles")) read_styles(*styles);
    if (out_.paths.size() + out_.rules.size() > kRulesMax)
      problems_.add(node.mark, "more than " + std::to_string(kRulesMax) + " rules, which no message could carry");
  }

 private:
  void check_class(const YamlNode& node, const std::string& name) {
    const auto classes = std::span(kMaskClasses).subspan(1);
    if (std::ranges::find(classes, name) == classes.end())
      problems_.add(node.mark, "unknown class \"" + display(name, 64) + "\"" + did_you_mean(name, classes));
  }

  void check_path(const Mark& mark, std::string_view path) {
    if (path.empty() || path.size() > kTextBytesMax || path.starts_with('.') || path.ends_with('.') ||
        path.find("..") != std::string_view::npos || path.find('[') != std::string_view::npos || !is_shown(path)) {
      problems_.add(mark,
                    "expected names of members joined by \".\", without lists and their numbers, like \"Item.note\"");
    }
  }

  // What is shown as something else is not what people reviewed.
  static bool is_shown(std::string_view text) { return display(text, text.size()) == text; }

  void look_at(const Mark& mark, const MaskRule& rule) {
    if (!check_) return;
    if (const std::string wrong = check_(rule); !wrong.empty()) problems_.add(mark, wrong);
  }

  void read_paths(const YamlNode& paths) {
    for (const auto& [path, name] : map_entries(paths, "masking.paths", problems_)) {
      const auto text = scalar_text(*name, "a class", problems_);
      const auto rule = mask_rule_from_path(path->text, text.value_or(""));
      if (!rule) {
        problems_.add(path->mark, "expected \"service:Operation:path\", like \"dynamodb:GetItem:Item.note\"");
      } else {
        check_path(path->mark, rule->text);
        look_at(path->mark, *rule);
      }
      if (!text) continue;
      check_class(*name, *text);
      out_.paths.emplace_back(path->text, *text);
    }
  }

  void read_rule(const YamlNode& node) {
    Section section(node, "masking.rules",
                    {"name", "service", "operation", "target", "path", "literal", "regex", "class"}, problems_);
    MaskRule rule;
    section.text("name", rule.name);
    if (rule.name.empty() || rule.name.size() > kNameBytesMax ||
        !std::ranges::all_of(rule.name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }))
      problems_.add(section.at("name"), "expected a name of lower-case letters and \"-\", at most 32");
    read_scope(section, rule);
    read_what(node, section, rule);
    if (section.required_text("class", rule.mask_class)) check_class(*section.find("class"), rule.mask_class);
    look_at(node.mark, rule);
    out_.rules.push_back(std::move(rule));
  }

  void read_scope(Section& section, MaskRule& rule) {
    section.text("service", rule.service);
    section.text("operation", rule.operation);
    section.text("target", rule.target);
    if (rule.service != "*" && !is_word(rule.service, false))
      problems_.add(section.at("service"), "expected a service's name in lower case, like \"dynamodb\", or \"*\"");
    if (rule.operation != "*" && !is_word(rule.operation, true))
      problems_.add(section.at("operation"), "expected an operation's name, like \"GetItem\", or \"*\"");
    if (rule.operation != "*" && rule.service == "*")
      problems_.add(section.at("operation"), "an operation needs its service");
    std::vector<std::string_view> names;
    for (const Target& target : targets_) names.push_back(target.name);
    if (rule.target != "*" && std::ranges::find(names, rule.target) == names.end())
      problems_.add(section.at("target"),
                    "there is no target \"" + display(rule.target, 80) + "\"" + did_you_mean(rule.target, names));
  }

  void read_what(const YamlNode& node, Section& section, MaskRule& rule) {
    int found = 0;
    for (const auto& [key, kind] : {std::pair{"path", MaskRule::Kind::path},
                                    {"literal", MaskRule::Kind::literal},
                                    {"regex", MaskRule::Kind::regex}}) {
      if (section.find(key) == nullptr) continue;
      ++found;
      rule.kind = kind;
      if (!section.text(key, rule.text)) continue;
      if (kind == MaskRule::Kind::path) {
        check_path(section.at(key), rule.text);
      } else if (rule.text.size() < 4 || rule.text.size() > kTextBytesMax || !is_shown(rule.text)) {
        problems_.add(section.at(key), "expected 4 to 200 bytes of visible text");
      }
    }
    if (found != 1) problems_.add(node.mark, "expected one of path, literal and regex");
  }

  void read_styles(const YamlNode& styles) {
    for (const auto& [name, value] : map_entries(styles, "masking.styles", problems_)) {
      check_class(*name, name->text);
      const auto style = scalar_text(*value, "a style", problems_);
      if (!style) continue;
      if (std::ranges::find(kMaskStyles, *style) == kMaskStyles.end()) {
        problems_.add(value->mark, "unknown style \"" + display(*style, 64) + "\"" + did_you_mean(*style, kMaskStyles));
      } else if (*style == "partial" && std::ranges::find(kPartialClasses, name->text) == kPartialClasses.end()) {
        problems_.add(value->mark, "of this class no part may stay: expected \"redact\" or \"fill\"");
      }
      out_.styles[name->text] = *style;
    }
  }

  const std::vector<Target>& targets_;
  const MaskRuleCheck& check_;
  Problems& problems_;
  MaskingSettings& out_;
};

}  // namespace

void read_masking(const YamlNode& node, const std::vector<Target>& targets, const MaskRuleCheck& check,
                  Problems& problems, MaskingSettings& out) {
  MaskingReader(targets, check, problems, out).read(node);
}

}  // namespace holdpoint::config
