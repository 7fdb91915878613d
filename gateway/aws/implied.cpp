#include "gateway/aws/implied.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "bus/base/text.hpp"
#include "gateway/aws/member_paths.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

std::string roles_of(const CallScope& scope, std::string_view account, std::string_view name) {
  return "arn:" + std::string(partition(scope.region)) + ":iam::" + std::string(account) + ":role/" + std::string(name);
}

bool is_role(std::string_view value) {
  return value.starts_with("arn:") && value.find(":iam::") != std::string_view::npos &&
         value.find(":role") != std::string_view::npos;
}

// The role that a member's value stands for; empty when it stands for none. `mark` as in the head of operations.txt.
std::string passed_role(char mark, std::string_view value, const CallScope& scope) {
  if (value.empty() || (mark == '=' && !is_role(value))) return {};
  const bool whole = value.starts_with("arn:");
  if (mark == '%') {
    const auto parts = split(value, ':');
    return roles_of(scope, whole && parts.size() > 4 ? parts[4] : std::string_view(scope.account), "*");
  }
  if (whole) return std::string(value);
  value.remove_prefix(std::min(value.find_first_not_of('/'), value.size()));
  return roles_of(scope, scope.account, "*" + std::string(value));
}

void add_passed_roles(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                      std::vector<Requirement>& out) {
  std::string_view rest = operation.passed_roles;
  ContextKeys context;
  while (!rest.empty()) {
    std::string_view path = take(rest, ' ');
    if (path.starts_with('@')) {
      context.clear();
      if (path.size() > 1) context["iam:passedtoservice"] = {std::string(path.substr(1))};
      continue;
    }
    const char mark = path.front();
    if (mark == '%' || mark == '=') path.remove_prefix(1);
    for (const std::string& value : values_at(parameters, path)) {
      std::string role = passed_role(mark, value, scope);
      if (!role.empty()) out.push_back({"iam:PassRole", std::move(role), context});
    }
  }
}

// A parameter under this name is a secret of Secrets Manager.
void add_referenced_secrets(const Json& parameters, const CallScope& scope, std::vector<Requirement>& out) {
  static constexpr std::string_view kReference = "aws/reference/secretsmanager/";
  for (const char* const member : {"Name", "Names[]"}) {
    for (const std::string& value : values_at(parameters, member)) {
      const std::size_t found = value.find(kReference);
      if (found == std::string::npos) continue;
      const std::string name = value.substr(found + kReference.size());
      out.push_back({"secretsmanager:GetSecretValue",
                     "arn:" + std::string(partition(scope.region)) + ":secretsmanager:" + scope.region + ":" +
                         scope.account + ":secret:" + name.substr(0, name.find(':')) + "-??????",
                     {}});
    }
  }
}

}  // namespace

void add_implied(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                 std::vector<Requirement>& out) {
  std::vector<Requirement> implied;
  if (!operation.passed_roles.empty()) add_passed_roles(operation, parameters, scope, implied);
  if (operation.service->id == "ssm" && operation.name.starts_with("GetParameter"))
    add_referenced_secrets(parameters, scope, implied);
  const auto key = [](const Requirement& r) { return std::tie(r.action, r.resource, r.context); };
  std::sort(implied.begin(), implied.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto end =
      std::unique(implied.begin(), implied.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); });
  out.insert(out.end(), std::make_move_iterator(implied.begin()), std::make_move_iterator(end));
}

}  // namespace holdpoint::aws
