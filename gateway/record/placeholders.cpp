#include "gateway/record/placeholders.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "bus/base/encoding.hpp"

namespace holdpoint::record {
namespace {

constexpr std::size_t kPlacesMax = 4096;  // of a transaction of 100 items, each with 40 values
constexpr int kNestingMax = 8;

/// A word of an expression or statement: an attribute's path, a placeholder (":v", "?") or a keyword.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '#' || c == ':' || c == '[' || c == ']' || static_cast<unsigned char>(c) >= 0x80;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (text[at] == '?') {
      ++at;
    } else if (!is_word(text[at]) || (text[at] == ':' && (at + 1 == text.size() || !is_word(text[at + 1])))) {
      ++at;
      continue;
    } else {
      while (at < text.size() && is_word(text[at])) ++at;
    }
    out.push_back(text.substr(begin, at - begin));
  }
  return out;
}

bool is_placeholder(std::string_view word) { return word == "?" || word.starts_with(':'); }

bool is_attribute(std::string_view word) {
  static constexpr std::array<std::string_view, 24> kKeywords{
      "and",    "or",   "not",      "between",          "in",     "set",    "remove",        "add",
      "delete", "size", "contains", "begins_with",      "where",  "from",   "select",        "update",
      "insert", "into", "value",    "attribute_exists", "values", "exists", "if_not_exists", "list_append"};
  return !is_placeholder(word) && std::none_of(kKeywords.begin(), kKeywords.end(), [&](std::string_view keyword) {
    return equal_ignoring_case(word, keyword);
  });
}

/// "settings.#p[0]" -> what #p stands for.
std::string last_step(std::string_view path, const Json& names) {
  while (path.ends_with(':')) path.remove_suffix(1);
  if (const std::size_t bracket = path.find_last_not_of("0123456789[]"); bracket != std::string_view::npos)
    path = path.substr(0, bracket + 1);
  const std::string step(path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1));
  return names.is_object() ? string_or(names, step, step) : step;
}

/// The attribute nearest before word `at`, else the nearest after it.
std::string attribute_of(const std::vector<std::string_view>& words, std::size_t at, const Json& names) {
  for (std::size_t i = at; i-- > 0;) {
    if (is_attribute(words[i])) return last_step(words[i], names);
  }
  for (std::size_t i = at + 1; i < words.size(); ++i) {
    if (is_attribute(words[i])) return last_step(words[i], names);
  }
  return {};
}

class Search {
 public:
  void in(const Json& value, const Json::json_pointer& place, int depth) {
    if (depth > kNestingMax || !value.is_structured()) return;
    if (value.is_object()) {
      expressions(value, place);
      statement(value, place);
    }
    std::size_t index = 0;
    for (const auto& [name, member] : value.items()) {
      if (member.is_structured()) in(member, value.is_array() ? place / index : place / name, depth + 1);
      ++index;
    }
  }

  std::vector<NamedPlace> found;

 private:
  void add(const Json::json_pointer& place, std::string name) {
    if (!name.empty() && found.size() < kPlacesMax) found.push_back({place, std::move(name)});
  }

  void expressions(const Json& object, const Json::json_pointer& place) {
    const auto values = object.find("ExpressionAttributeValues");
    if (values == object.end() || !values->is_object()) return;
    const Json names = object.value("ExpressionAttributeNames", Json::object());
    for (const char* member :
         {"UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression"}) {
      const std::string expression = string_or(object, member);
      const auto words = words_of(expression);
      for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string key(words[i]);
        if (is_placeholder(key) && values->contains(key))
          add(place / "ExpressionAttributeValues" / key, attribute_of(words, i, names));
      }
    }
  }

  void statement(const Json& object, const Json::json_pointer& place) {
    const auto parameters = object.find("Parameters");
    const std::string text = string_or(object, "Statement");
    if (text.empty() || parameters == object.end() || !parameters->is_array()) return;
    const auto words = words_of(text);
    std::size_t index = 0;
    for (std::size_t i = 0; i < words.size() && index < parameters->size(); ++i) {
      if (words[i] == "?") add(place / "Parameters" / index++, attribute_of(words, i, Json()));
    }
  }
};

}  // namespace

std::vector<NamedPlace> named_places(const Json& parameters) {
  Search search;
  search.in(parameters, Json::json_pointer(), 0);
  return std::move(search.found);
}

}  // namespace holdpoint::record
