#include "gateway/aws/condition_keys.hpp"

#include <algorithm>
#include <array>

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

struct Named {
  std::string_view service;
  const char* member;
  const char* key;
};
constexpr std::array<Named, 26> kNamed{{
    {"s3", "Prefix", "s3:prefix"},
    {"s3", "Delimiter", "s3:delimiter"},
    {"s3", "MaxKeys", "s3:max-keys"},
    {"s3", "VersionId", "s3:versionid"},
    {"s3", "ACL", "s3:x-amz-acl"},
    {"s3", "GrantRead", "s3:x-amz-grant-read"},
    {"s3", "GrantReadACP", "s3:x-amz-grant-read-acp"},
    {"s3", "GrantWrite", "s3:x-amz-grant-write"},
    {"s3", "GrantWriteACP", "s3:x-amz-grant-write-acp"},
    {"s3", "GrantFullControl", "s3:x-amz-grant-full-control"},
    {"s3", "CopySource", "s3:x-amz-copy-source"},
    {"s3", "MetadataDirective", "s3:x-amz-metadata-directive"},
    {"s3", "ServerSideEncryption", "s3:x-amz-server-side-encryption"},
    {"s3", "SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"},
    {"s3", "SSECustomerAlgorithm", "s3:x-amz-server-side-encryption-customer-algorithm"},
    {"s3", "StorageClass", "s3:x-amz-storage-class"},
    {"s3", "WebsiteRedirectLocation", "s3:x-amz-website-redirect-location"},
    {"s3", "ObjectLockMode", "s3:object-lock-mode"},
    {"s3", "ObjectLockLegalHoldStatus", "s3:object-lock-legal-hold"},
    {"ec2", "InstanceType", "ec2:instancetype"},
    {"iam", "PolicyArn", "iam:policyarn"},
    {"iam", "PermissionsBoundary", "iam:permissionsboundary"},
    {"iam", "AWSServiceName", "iam:awsservicename"},
    {"iam", "PassedToService", "iam:passedtoservice"},
    {"sts", "RoleSessionName", "sts:rolesessionname"},
    {"sts", "ExternalId", "sts:externalid"},
}};
constexpr std::array<std::string_view, 5> kDynamoDb{"dynamodb:leadingkeys", "dynamodb:attributes", "dynamodb:select",
                                                    "dynamodb:returnvalues", "dynamodb:returnconsumedcapacity"};

}  // namespace

ContextKeys context_keys(const OperationModel& operation, const Json& parameters) {
  ContextKeys keys;
  const std::string_view service = operation.service->id;
  if (service == "dynamodb") add_dynamodb_keys(operation, parameters, keys);
  tag_keys(keys, parameters);
  for (const Named& named : kNamed) {
    if (named.service == service && parameters.contains(named.member))
      add(keys, named.key, text_of(parameters.at(named.member)));
  }
  return keys;
}

bool is_derived_key(std::string_view key) {
  return std::ranges::find(kDynamoDb, key) != kDynamoDb.end() ||
         std::ranges::any_of(kNamed, [&](const Named& named) { return key == named.key; });
}

bool is_absence_known(std::string_view key, std::string_view action) {
  if (!is_derived_key(key)) return false;
  // What the instance is may stand in a launch template, or be long decided.
  if (key == "ec2:instancetype" || key == "iam:passedtoservice") return false;
  // Of a user or role that exists, the boundary is IAM's to know, and so is whose service a linked role is.
  if (key == "iam:permissionsboundary")
    return action.find("create") != std::string_view::npos || action.find("get") != std::string_view::npos ||
           action.find("list") != std::string_view::npos;
  return key != "iam:awsservicename" || action != "iam:deleteservicelinkedrole";
}

}  // namespace holdpoint::aws
