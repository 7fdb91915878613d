// Several spellings that a service takes for one resource become the one that AWS writes into its ARN, so that a Deny
// on it is not passed by: names that do not count case, partial ARNs, aliases, versions behind a name, IAM's paths.
#include <algorithm>
#include <array>
#include <optional>

#include "bus/base/encoding.hpp"
#include "bus/base/text.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kSuffix = 6;  // what Secrets Manager appends to a name, behind a hyphen

bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alphanumeric(char c) { return is_decimal_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z'); }

// What an ARN has behind its fifth colon; npos for what is no ARN.
std::size_t name_at(std::string_view arn) {
  if (!arn.starts_with("arn:")) return std::string_view::npos;
  std::size_t at = 0;
  for (int colons = 0; colons < 5; ++colons) {
    at = arn.find(':', at);
    if (at == std::string_view::npos) return at;
    ++at;
  }
  return at;
}

std::string_view service_of(std::string_view arn) {
  const auto parts = split(arn.substr(0, name_at(arn)), ':');
  return parts.size() > 2 ? parts[2] : std::string_view();
}

// Types whose names are kept in lower case, however a request writes them.
bool ignores_case(std::string_view service, std::string_view type) {
  static constexpr std::array<std::string_view, 22> kTypes{"rds db",
                                                           "rds cluster",
                                                           "rds global-cluster",
                                                           "rds cluster-endpoint",
                                                           "rds snapshot",
                                                           "rds cluster-snapshot",
                                                           "rds pg",
                                                           "rds cluster-pg",
                                                           "rds og",
                                                           "rds subgrp",
                                                           "rds secgrp",
                                                           "redshift cluster",
                                                           "redshift snapshot",
                                                           "redshift parametergroup",
                                                           "redshift subnetgroup",
                                                           "redshift securitygroup",
                                                           "elasticache cluster",
                                                           "elasticache replicationgroup",
                                                           "elasticache globalreplicationgroup",
                                                           "elasticache snapshot",
                                                           "elasticache parametergroup",
                                                           "elasticache subnetgroup"};
  const std::string both = std::string(service) + " " + std::string(type);
  return std::ranges::find(kTypes, both) != kTypes.end();
}

// A secret's ARN ends in a hyphen and six characters; a partial one lacks them. What looks like them may be a word of
// the name: real ones nearly always have a digit or a capital.
void spell_secret(Requirement& requirement) {
  const std::string& arn = requirement.resource;
  if (arn.ends_with('*')) return;
  const std::string_view tail = arn.size() > kSuffix ? std::string_view(arn).substr(arn.size() - kSuffix) : "";
  const bool suffixed = arn.size() > kSuffix && arn[arn.size() - kSuffix - 1] == '-';
  if (suffixed && tail == "??????") return;
  if (!suffixed || !std::ranges::all_of(tail, is_alphanumeric)) {
    requirement.resource += "-??????";
  } else if (std::ranges::all_of(tail, is_lower)) {
    requirement.may_be = arn + "-??????";
  }
}

void spell_key(std::string& arn, std::size_t at) {
  std::string_view name = std::string_view(arn).substr(at);
  if (name.starts_with("key/alias/")) {
    arn.replace(at, std::string::npos, "key/*");  // any key may be behind it
  } else if (name.starts_with("alias/alias/")) {
    arn.erase(at, std::string_view("alias/").size());
  } else if (name.starts_with("key/")) {
    arn.replace(at, std::string::npos, to_lower(name));
  }
}

// Region, account, "function" and qualifier may all be there or not, as Lambda's own pattern has it.
struct FunctionName {
  std::string region;
  std::string account;
  std::string name;
  std::string qualifier;
};

bool looks_like_region(std::string_view text) {
  return text.size() > 6 && is_lower(text[0]) && is_lower(text[1]) && text[2] == '-' && is_decimal_digit(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_decimal_digit(c) || c == '-'; });
}

std::optional<FunctionName> parse_function(std::string_view text, const CallScope& scope) {
  FunctionName out{scope.region, scope.account, {}, {}};
  auto parts = split(text, ':');
  std::size_t at = 0;
  if (parts.size() > 3 && parts[0] == "arn" && parts[2] == "lambda") at = 3;
  const auto more = [&] { return at + 1 < parts.size(); };
  if (more() && looks_like_region(parts[at])) out.region = parts[at++];
  if (more() && parts[at].size() == 12 && std::ranges::all_of(parts[at], is_decimal_digit)) out.account = parts[at++];
  if (more() && parts[at] == "function") ++at;
  out.name = parts[at++];
  if (at < parts.size()) out.qualifier = parts[at++];
  if (at < parts.size() || out.name.empty()) return std::nullopt;
  return out;
}

