#include "gateway/record/shape.hpp"

#include <algorithm>

#include "gateway/record/plain_text.hpp"

namespace holdpoint::record {
namespace {

constexpr std::size_t kValuesMax = 512;
constexpr int kShapeDepthMax = 16;

std::string name_of(const std::string& name, std::size_t number) {
  if (is_plain(name)) return name;
  return "(name " + std::to_string(number) + ", " + std::to_string(name.size()) + " bytes)";
}

class Shape {
 public:
  Json of(const Json& value, int depth) {
    if (++values_ > kValuesMax || depth > kShapeDepthMax) return "(more)";
    if (value.is_boolean() || value.is_null()) return value;
    if (value.is_number()) return "(number)";
    if (value.is_string()) return "(text, " + std::to_string(value.get_ref<const std::string&>().size()) + " bytes)";
    if (value.is_array()) return of_list(value, depth);
    return value.is_object() ? of_object(value.get_ref<const Json::object_t&>(), depth) : Json("(more)");
  }

 private:
  Json of_list(const Json& list, int depth) {
    Json out = Json::array();
    for (const Json& element : list) {
      out.push_back(of(element, depth + 1));
      if (values_ > kValuesMax) break;
    }
    return out;
  }

  Json of_object(const Json::object_t& object, int depth) {
    Json::object_t out;
    std::size_t number = 0;
    for (const auto& [name, member] : object) {
      Json shape = of(member, depth + 1);
      out[name_of(name, ++number)] = std::move(shape);
      if (values_ > kValuesMax) break;
    }
    return out;
  }

  std::size_t values_ = 0;
};

/// `name` is the resource's last part, or all that follows its bucket.
bool names_one(const std::string& name, const std::vector<std::string>& resources) {
  return std::any_of(resources.begin(), resources.end(), [&](const std::string& resource) {
    if (name.size() < 3 || name.size() >= resource.size() || !resource.ends_with(name)) return name == resource;
    const char before = resource[resource.size() - name.size() - 1];
    return before == '/' || before == ':';
  });
}

}  // namespace

Json shape_of(const Json& parameters, const std::vector<std::string>& resources) {
  Json out = Shape().of(parameters, 0);
  if (!parameters.is_object()) return out;
  for (const auto& [name, value] : parameters.get_ref<const Json::object_t&>()) {
    if (!value.is_string() || !out.contains(name)) continue;
    const std::string& text = value.get_ref<const std::string&>();
    if (is_plain(text) && names_one(text, resources)) out[name] = text;
  }
  return out;
}

}  // namespace holdpoint::record
