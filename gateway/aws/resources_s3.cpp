#include <algorithm>
#include <array>

#include "bus/base/text.hpp"
#include "gateway/aws/object_key.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

// Buckets are global; an access point's ARN stands for itself, its objects below /object/.
std::string bucket_arn(const std::string& bucket, const CallScope& scope) {
  return bucket.starts_with("arn:") ? bucket : "arn:" + std::string(partition(scope.region)) + ":s3:::" + bucket;
}

std::string object_arn(const std::string& bucket, const std::string& key, const CallScope& scope) {
  return bucket_arn(bucket, scope) + (bucket.starts_with("arn:") ? "/object/" : "/") + key;
}

// Reading or deleting a named version is an action of its own.
std::string versioned(const std::string& action) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kVersioned{{
      {"s3:GetObject", "s3:GetObjectVersion"},
      {"s3:GetObjectAcl", "s3:GetObjectVersionAcl"},
      {"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"},
      {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
      {"s3:DeleteObject", "s3:DeleteObjectVersion"},
      {"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"},
      {"s3:PutObjectAcl", "s3:PutObjectVersionAcl"},
      {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
  }};
  for (const auto& [plain, other] : kVersioned) {
    if (plain == action) return std::string(other);
  }
  return action;
}

Requirement copy_source(const std::string& text, const CallScope& scope) {
  const auto source = read_copy_source(text);
  // check_s3_names has refused what does not read; whoever leaves it out reads everything.
  if (!source) return {"s3:GetObject", bucket_arn("*", scope), {}};
  Requirement out{"s3:GetObject", object_arn(source->bucket, source->key, scope), {}};
  if (source->version.empty()) return out;
  out.action = "s3:GetObjectVersion";
  out.context["s3:versionid"] = {source->version};
  return out;
}

// What a header adds to a write, as AWS authorises it.
void add_write_extras(const Json& parameters, const std::string& arn, std::vector<Requirement>& out) {
  static constexpr std::array<std::pair<const char*, const char*>, 9> kExtras{{
      {"ACL", "s3:PutObjectAcl"},
      {"GrantFullControl", "s3:PutObjectAcl"},
      {"GrantRead", "s3:PutObjectAcl"},
      {"GrantReadACP", "s3:PutObjectAcl"},
      {"GrantWriteACP", "s3:PutObjectAcl"},
      {"Tagging", "s3:PutObjectTagging"},
      {"ObjectLockMode", "s3:PutObjectRetention"},
      {"ObjectLockLegalHoldStatus", "s3:PutObjectLegalHold"},
      {"BypassGovernanceRetention", "s3:BypassGovernanceRetention"},
  }};
  for (const auto& [member, action] : kExtras) {
    if (!parameters.contains(member)) continue;
    bool known = false;
    for (const Requirement& requirement : out)
      known = known || (requirement.action == action && requirement.resource == arn);
    if (!known) out.push_back({action, arn, {}});
  }
}

}  // namespace

