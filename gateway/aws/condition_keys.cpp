#include "gateway/aws/condition_keys.hpp"

#include <algorithm>

#include "gateway/aws/request_keys.hpp"

namespace holdpoint::aws {
namespace {

void add(ContextKeys& keys, const std::string& name, std::string value) {
  auto& values = keys[name];
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(std::move(value));
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// {"Key": k, "Value": v} in any of the spellings that services use.
void add_tag(ContextKeys& keys, const Json& tag) {
  if (!tag.is_object()) return;
  for (const auto& [name, value] : {std::pair{"Key", "Value"}, {"key", "value"}, {"TagKey", "TagValue"}}) {
    if (!tag.contains(name)) continue;
    const std::string key = text_of(tag.at(name));
    add(keys, "aws:tagkeys", key);
    add(keys, "aws:requesttag/" + to_lower(key), tag.contains(value) ? text_of(tag.at(value)) : "");
  }
}

void add_tags(ContextKeys& keys, const Json& tags) {
  if (tags.is_array()) {
    for (const Json& tag : tags) add_tag(keys, tag);
  } else if (tags.is_object()) {
    if (tags.contains("Tag"))
      return add_tags(keys, tags.at("Tag").is_array() ? tags.at("Tag") : Json::array({tags.at("Tag")}));
    if (tags.contains("TagSet")) return add_tags(keys, tags.at("TagSet"));
    for (const auto& [key, value] : tags.items()) {
      add(keys, "aws:tagkeys", key);
      add(keys, "aws:requesttag/" + to_lower(key), text_of(value));
    }
  }
}

// Members are named in many ways (Tags, tagList, ResourceTags, TagsToAdd …): whatever speaks of tags counts, but for
// filters of what is read.
void tag_keys(ContextKeys& keys, const Json& parameters) {
  const auto* members = parameters.get_ptr<const Json::object_t*>();
  if (members == nullptr) return;
  bool found = false;
  for (const auto& [name, value] : *members) {
    const bool of_tags = name.starts_with("tag") || name.find("Tag") != std::string::npos;  // not "stage"
    if (!of_tags || name.find("Filter") != std::string::npos) continue;
    found = true;
    add_tags(keys, value);
    const std::string lower = to_lower(name);
    const bool names = lower.find("tagkey") != std::string::npos || lower == "tagstoremove";
    if (!names || !value.is_array()) continue;
    for (const Json& key : value) add(keys, "aws:tagkeys", text_of(key));
  }
  if (!found) return;
  for (const char* const name : {"TagSpecification", "TagSpecifications"}) {
    if (!parameters.contains(name) || !parameters.at(name).is_array()) continue;
    for (const Json& specification : parameters.at(name)) {
      if (!specification.is_object()) continue;
      for (const char* const tags : {"Tag", "Tags"}) {
        if (specification.contains(tags)) add_tags(keys, specification.at(tags));
      }
    }
  }
}

}  // namespace

ContextKeys context_keys(const OperationModel& operation, const Json& parameters) {
  ContextKeys keys;
  const std::string_view service = operation.service->id;
  if (service == "dynamodb") add_dynamodb_keys(operation, parameters, keys);
  tag_keys(keys, parameters);
  add_request_keys(operation, parameters, keys);
  return keys;
}

}  // namespace holdpoint::aws