void spell_functions(const Json& parameters, const CallScope& scope, std::vector<Requirement>& out) {
  const std::string text = string_or(parameters, "FunctionName");
  if (text.empty()) return;
  const auto function = parse_function(text, scope);
  for (Requirement& requirement : out) {
    const std::size_t at = name_at(requirement.resource);
    if (at == std::string::npos || !requirement.resource.substr(at).starts_with("function:")) continue;
    const auto arn = [&](const std::string& region, const std::string& account, const std::string& name) {
      return "arn:" + std::string(partition(scope.region)) + ":lambda:" + region + ":" + account + ":function:" + name;
    };
    if (!function) {
      requirement.resource = arn(scope.region, "*", "*");
      continue;
    }
    std::string name = function->name;
    const std::string qualifier =
        function->qualifier.empty() ? string_or(parameters, "Qualifier") : function->qualifier;
    if (!qualifier.empty()) {
      name += ":" + qualifier;
    } else if (requirement.resource.ends_with(":*")) {
      name += ":*";
    }
    requirement.resource = arn(function->region, function->account, name);
    if (function->region != scope.region) requirement.may_be = arn(scope.region, function->account, name);
  }
}

// A name is unique in its account, but the path in front of it is IAM's to know; of what is made now the call says it.
void spell_identities(const OperationModel& operation, const Json& parameters, std::vector<Requirement>& out) {
  struct Kind {
    const char* member;
    std::string_view type;
    std::string_view created_by;
    const char* new_name;  ///< of the operation that renames and moves one
  };
  static constexpr std::array<Kind, 6> kKinds{
      {{"UserName", ":user/", "CreateUser", "NewUserName"},
       {"RoleName", ":role/", "CreateRole", nullptr},
       {"GroupName", ":group/", "CreateGroup", "NewGroupName"},
       {"PolicyName", ":policy/", "CreatePolicy", nullptr},
       {"InstanceProfileName", ":instance-profile/", "CreateInstanceProfile", nullptr},
       {"ServerCertificateName", ":server-certificate/", "UploadServerCertificate", "NewServerCertificateName"}}};
  std::vector<Requirement> moved;
  for (const Kind& kind : kKinds) {
    const std::string name = string_or(parameters, kind.member);
    if (name.empty()) continue;
    for (Requirement& requirement : out) {
      std::string& arn = requirement.resource;
      const std::size_t type = arn.rfind(kind.type);
      if (type == std::string::npos || arn.substr(type + kind.type.size()) != name) continue;
      const std::string before = arn.substr(0, type) + std::string(kind.type.substr(0, kind.type.size() - 1));
      if (operation.name == kind.created_by) {
        arn = before + string_or(parameters, "Path", "/") + name;
        continue;
      }
      requirement.may_be = before + "/*/" + name;
      if (kind.new_name == nullptr || (!parameters.contains(kind.new_name) && !parameters.contains("NewPath")))
        continue;
      // The place that it is moved to must be permitted as well; what the call leaves out stays as it is.
      Requirement target = requirement;
      const std::string new_name = string_or(parameters, kind.new_name, name);
      target.may_be = parameters.contains("NewPath") ? "" : before + "/*/" + new_name;
      target.resource = before + string_or(parameters, "NewPath", "/") + new_name;
      moved.push_back(std::move(target));
    }
  }
  out.insert(out.end(), moved.begin(), moved.end());
}

// Kinesis takes a stream's ARN beside its name, and in its place.
Result<void> spell_streams(const Json& parameters, std::vector<Requirement>& out) {
  const std::string arn = string_or(parameters, "StreamARN");
  const std::string name = string_or(parameters, "StreamName");
  if (arn.empty()) return {};
  if (!name.empty() && !arn.ends_with(":stream/" + name))
    return fail(Code::malformed, "StreamName and StreamARN name different streams");
  for (Requirement& requirement : out) {
    const std::string& resource = requirement.resource;
    if (resource.ends_with(":stream/*") || (!name.empty() && resource.ends_with(":stream/" + name)))
      requirement.resource = arn;
  }
  return {};
}

}  // namespace

void spell_as_aws(std::vector<Requirement>& requirements) {
  for (Requirement& requirement : requirements) {
    std::string& arn = requirement.resource;
    const std::size_t at = name_at(arn);
    if (at == std::string::npos) continue;
    const std::string_view service = service_of(arn);
    const std::string_view name = std::string_view(arn).substr(at);
    if (service == "secretsmanager" && name.starts_with("secret:")) {
      spell_secret(requirement);
    } else if (service == "kms") {
      spell_key(arn, at);
    } else if (service == "ssm" && name.starts_with("parameter/")) {
      // Behind a colon stand a version or a label: no name has one.
      if (const std::size_t colon = arn.find(':', at); colon != std::string::npos) arn.erase(colon);
    } else if (service == "memorydb" || ignores_case(service, name.substr(0, name.find(':')))) {
      arn.replace(at, std::string::npos, to_lower(name));
    }
  }
}

Result<void> spell_names(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                         std::vector<Requirement>& requirements) {
  const std::string_view service = operation.service->id;
  if (service == "lambda") spell_functions(parameters, scope, requirements);
  if (service == "iam") spell_identities(operation, parameters, requirements);
  if (service == "kinesis") {
    if (auto spelt = spell_streams(parameters, requirements); !spelt) return spelt;
  }
  spell_as_aws(requirements);
  return {};
}

}  // namespace holdpoint::aws
