#include "gateway/aws/member_paths.hpp"

namespace holdpoint::aws {
namespace {

void add_value(const Json& value, std::vector<std::string>& out) {
  if (value.is_string()) out.push_back(value.get<std::string>());
  if (value.is_number()) out.push_back(value.dump());
}

void visit(const Json& at, std::string_view path, std::vector<std::string>& out);

void visit_all(const Json& children, std::string_view path, std::vector<std::string>& out) {
  for (const Json& child : children) visit(child, path, out);
}

void visit_elements(const Json& at, std::string_view rest, std::vector<std::string>& out) {
  if (at.is_array()) return visit_all(at, rest, out);
  const std::string_view next = rest.substr(rest.starts_with('.') ? 1 : 0);
  const bool wrapper = at.is_object() && !at.contains(std::string(next.substr(0, next.find_first_of(".[{("))));
  if (!wrapper) return visit(at, rest, out);
  for (const Json& child : at) {
    if (child.is_array()) {
      visit_all(child, rest, out);
    } else {
      visit(child, rest, out);
    }
  }
}

void visit_entries(const Json& at, std::string_view rest, std::vector<std::string>& out) {
  if (at.is_object() && at.size() == 1 && at.contains("entry")) return visit_entries(at.at("entry"), rest, out);
  if (at.is_object()) return visit_all(at, rest, out);
  if (!at.is_array()) return;
  for (const Json& entry : at) {  // [{"key": …, "value": …}]
    for (const char* const value : {"value", "Value"}) {
      if (entry.is_object() && entry.contains(value)) visit(entry.at(value), rest, out);
    }
  }
}

void visit(const Json& at, std::string_view path, std::vector<std::string>& out) {
  if (path.starts_with('.')) path.remove_prefix(1);
  if (path.empty()) {
    if (!at.is_array()) return add_value(at, out);
    for (const Json& element : at) add_value(element, out);
    return;
  }
  if (path.starts_with("[]")) return visit_elements(at, path.substr(2), out);
  if (path.starts_with("{}") || path.starts_with("()")) return visit_entries(at, path.substr(2), out);
  if (at.is_array()) return visit_all(at, path, out);
  const std::string name(path.substr(0, path.find_first_of(".[{(")));
  if (!at.is_object()) return;
  if (const auto found = at.find(name); found != at.end()) visit(*found, path.substr(name.size()), out);
}

}  // namespace

std::vector<std::string> values_at(const Json& parameters, std::string_view path) {
  std::vector<std::string> out;
  visit(parameters, path, out);
  return out;
}

}  // namespace holdpoint::aws
