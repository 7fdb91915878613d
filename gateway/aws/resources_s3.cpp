#include <algorithm>
#include <array>

#include "bus/base/text.hpp"
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

// "bucket/key?versionId=v", "/bucket/key" or an access point's ARN with /object/; encoded.
Requirement copy_source(const std::string& text, const CallScope& scope) {
  const std::size_t mark = text.find("?versionId=");
  const std::string action = mark == std::string::npos ? "s3:GetObject" : "s3:GetObjectVersion";
  auto path = uri_decode(std::string_view(text).substr(0, mark));
  if (!path) return {action, bucket_arn("*", scope), {}};
  if (path->starts_with("arn:")) return {action, *path, {}};
  if (path->starts_with('/')) path->erase(0, 1);
  const std::size_t slash = path->find('/');
  if (slash == std::string::npos) return {action, bucket_arn("*", scope), {}};
  return {action, object_arn(path->substr(0, slash), path->substr(slash + 1), scope), {}};
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
  const bool good = objects.is_array() ? std::all_of(objects.begin(), objects.end(), is_object) : is_object(objects);
  if (good) return {};
  return fail(Code::malformed, "an Object to delete has exactly one Key and at most one VersionId");
}

namespace {

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
  if (operation.name == "RenameObject") out.push_back({"s3:GetObject", object_arn(bucket, "*", scope), {}});
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

std::vector<Requirement> s3_requirements(const OperationModel& operation, const Json& parameters,
                                         const CallScope& scope) {
  auto out = requirements(operation, parameters, scope);
  name_after_owner(string_or(parameters, "Bucket"), out);
  return out;
}

}  // namespace holdpoint::aws
