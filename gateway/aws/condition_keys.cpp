#include "gateway/aws/condition_keys.hpp"

#include <algorithm>
#include <array>
#include <set>

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
    for (const auto& [key, value] : tags.items()) {
      add(keys, "aws:tagkeys", key);
      add(keys, "aws:requesttag/" + to_lower(key), text_of(value));
    }
  }
}

void tag_keys(ContextKeys& keys, const Json& parameters) {
  // Most calls have none of the members below.
  const auto may_be_tags = [](const auto& entry) { return entry.first.find("ag") == 1; };
  const auto* members = parameters.get_ptr<const Json::object_t*>();
  if (members != nullptr && std::none_of(members->begin(), members->end(), may_be_tags)) return;
  for (const char* const name : {"Tags", "tags", "Tag", "TagList", "TagSet", "TagsToAdd"}) {
    if (parameters.contains(name)) add_tags(keys, parameters.at(name));
  }
  for (const char* const name : {"TagKeys", "tagKeys", "TagKeyList", "TagsToRemove"}) {
    if (!parameters.contains(name) || !parameters.at(name).is_array()) continue;
    for (const Json& key : parameters.at(name)) add(keys, "aws:tagkeys", text_of(key));
  }
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

// {"S": "a"} -> a
void add_leading(ContextKeys& keys, const Json& attribute) {
  if (!attribute.is_object()) return;
  for (const auto& [type, value] : attribute.items()) {
    if (type == "S" || type == "N" || type == "B") add(keys, "dynamodb:leadingkeys", text_of(value));
  }
}

constexpr std::array<std::string_view, 26> kWords{"and",
                                                  "or",
                                                  "not",
                                                  "between",
                                                  "in",
                                                  "set",
                                                  "remove",
                                                  "add",
                                                  "delete",
                                                  "size",
                                                  "contains",
                                                  "begins_with",
                                                  "attribute_exists",
                                                  "attribute_not_exists",
                                                  "attribute_type",
                                                  "if_not_exists",
                                                  "list_append",
                                                  "s",
                                                  "n",
                                                  "b",
                                                  "ss",
                                                  "ns",
                                                  "bs",
                                                  "null",
                                                  "bool",
                                                  "l"};

// Top-level attribute names of an expression, #placeholders resolved.
void add_attributes(ContextKeys& keys, std::string_view expression, const Json& names) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  for (std::size_t i = 0; i < expression.size();) {
    const char c = expression[i];
    if (!is_word(c) && c != '#' && c != ':' && c != '.') {
      ++i;
      continue;
    }
    const std::size_t begin = i++;
    while (i < expression.size() && is_word(expression[i])) ++i;
    const std::string word(expression.substr(begin, i - begin));
    if (c == ':' || c == '.' || (c >= '0' && c <= '9')) {
      // A nested step may be a placeholder: ".#name".
      if (c == '.' && i < expression.size() && expression[i] == '#') {
        for (++i; i < expression.size() && is_word(expression[i]); ++i) {
        }
      }
      continue;
    }
    if (c == '#') {
      if (names.is_object() && names.contains(word)) add(keys, "dynamodb:attributes", text_of(names.at(word)));
    } else if (const std::string lower = to_lower(word);
               std::find(kWords.begin(), kWords.end(), lower) == kWords.end()) {
      add(keys, "dynamodb:attributes", word);
    }
  }
}

// Values that a key condition compares with "=": the partition key's is among them.
void add_equalities(ContextKeys& keys, std::string_view expression, const Json& values) {
  for (std::size_t i = expression.find('='); i != std::string_view::npos; i = expression.find('=', i + 1)) {
    if (i > 0 && (expression[i - 1] == '<' || expression[i - 1] == '>')) continue;
    for (const bool after : {true, false}) {
      std::size_t at = i;
      if (after) {
        for (++at; at < expression.size() && expression[at] == ' '; ++at) {
        }
      } else {
        at = expression.rfind(':', i);
        if (at == std::string_view::npos) continue;
      }
      if (at >= expression.size() || expression[at] != ':') continue;
      std::size_t end = at + 1;
      while (end < expression.size() &&
             (std::isalnum(static_cast<unsigned char>(expression[end])) != 0 || expression[end] == '_'))
        ++end;
      const std::string name(expression.substr(at, end - at));
      if (values.is_object() && values.contains(name)) add_leading(keys, values.at(name));
    }
  }
}

