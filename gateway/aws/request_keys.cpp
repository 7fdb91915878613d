#include "gateway/aws/request_keys.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "bus/base/encoding.hpp"
#include "bus/base/text.hpp"
#include "gateway/aws/key_reference.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {
namespace {

// How a member becomes values.
enum class Reading {
  text,     // a text, a number, true or false, or a list of them
  arn,      // the same, but what is no ARN is a name that only AWS can resolve
  map,      // {"a": "b"}: the key's free part is the name
  names,    // {"a": …}: the names
  tags,     // "a=b&c=d", or TagSet of XML: the key's free part is the tag's name
  tagkeys,  // the names of those
  alias,    // KMS: "alias/x", bare or at an ARN's end
  told,     // not a member: somebody else tells it
};
enum class Absent { none, unknown };

struct Rule {
  std::string_view key;      // lower case; what ends in / or : has a free part
  std::string_view path;     // "VpcConfig.SubnetIds"; elements of lists are all looked at
  std::string_view actions;  // beginnings of the actions that it is about ("create|run"), empty = all that have the key
  Absent absent = Absent::none;
  Reading reading = Reading::text;
};

constexpr auto kUnknown = Absent::unknown;
constexpr std::string_view kSealing = "encrypt|decrypt|generatedatakey|reencrypt";

// Sorted by the service in front, for rules_of.
constexpr std::array kRules = std::to_array<Rule>({
    {"cloudformation:changesetname", "ChangeSetName", ""},
    {"cloudformation:rolearn", "RoleARN", "", kUnknown},
    {"cloudformation:stackpolicyurl", "StackPolicyURL", ""},
    {"cloudformation:templateurl", "TemplateURL", ""},
    {"dynamodb:attributes", "", "", Absent::none, Reading::told},
    {"dynamodb:leadingkeys", "", "", Absent::none, Reading::told},
    {"dynamodb:returnconsumedcapacity", "", "", Absent::none, Reading::told},
    {"dynamodb:returnvalues", "", "", Absent::none, Reading::told},
    {"dynamodb:select", "", "", Absent::none, Reading::told},
    {"ec2:add/group", "CreateVolumePermission.Add.Group", "", kUnknown},
    {"ec2:add/group", "UserGroup", "", kUnknown},
    {"ec2:add/userid", "CreateVolumePermission.Add.UserId", "", kUnknown},
    {"ec2:add/userid", "UserId", "", kUnknown},
    {"ec2:associatepublicipaddress", "NetworkInterface.AssociatePublicIpAddress", "", kUnknown},
    {"ec2:attribute", "Attribute", "modify", kUnknown},
    {"ec2:availabilityzone", "AvailabilityZone", "createvolume|createsubnet", kUnknown},
    {"ec2:availabilityzone", "Placement.AvailabilityZone", "runinstances", kUnknown},
    {"ec2:encrypted", "Encrypted", "createvolume", kUnknown},
    {"ec2:imageid", "ImageId", "runinstances", kUnknown},
    {"ec2:instancetype", "InstanceType", "runinstances|createcapacityreservation|allocatehosts", kUnknown},
    {"ec2:keypairname", "KeyName", "runinstances", kUnknown},
    {"ec2:metadatahttptokens", "MetadataOptions.HttpTokens", "runinstances", kUnknown},
    {"ec2:region", "", "", Absent::none, Reading::told},
    {"ec2:tenancy", "InstanceTenancy", "createvpc", kUnknown},
    {"ec2:tenancy", "Placement.Tenancy", "runinstances", kUnknown},
    {"ec2:volumesize", "Size", "createvolume", kUnknown},
    {"ec2:volumetype", "VolumeType", "createvolume", kUnknown},
    {"ecs:cluster", "cluster", "", kUnknown, Reading::arn},
    {"ecs:container-name", "container", "", kUnknown},
    {"ecs:enable-execute-command", "enableExecuteCommand", "", kUnknown},
    {"ecs:task-definition", "taskDefinition", "", kUnknown, Reading::arn},
    {"iam:awsservicename", "AWSServiceName", "createservicelinkedrole", kUnknown},
    {"iam:passedtoservice", "", "passrole", kUnknown, Reading::told},
    {"iam:permissionsboundary", "PermissionsBoundary", "create", Absent::none, Reading::arn},
    {"iam:permissionsboundary", "PermissionsBoundary", "putrolepermissions|putuserpermissions", kUnknown, Reading::arn},
    {"iam:policyarn", "PolicyArn", "attach|detach", kUnknown, Reading::arn},
    {"kms:bypasspolicylockoutsafetycheck", "BypassPolicyLockoutSafetyCheck", "", kUnknown},
    {"kms:encryptionalgorithm", "DestinationEncryptionAlgorithm", "", kUnknown},
    {"kms:encryptionalgorithm", "EncryptionAlgorithm", "", kUnknown},
    {"kms:encryptionalgorithm", "SourceEncryptionAlgorithm", "", kUnknown},
    {"kms:encryptioncontext:", "Constraints.EncryptionContextEquals", "creategrant", Absent::none, Reading::map},
    {"kms:encryptioncontext:", "Constraints.EncryptionContextSubset", "creategrant", Absent::none, Reading::map},
    {"kms:encryptioncontext:", "DestinationEncryptionContext", kSealing, Absent::none, Reading::map},
    {"kms:encryptioncontext:", "EncryptionContext", kSealing, Absent::none, Reading::map},
    {"kms:encryptioncontext:", "SourceEncryptionContext", kSealing, Absent::none, Reading::map},
    {"kms:encryptioncontextkeys", "Constraints.EncryptionContextEquals", "creategrant", Absent::none, Reading::names},
    {"kms:encryptioncontextkeys", "Constraints.EncryptionContextSubset", "creategrant", Absent::none, Reading::names},
    {"kms:encryptioncontextkeys", "DestinationEncryptionContext", kSealing, Absent::none, Reading::names},
    {"kms:encryptioncontextkeys", "EncryptionContext", kSealing, Absent::none, Reading::names},
    {"kms:encryptioncontextkeys", "SourceEncryptionContext", kSealing, Absent::none, Reading::names},
    {"kms:grantconstrainttype", "Constraints", "creategrant", Absent::none, Reading::names},
    {"kms:granteeprincipal", "GranteePrincipal", ""},
    {"kms:grantoperations", "Operations", ""},
    {"kms:keyorigin", "Origin", "", kUnknown},
    {"kms:keyspec", "CustomerMasterKeySpec", "", kUnknown},
    {"kms:keyspec", "KeySpec", "", kUnknown},
    {"kms:keyusage", "KeyUsage", "", kUnknown},
    {"kms:macalgorithm", "MacAlgorithm", "", kUnknown},
    {"kms:messagetype", "MessageType", "", kUnknown},
    {"kms:multiregion", "MultiRegion", "", kUnknown},
    {"kms:primaryregion", "PrimaryRegion", "", kUnknown},
    {"kms:replicaregion", "ReplicaRegion", "", kUnknown},
    {"kms:requestalias", "DestinationKeyId", "", Absent::none, Reading::alias},
    {"kms:requestalias", "KeyId", "", Absent::none, Reading::alias},
    {"kms:requestalias", "SourceKeyId", "", Absent::none, Reading::alias},
    {"kms:retiringprincipal", "RetiringPrincipal", ""},
    {"kms:schedulekeydeletionpendingwindowindays", "PendingWindowInDays", "", kUnknown},
    {"kms:signingalgorithm", "SigningAlgorithm", "", kUnknown},
    {"lambda:codesigningconfigarn", "CodeSigningConfigArn", "createfunction|putfunction", Absent::none, Reading::arn},
    {"lambda:functionarn", "FunctionName", "", kUnknown, Reading::arn},
    {"lambda:functionurlauthtype", "AuthType", "createfunctionurl|updatefunctionurl", kUnknown},
    {"lambda:functionurlauthtype", "FunctionUrlAuthType", "addpermission"},
    {"lambda:layer", "Layers", ""},
    {"lambda:principal", "Principal", "addpermission"},
    {"lambda:securitygroupids", "VpcConfig.SecurityGroupIds", "createfunction|updatefunction"},
    {"lambda:subnetids", "VpcConfig.SubnetIds", "createfunction|updatefunction"},
    {"rds:databaseclass", "DBClusterInstanceClass", "create|restore", kUnknown},
    {"rds:databaseclass", "DBInstanceClass", "create|restore", kUnknown},
    {"rds:databaseengine", "Engine", "create|restore", kUnknown},
    {"rds:databasename", "DBName", "create|restore", kUnknown},
    {"rds:databasename", "DatabaseName", "create|restore", kUnknown},
    {"rds:endpointtype", "EndpointType", "create", kUnknown},
    {"rds:managemasteruserpassword", "ManageMasterUserPassword", "", kUnknown},
    {"rds:multiaz", "MultiAZ", "create|restore", kUnknown},
    {"rds:piops", "Iops", "create|restore", kUnknown},
    {"rds:publiclyaccessible", "PubliclyAccessible", "", kUnknown},
    {"rds:storageencrypted", "StorageEncrypted", "create|restore", kUnknown},
    {"rds:storagesize", "AllocatedStorage", "create|restore", kUnknown},
    {"route53:changeresourcerecordsetsactions", "ChangeBatch.Changes.Change.Action", "", kUnknown},
    {"route53:changeresourcerecordsetsrecordtypes", "ChangeBatch.Changes.Change.ResourceRecordSet.Type", "", kUnknown},
    {"s3:delimiter", "Delimiter", ""},
    {"s3:if-match", "IfMatch", ""},
    {"s3:if-none-match", "IfNoneMatch", ""},
    {"s3:locationconstraint", "CreateBucketConfiguration.LocationConstraint", "createbucket"},
    {"s3:max-keys", "MaxKeys", ""},
    {"s3:object-lock-legal-hold", "LegalHold.Status", ""},
    {"s3:object-lock-legal-hold", "ObjectLockLegalHoldStatus", ""},
    {"s3:object-lock-mode", "ObjectLockMode", ""},
    {"s3:object-lock-mode", "Retention.Mode", ""},
    {"s3:object-lock-retain-until-date", "ObjectLockRetainUntilDate", ""},
    {"s3:object-lock-retain-until-date", "Retention.RetainUntilDate", ""},
    {"s3:prefix", "Prefix", ""},
    {"s3:requestjobpriority", "Priority", "", kUnknown},
    {"s3:requestobjecttag/", "Tagging", "", Absent::none, Reading::tags},
    {"s3:requestobjecttagkeys", "Tagging", "", Absent::none, Reading::tagkeys},
    {"s3:signatureversion", "", "", Absent::none, Reading::told},
    {"s3:versionid", "Delete.Object.VersionId", ""},
    {"s3:versionid", "VersionId", ""},
    {"s3:x-amz-acl", "ACL", ""},
    {"s3:x-amz-bucket-namespace", "BucketNamespace", ""},
    {"s3:x-amz-copy-source", "CopySource", ""},
    {"s3:x-amz-grant-full-control", "GrantFullControl", ""},
    {"s3:x-amz-grant-read", "GrantRead", ""},
    {"s3:x-amz-grant-read-acp", "GrantReadACP", ""},
    {"s3:x-amz-grant-write", "GrantWrite", ""},
    {"s3:x-amz-grant-write-acp", "GrantWriteACP", ""},
    {"s3:x-amz-metadata-directive", "MetadataDirective", ""},
    {"s3:x-amz-object-ownership", "ObjectOwnership", ""},
    {"s3:x-amz-server-side-encryption", "ServerSideEncryption", "putobject|bypass"},
    {"s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId", "putobject|bypass", Absent::none, Reading::arn},
    {"s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm", "putobject|bypass"},
    {"s3:x-amz-storage-class", "StorageClass", ""},
    {"s3:x-amz-website-redirect-location", "WebsiteRedirectLocation", ""},
    {"secretsmanager:addreplicaregions", "AddReplicaRegions.Region", ""},
    {"secretsmanager:blockpublicpolicy", "BlockPublicPolicy", "", kUnknown},
    {"secretsmanager:description", "Description", ""},
    {"secretsmanager:forcedeletewithoutrecovery", "ForceDeleteWithoutRecovery", "", kUnknown},
    {"secretsmanager:forceoverwritereplicasecret", "ForceOverwriteReplicaSecret", "", kUnknown},
    {"secretsmanager:kmskeyid", "KmsKeyId", "", kUnknown},
    {"secretsmanager:name", "Name", ""},
    {"secretsmanager:recoverywindowindays", "RecoveryWindowInDays", ""},
    {"secretsmanager:rotateimmediately", "RotateImmediately", "", kUnknown},
    {"secretsmanager:rotationlambdaarn", "RotationLambdaARN", "", kUnknown, Reading::arn},
    {"secretsmanager:secretid", "SecretId", "", kUnknown},
    {"secretsmanager:versionid", "VersionId", ""},
    {"secretsmanager:versionstage", "VersionStage", "", kUnknown},
    {"sns:endpoint", "Endpoint", ""},
    {"sns:protocol", "Protocol", ""},
    {"ssm:overwrite", "Overwrite", "", kUnknown},
    {"sts:durationseconds", "DurationSeconds", "", kUnknown},
    {"sts:externalid", "ExternalId", ""},
    {"sts:rolesessionname", "RoleSessionName", ""},
    {"sts:sourceidentity", "SourceIdentity", ""},
    {"sts:transitivetagkeys", "TransitiveTagKeys", ""},
});

bool is_free(std::string_view key) { return key.ends_with('/') || key.ends_with(':'); }

bool is_about(const Rule& rule, std::string_view key) {
  return is_free(rule.key) ? key.size() > rule.key.size() && key.starts_with(rule.key) : key == rule.key;
}

std::string_view key_prefix(std::string_view name) { return name.substr(0, name.find(':')); }

std::span<const Rule> rules_of(std::string_view service) {
  const auto found =
      std::ranges::equal_range(kRules, service, {}, [](const Rule& rule) { return key_prefix(rule.key); });
  return {found.begin(), found.end()};
}

// "s3:putobject" against "putobject|create".
bool is_for_action(const Rule& rule, std::string_view action) {
  if (rule.actions.empty()) return true;
  const std::string_view name = action.substr(key_prefix(action).size() + 1);
  return std::ranges::any_of(split(rule.actions, '|'), [&](std::string_view begin) { return name.starts_with(begin); });
}

void note_value(ContextKeys& keys, const std::string& name, std::string value) {
  auto& values = keys[name];
  if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
}

std::string as_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// Every value at "A.B", through lists.
void gather(const Json& value, std::string_view path, std::vector<const Json*>& out) {
  if (value.is_array() && !path.empty()) {
    for (const Json& element : value) gather(element, path, out);
    return;
  }
  if (path.empty()) return out.push_back(&value);
  if (!value.is_object()) return;
  const std::size_t dot = path.find('.');
  const auto found = value.find(std::string(path.substr(0, dot)));
  if (found != value.end()) gather(*found, dot == std::string_view::npos ? "" : path.substr(dot + 1), out);
}

// x-amz-tagging's "a=b&c=d", or XML's {"TagSet": {"Tag": …}}; nothing where it is neither.
std::optional<Fields> read_tags(const Json& value) {
  if (value.is_string()) {
    auto fields = parse_fields(value.get_ref<const std::string&>(), true);
    return fields ? std::optional(std::move(*fields)) : std::nullopt;
  }
  Fields out;
  std::vector<const Json*> tags;
  gather(value, "TagSet.Tag", tags);
  for (const Json* listed : tags) {
    const Json all = listed->is_array() ? *listed : Json::array({*listed});
    for (const Json& tag : all) {
      if (!tag.is_object() || string_or(tag, "Key").empty()) return std::nullopt;
      out.emplace_back(string_or(tag, "Key"), string_or(tag, "Value"));
    }
  }
  return out;
}

void add_texts(const Rule& rule, const Json& value, ContextKeys& keys) {
  const std::string name(rule.key);
  if (value.is_array()) {
    for (const Json& element : value) add_texts(rule, element, keys);
    return;
  }
  if (value.is_object() || value.is_null()) {
    keys[name];
    return;
  }
  std::string text = as_text(value);
  if (rule.reading == Reading::alias) {
    const std::size_t at = text.starts_with("alias/") ? 0 : text.find(":alias/");
    if (at == std::string::npos) return;
    return note_value(keys, name, text.substr(at == 0 ? 0 : at + 1));
  }
  if (rule.reading == Reading::arn && !text.starts_with("arn:")) {
    keys[name];
    return;
  }
  note_value(keys, name, std::move(text));
}

void add_values(const Rule& rule, const Json& value, ContextKeys& keys) {
  const std::string name(rule.key);
  switch (rule.reading) {
    case Reading::map:
    case Reading::names:
      if (!value.is_object()) return;
      for (const auto& [key, each] : value.items())
        rule.reading == Reading::map ? note_value(keys, name + to_lower(key), as_text(each))
                                     : note_value(keys, name, key);
      return;
    case Reading::tags:
    case Reading::tagkeys: {
      const auto tags = read_tags(value);
      if (!tags && rule.reading == Reading::tagkeys) keys[name];
      if (!tags) return;
      for (const auto& [key, each] : *tags)
        rule.reading == Reading::tags ? note_value(keys, name + to_lower(key), each) : note_value(keys, name, key);
      return;
    }
    case Reading::text:
    case Reading::arn:
    case Reading::alias:
      return add_texts(rule, value, keys);
    case Reading::told:
      return;
  }
}

}  // namespace

