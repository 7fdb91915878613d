#include "bus/config/section.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>

#include "bus/base/encoding.hpp"
#include "bus/config/suggestion.hpp"

namespace holdpoint::config {
namespace {

constexpr std::size_t kProblemsMax = 20;  // a screen; more of them say nothing new

std::string joined(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const auto name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace

void Problems::add(const Mark& mark, const std::string& what) {
  const std::string place = mark.line == 0 ? "" : std::to_string(mark.line) + ":" + std::to_string(mark.column) + ":";
  add_line(file_ + ":" + place + " " + what);
}

void Problems::add_line(std::string line) {
  if (lines_.size() < kProblemsMax) lines_.push_back(std::move(line));
}

Error Problems::error() const {
  std::string out;
  for (const auto& line : lines_) out += (out.empty() ? "" : "\n") + line;
  return fail(Code::configuration, std::move(out));
}

std::vector<std::pair<const YamlNode*, const YamlNode*>> map_entries(const YamlNode& node, const std::string& what,
                                                                     Problems& problems) {
  std::vector<std::pair<const YamlNode*, const YamlNode*>> out;
  if (node.kind != YamlNode::Kind::map) {
    problems.add(node.mark, "expected " + what + " as a mapping (key: value)");
    return out;
  }
  std::set<std::string_view> seen;
  for (const auto& [key, value] : node.entries) {
    if (key.kind != YamlNode::Kind::scalar) {
      problems.add(key.mark, "a key of " + what + " is no text");
    } else if (!seen.insert(key.text).second) {
      problems.add(key.mark, "duplicate key \"" + display(key.text, 80) + "\" in " + what);
    } else {
      out.emplace_back(&key, &value);
    }
  }
  return out;
}

const std::vector<YamlNode>& list_entries(const YamlNode& node, const std::string& what, Problems& problems) {
  if (node.kind != YamlNode::Kind::list) {
    problems.add(node.mark, "expected " + what + " as a list ([…], or lines that begin with \"- \")");
  }
  return node.items;
}

std::optional<std::string> scalar_text(const YamlNode& node, const std::string& what, Problems& problems) {
  if (node.kind == YamlNode::Kind::scalar && !node.text.empty()) return node.text;
  problems.add(node.mark, "expected " + what + " as a text");
  return std::nullopt;
}

Section::Section(const YamlNode& node, std::string what, std::initializer_list<std::string_view> known,
                 Problems& problems)
    : node_(node), what_(std::move(what)), problems_(problems) {
  for (const auto& [key, value] : map_entries(node, what_, problems)) {
    if (std::ranges::find(known, std::string_view(key->text)) == known.end()) {
      const std::string suggestion = did_you_mean(key->text, std::span(known.begin(), known.size()));
      problems.add(key->mark, "unknown key \"" + display(key->text, 80) + "\" in " + what_ +
                                  (suggestion.empty() ? "; expected one of " + joined(known) : suggestion));
      continue;
    }
    values_.emplace_back(key->text, value);
  }
}

const YamlNode* Section::find(std::string_view key) const {
  const auto found = std::ranges::find(values_, key, &decltype(values_)::value_type::first);
  return found == values_.end() ? nullptr : found->second;
}

Mark Section::at(std::string_view key) const {
  const YamlNode* node = find(key);
  return node == nullptr ? node_.mark : node->mark;
}

bool Section::text(std::string_view key, std::string& out) {
  const YamlNode* node = find(key);
  if (node == nullptr) return false;
  auto value = scalar_text(*node, name_of(key), problems_);
  if (!value) return false;
  out = std::move(*value);
  return true;
}

bool Section::required_text(std::string_view key, std::string& out) {
  if (find(key) != nullptr) return text(key, out);
  if (node_.kind == YamlNode::Kind::map) problems_.add(node_.mark, what_ + " has no \"" + std::string(key) + "\"");
  return false;
}

bool Section::texts(std::string_view key, std::vector<std::string>& out) {
  const YamlNode* node = find(key);
  if (node == nullptr) return false;
  out.clear();
  for (const auto& item : list_entries(*node, name_of(key), problems_)) {
    if (auto value = scalar_text(item, "an entry of " + name_of(key), problems_)) out.push_back(std::move(*value));
  }
  return true;
}

bool Section::duration(std::string_view key, Duration min, Duration max, Duration& out) {
  const YamlNode* node = find(key);
  if (node == nullptr) return false;
  const auto value = parse_duration(node->text);
  if (!value || *value < min || *value > max) {
    problems_.add(node->mark, "expected " + name_of(key) + " as a time from " + to_text(min) + " to " + to_text(max) +
                                  ", like 90s, 15m or 1h");
    return false;
  }
  out = *value;
  return true;
}

std::optional<std::uint64_t> Section::whole_number(std::string_view key, std::uint64_t min, std::uint64_t max) {
  const YamlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const char* last = node->text.data() + node->text.size();
  const auto [end, error] = std::from_chars(node->text.data(), last, value);
  if (error != std::errc() || end != last || value < min || value > max) {
    problems_.add(node->mark, "expected " + name_of(key) + " as a whole number from " + std::to_string(min) + " to " +
                                  std::to_string(max));
    return std::nullopt;
  }
  return value;
}

void Section::boolean(std::string_view key, bool& out) {
  if (const auto index = choice(key, {"false", "true"})) out = *index == 1;
}

std::optional<std::size_t> Section::choice(std::string_view key, std::initializer_list<std::string_view> choices) {
  const YamlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind == YamlNode::Kind::scalar) {
    const auto* found = std::ranges::find(choices, std::string_view(node->text));
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  }
  problems_.add(node->mark, "expected " + name_of(key) + " as one of " + joined(choices) +
                                did_you_mean(node->text, std::span(choices.begin(), choices.size())));
  return std::nullopt;
}

}  // namespace holdpoint::config