void dynamodb_request(ContextKeys& keys, const Json& request) {
  if (!request.is_object()) return;
  for (const char* const name : {"Key", "Item"}) {
    if (!request.contains(name) || !request.at(name).is_object()) continue;
    for (const auto& [attribute, value] : request.at(name).items()) {
      add(keys, "dynamodb:attributes", attribute);
      add_leading(keys, value);
    }
  }
  if (request.contains("Keys") && request.at("Keys").is_array()) {
    for (const Json& key : request.at("Keys")) dynamodb_request(keys, Json{{"Key", key}});
  }
  static const Json none = Json::object();
  const auto own_names = request.find("ExpressionAttributeNames");
  const Json& names = own_names == request.end() ? none : *own_names;
  for (const char* const name : {"ProjectionExpression", "UpdateExpression", "ConditionExpression", "FilterExpression",
                                 "KeyConditionExpression"}) {
    if (request.contains(name)) add_attributes(keys, string_or(request, name), names);
  }
  if (request.contains("KeyConditionExpression")) {
    add_equalities(keys, string_or(request, "KeyConditionExpression"),
                   request.value("ExpressionAttributeValues", Json::object()));
  }
  if (request.contains("KeyConditions") && request.at("KeyConditions").is_object()) {
    for (const auto& [attribute, condition] : request.at("KeyConditions").items()) {
      add(keys, "dynamodb:attributes", attribute);
      if (!condition.is_object() || !condition.contains("AttributeValueList")) continue;
      for (const Json& value : condition.at("AttributeValueList")) add_leading(keys, value);
    }
  }
  if (request.contains("AttributesToGet") && request.at("AttributesToGet").is_array()) {
    for (const Json& name : request.at("AttributesToGet")) add(keys, "dynamodb:attributes", text_of(name));
  }
}

void dynamodb_keys(ContextKeys& keys, const Json& parameters) {
  dynamodb_request(keys, parameters);
  if (parameters.contains("RequestItems") && parameters.at("RequestItems").is_object()) {
    for (const auto& [table, requests] : parameters.at("RequestItems").items()) {
      if (requests.is_object()) dynamodb_request(keys, requests);
      if (!requests.is_array()) continue;
      for (const Json& request : requests) {
        if (!request.is_object()) continue;
        for (const auto& [kind, body] : request.items()) dynamodb_request(keys, body);
      }
    }
  }
  if (parameters.contains("TransactItems") && parameters.at("TransactItems").is_array()) {
    for (const Json& item : parameters.at("TransactItems")) {
      if (!item.is_object()) continue;
      for (const auto& [kind, body] : item.items()) dynamodb_request(keys, body);
    }
  }
  for (const char* const name : {"Select", "ReturnValues", "ReturnConsumedCapacity"}) {
    if (parameters.contains(name)) add(keys, "dynamodb:" + to_lower(name), string_or(parameters, name));
  }
}

struct Named {
  std::string_view service;
  const char* member;
  const char* key;
};
constexpr std::array<Named, 18> kNamed{{
    {"s3", "Prefix", "s3:prefix"},
    {"s3", "Delimiter", "s3:delimiter"},
    {"s3", "MaxKeys", "s3:max-keys"},
    {"s3", "VersionId", "s3:versionid"},
    {"s3", "ACL", "s3:x-amz-acl"},
    {"s3", "GrantRead", "s3:x-amz-grant-read"},
    {"s3", "GrantFullControl", "s3:x-amz-grant-full-control"},
    {"s3", "CopySource", "s3:x-amz-copy-source"},
    {"s3", "MetadataDirective", "s3:x-amz-metadata-directive"},
    {"s3", "ServerSideEncryption", "s3:x-amz-server-side-encryption"},
    {"s3", "SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"},
    {"s3", "StorageClass", "s3:x-amz-storage-class"},
    {"ec2", "InstanceType", "ec2:instancetype"},
    {"iam", "PolicyArn", "iam:policyarn"},
    {"iam", "PermissionsBoundary", "iam:permissionsboundary"},
    {"iam", "AWSServiceName", "iam:awsservicename"},
    {"sts", "RoleSessionName", "sts:rolesessionname"},
    {"sts", "ExternalId", "sts:externalid"},
}};

}  // namespace

ContextKeys context_keys(const OperationModel& operation, const Json& parameters) {
  ContextKeys keys;
  const std::string_view service = operation.service->id;
  if (service == "dynamodb") dynamodb_keys(keys, parameters);
  tag_keys(keys, parameters);
  for (const Named& named : kNamed) {
    if (named.service == service && parameters.contains(named.member))
      add(keys, named.key, text_of(parameters.at(named.member)));
  }
  return keys;
}

}  // namespace holdpoint::aws