void add_request_keys(const OperationModel& operation, const Json& parameters, ContextKeys& keys) {
  for (const Rule& rule : rules_of(operation.service->iam_prefix)) {
    if (rule.reading == Reading::told) continue;
    std::vector<const Json*> values;
    gather(parameters, rule.path, values);
    for (const Json* value : values) add_values(rule, *value, keys);
  }
}

bool is_derived_key(std::string_view key, std::string_view action) {
  return std::ranges::any_of(rules_of(key_prefix(key)), [&](const Rule& rule) {
    return is_about(rule, key) && is_for_action(rule, action) && has_condition_key(key, action);
  });
}

bool is_derived_key(std::string_view key) {
  return std::ranges::any_of(rules_of(key_prefix(key)), [&](const Rule& rule) { return is_about(rule, key); });
}

bool is_absence_known(std::string_view key, std::string_view action) {
  if (reference_key(key) == nullptr) return false;
  if (!has_condition_key(key, action)) return true;
  const auto rules = rules_of(key_prefix(key));
  return std::ranges::any_of(rules, [&](const Rule& rule) {
    return is_about(rule, key) && is_for_action(rule, action) && rule.absent == Absent::none;
  });
}

std::vector<std::string_view> derived_keys() {
  std::vector<std::string_view> out;
  for (const Rule& rule : kRules) out.push_back(rule.key);
  return out;
}

}  // namespace holdpoint::aws
