#include "gateway/aws/resources.hpp"

#include <algorithm>

#include "bus/base/text.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kResourcesMax = 10000;  // DeleteObjects has 1,000, BatchWriteItem 25; nothing comes near
constexpr std::size_t kResourceBytesMax = 2048;
constexpr std::size_t kResourceBytesTotalMax = std::size_t{2} << 20;  // DeleteObjects: 1,000 keys of 1 KiB

std::string action_name(const OperationModel& operation, std::string_view text) {
  if (text != "=") return std::string(text);
  return std::string(operation.service->iam_prefix) + ":" + std::string(operation.name);
}

// The strings at "Name", "Names[]"; a lone string where a list is modelled counts as its only element.
std::vector<std::string> values_at(const Json& parameters, std::string_view path) {
  const bool list = path.ends_with("[]");
  if (list) path.remove_suffix(2);
  const auto found = parameters.find(std::string(path));
  if (found == parameters.end()) return {};
  std::vector<std::string> values;
  const auto add = [&](const Json& value) {
    if (value.is_string()) values.push_back(value.get<std::string>());
    if (value.is_number()) values.push_back(value.dump());
  };
  if (found->is_array()) {
    for (const Json& element : *found) add(element);
  } else {
    add(*found);
  }
  return values;
}

// https://sqs.eu-west-1.amazonaws.com/123456789012/queue -> 123456789012:queue
std::string queue_of(const std::string& url) {
  const std::size_t name = url.rfind('/');
  if (name == std::string::npos || name == 0) return "*:" + url;
  const std::size_t account = url.rfind('/', name - 1);
  if (account == std::string::npos) return "*:" + url.substr(name + 1);
  return url.substr(account + 1, name - account - 1) + ":" + url.substr(name + 1);
}

// A name alone, or an address whose path is /ACCOUNT/NAME: what has more or less is cut in different places.
bool names_one_queue(std::string_view url) {
  if (url.find('/') == std::string_view::npos) return true;
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url.remove_prefix(std::min(url.find('/'), url.size()));
  const auto parts = split(url, '/');
  return parts.size() == 3 && std::all_of(parts.begin() + 1, parts.end(), [](std::string_view part) {
           return !part.empty() && part != "." && part != "..";
         });
}

struct Builder {
  const Route& route;
  const Json& parameters;
  const CallScope& scope;

  // How a service writes the name that stands in its ARN.
  [[nodiscard]] std::string shaped(std::string value, std::string_view before) const {
    const std::string_view service = route.operation->service->id;
    if (service == "secrets-manager") return value + "-??????";  // six characters that the caller need not know
    if (before.ends_with('/') && value.starts_with('/')) value.erase(0, 1);
    return value;
  }

  // A name that is an ARN already is the resource itself.
  [[nodiscard]] std::string whole(const std::string& value) const {
    const std::size_t alias = value.find(":alias/");
    if (value.starts_with("arn:") && route.operation->service->id == "kms" && alias != std::string::npos) {
      return value.substr(0, alias) + ":key/*";
    }
    return value.starts_with("arn:") ? value : std::string();
  }

  // Appends the ARNs of one template; false when a member it needs is absent.
  bool expand(std::string_view text, std::vector<std::string>& out) const {
    if (text.starts_with('@')) {
      const auto values = values_at(parameters, text.substr(1));
      out.insert(out.end(), values.begin(), values.end());
      return !values.empty();
    }
    std::vector<std::string> arns{"arn:" + std::string(partition(scope.region)) + ":"};
    if (text.starts_with('~')) {
      arns[0] += std::string(route.operation->service->iam_prefix) + ":" + scope.region + ":" + scope.account + ":";
      text.remove_prefix(1);
    }
    bool complete = true;
    while (!text.empty()) {
      const std::size_t special = text.find_first_of("${");
      for (std::string& arn : arns) arn += text.substr(0, special);
      if (special == std::string_view::npos) break;
      text.remove_prefix(special);
      if (text.starts_with("$R") || text.starts_with("$A")) {
        for (std::string& arn : arns) arn += text[1] == 'R' ? scope.region : scope.account;
        text.remove_prefix(2);
        continue;
      }
      const std::size_t close = text.find('}');
      fill(text.substr(1, close - 1), arns, out, complete);
      text.remove_prefix(close + 1);
      if (arns.empty()) return complete;
    }
    out.insert(out.end(), arns.begin(), arns.end());
    return complete;
  }

