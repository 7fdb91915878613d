#include <map>

#include "gateway/aws/parameters.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kDepthMax = 32;

struct Node {
  std::map<std::string, Node, std::less<>> children;
  std::string text;
  bool leaf = false;
};

// 1 to 9 digits without a leading zero, 0 for anything else: "01" would be a second name of the same element.
std::size_t list_index(std::string_view text) {
  if (text.empty() || text.size() > 9 || text.front() == '0') return 0;
  std::size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

bool is_list(const Node& node) {
  for (const auto& [name, child] : node.children) {
    if (list_index(name) == 0) return false;
  }
  return !node.children.empty();
}

Json to_value(Node& node) {
  if (node.leaf) return std::move(node.text);
  // "Tags.member.1" is a list of the query protocol, "Attributes.entry.1.key" a map.
  if (node.children.size() == 1) {
    auto& [name, only] = *node.children.begin();
    if ((name == "member" || name == "entry") && is_list(only)) return to_value(only);
  }
  if (!is_list(node)) {
    Json object = Json::object();
    for (auto& [name, child] : node.children) object[name] = to_value(child);
    return object;
  }
  std::map<std::size_t, Node*> ordered;
  for (auto& [name, child] : node.children) ordered[list_index(name)] = &child;
  Json list = Json::array();
  for (auto& [index, child] : ordered) list.push_back(to_value(*child));
  return list;
}

}  // namespace

Result<Json> unflatten(const Fields& form) {
  Node root;
  for (const auto& [key, value] : form) {
    Node* at = &root;
    std::string_view rest = key;
    std::size_t depth = 0;
    while (true) {
      if (++depth > kDepthMax) return fail(Code::too_large, "parameters nested too deep");
      const std::size_t dot = rest.find('.');
      const std::string_view part = rest.substr(0, dot);
      if (part.empty() || at->leaf)
        return fail(Code::malformed, "parameter " + display(key, 80) + " is malformed or conflicts with another");
      at = &at->children[std::string(part)];
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    if (at->leaf || !at->children.empty())
      return fail(Code::malformed, "parameter " + display(key, 80) + " conflicts with another");
    at->leaf = true;
    at->text = value;
  }
  if (root.children.empty()) return Json::object();
  Json object = Json::object();
  for (auto& [name, child] : root.children) object[name] = to_value(child);
  return object;
}

}  // namespace holdpoint::aws