namespace {

Result<void> check_deleted_objects(const Json& parameters) {
  const auto body = parameters.find("Delete");
  if (body == parameters.end() || !body->is_object() || !body->contains("Object"))
    return fail(Code::malformed, "Delete names no Object");
  const Json& objects = body->at("Object");
  const auto is_text = [](const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() && !found->get_ref<const std::string&>().empty();
  };
  const auto is_object = [&](const Json& object) {
    return object.is_object() && is_text(object, "Key") &&
           (!object.contains("VersionId") || is_text(object, "VersionId"));
  };
  const auto check = [&](const Json& object) -> Result<void> {
    if (!is_object(object))
      return fail(Code::malformed, "an Object to delete has exactly one Key and at most one VersionId");
    return check_object_key(object.at("Key").get_ref<const std::string&>());
  };
  if (!objects.is_array()) return check(objects);
  for (const Json& object : objects) {
    if (auto checked = check(object); !checked) return checked.error();
  }
  return {};
}

// Delete: {"Object": [{"Key", "VersionId"}, …]} or a single one.
void deleted_objects(const Json& parameters, const std::string& bucket, const CallScope& scope,
                     std::vector<Requirement>& out) {
  const auto body = parameters.find("Delete");
  if (body == parameters.end() || !body->is_object() || !body->contains("Object")) {
    out.push_back({"s3:DeleteObject", object_arn(bucket, "*", scope), {}});
    return;
  }
  const Json& objects = body->at("Object");
  const auto add = [&](const Json& object) {
    const std::string key = object.is_object() ? string_or(object, "Key") : "";
    const bool version = object.is_object() && object.contains("VersionId");
    out.push_back({version ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
                   object_arn(bucket, key.empty() ? "*" : key, scope),
                   {}});
  };
  if (!objects.is_array()) return add(objects);
  for (const Json& object : objects) add(object);
}

// Access points of Object Lambda and of Outposts have actions of their own: s3-object-lambda:GetObject.
void name_after_owner(const std::string& bucket, std::vector<Requirement>& out) {
  const auto parts = split(bucket, ':');
  if (parts.size() < 6 || parts[0] != "arn") return;
  if (parts[2] != "s3-object-lambda" && parts[2] != "s3-outposts" && parts[2] != "s3express") return;
  for (Requirement& requirement : out) {
    if (requirement.action.starts_with("s3:") && requirement.resource.starts_with(bucket))
      requirement.action = std::string(parts[2]) + requirement.action.substr(2);
  }
}

std::vector<Requirement> requirements(const OperationModel& operation, const Json& parameters, const CallScope& scope) {
  std::vector<Requirement> out;
  const std::string bucket = string_or(parameters, "Bucket");
  const std::string key = string_or(parameters, "Key");
  const std::string arn = bucket.empty() ? "*"
                          : key.empty()  ? bucket_arn(bucket, scope)
                                         : object_arn(bucket, key, scope);
  if (operation.name == "DeleteObjects") {
    deleted_objects(parameters, bucket, scope, out);
    if (parameters.contains("BypassGovernanceRetention")) {
      out.push_back({"s3:BypassGovernanceRetention", object_arn(bucket, "*", scope), {}});
    }
    return out;
  }
  const bool copies = operation.name == "CopyObject" || operation.name == "UploadPartCopy";
  for (const std::string& action : actions_of(operation)) {
    if (copies && action == "s3:GetObject") {
      out.push_back(copy_source(string_or(parameters, "CopySource"), scope));
    } else {
      out.push_back({parameters.contains("VersionId") && !key.empty() ? versioned(action) : action, arn, {}});
    }
  }
  if (operation.name == "RenameObject") {
    for (const char* const action : {"s3:GetObject", "s3:DeleteObject"})
      out.push_back({action, object_arn(bucket, "*", scope), {}});
  }
  if (!key.empty()) add_write_extras(parameters, arn, out);
  if (operation.name == "CreateBucket") {
    for (const char* const member :
         {"ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"}) {
      if (parameters.contains(member)) {
        out.push_back({"s3:PutBucketAcl", arn, {}});
        break;
      }
    }
  }
  return out;
}

}  // namespace

Result<void> check_s3_names(const OperationModel& operation, const Json& parameters) {
  if (operation.name == "DeleteObjects") return check_deleted_objects(parameters);
  if (const auto tags = parameters.find("Tagging"); tags != parameters.end() && tags->is_string()) {
    if (!parse_fields(tags->get_ref<const std::string&>(), true))
      return fail(Code::malformed, "x-amz-tagging is not a=b&c=d, %-encoded");
  }
  if (const auto source = parameters.find("CopySource"); source != parameters.end()) {
    if (!source->is_string()) return fail(Code::malformed, "x-amz-copy-source is not a text");
    if (auto read = read_copy_source(source->get_ref<const std::string&>()); !read) return read.error();
  }
  if (const auto source = parameters.find("RenameSource"); source != parameters.end()) {
    const auto name = source->is_string() ? uri_decode(source->get_ref<const std::string&>()) : std::nullopt;
    if (!name) return fail(Code::malformed, "x-amz-rename-source is not %-encoded");
    return check_object_key(std::string_view(*name).substr(name->starts_with('/') ? 1 : 0));
  }
  return {};
}

std::vector<Requirement> s3_requirements(const OperationModel& operation, const Json& parameters,
                                         const CallScope& scope) {
  auto out = requirements(operation, parameters, scope);
  name_after_owner(string_or(parameters, "Bucket"), out);
  return out;
}

}  // namespace holdpoint::aws