  void fill(std::string_view path, std::vector<std::string>& arns, std::vector<std::string>& out,
            bool& complete) const {
    if (path == "^path") {
      for (std::string& arn : arns) arn += route.path;
      return;
    }
    const bool queue = path.ends_with("^queue");
    if (queue) path.remove_suffix(6);
    const auto values = values_at(parameters, path);
    if (values.empty()) {
      complete = false;
      for (std::string& arn : arns) arn += '*';
      return;
    }
    std::vector<std::string> longer;
    for (const std::string& value : values) {
      if (std::string known = whole(value); !known.empty()) {
        out.push_back(std::move(known));
        continue;
      }
      for (const std::string& arn : arns) {
        if (longer.size() > kResourcesMax) break;
        longer.push_back(arn + (queue ? queue_of(value) : shaped(value, arn)));
      }
    }
    arns = std::move(longer);
  }
};

}  // namespace

std::string_view partition(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

Result<void> check_resources(const std::vector<Requirement>& requirements) {
  if (requirements.size() > kResourcesMax) return fail(Code::too_large, "the call names more than 10,000 resources");
  std::size_t bytes = 0;
  for (const Requirement& requirement : requirements) {
    if (requirement.resource.size() > kResourceBytesMax)
      return fail(Code::too_large, "the call names a resource of more than 2,048 bytes");
    bytes += requirement.resource.size();
  }
  if (bytes > kResourceBytesTotalMax)
    return fail(Code::too_large, "the call names resources of more than 2 MiB in all");
  return {};
}

std::vector<std::string> actions_of(const OperationModel& operation) {
  std::vector<std::string> names;
  for (const std::string_view entry : split(operation.actions, '|')) {
    names.push_back(action_name(operation, entry.substr(0, entry.find('>'))));
  }
  return names;
}

Result<std::vector<Requirement>> requirements_of(const Route& route, const Json& parameters, const CallScope& scope) {
  const std::string_view id = route.operation->service->id;
  std::vector<Requirement> out;
  if (id == "sqs") {
    // The path alone names the queue; what another reader could take for the path's end is refused.
    const std::string url = string_or(parameters, "QueueUrl");
    if (url.find_first_of("?#%\\@") != std::string::npos)
      return fail(Code::malformed, "QueueUrl has a query, a fragment, a user or an escape");
    if (!names_one_queue(url)) return fail(Code::malformed, "the path of QueueUrl is /ACCOUNT/NAME");
  }
  if (id == "dynamodb") out = dynamodb_requirements(*route.operation, parameters, scope);
  if (id == "s3") {
    if (auto checked = check_s3_names(*route.operation, parameters); !checked) return checked.error();
  }
  if (id == "s3") out = s3_requirements(*route.operation, parameters, scope);
  if (out.empty()) {
    const Builder builder{route, parameters, scope};
    for (const std::string_view entry : split(route.operation->actions, '|')) {
      const auto parts = split(entry, '>');
      std::vector<std::string> arns;
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const bool required = parts[i].starts_with('!');
        std::vector<std::string> found;
        // An optional resource counts when the request names it.
        const bool complete = builder.expand(required ? parts[i].substr(1) : parts[i], found);
        if (complete || required) arns.insert(arns.end(), found.begin(), found.end());
      }
      std::sort(arns.begin(), arns.end());
      arns.erase(std::unique(arns.begin(), arns.end()), arns.end());
      if (arns.empty()) arns.emplace_back("*");
      for (std::string& arn : arns) out.push_back({action_name(*route.operation, parts[0]), std::move(arn), {}});
    }
  }
  if (id == "ssm") add_ssm_machines(*route.operation, parameters, scope, out);
  if (auto spelt = spell_names(*route.operation, parameters, scope, out); !spelt) return spelt.error();
  if (auto checked = check_resources(out); !checked) return checked.error();
  return out;
}

}  // namespace holdpoint::aws
