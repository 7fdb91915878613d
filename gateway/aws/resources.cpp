#include "gateway/aws/resources.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "bus/base/text.hpp"
#include "gateway/aws/arn_template.hpp"
#include "gateway/aws/implied.hpp"
#include "gateway/aws/member_paths.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kResourcesMax = 10000;  // DeleteObjects has 1,000, BatchWriteItem 25; nothing comes near
constexpr std::size_t kResourceBytesMax = 2048;
constexpr std::size_t kResourceBytesTotalMax = std::size_t{2} << 20;  // DeleteObjects: 1,000 keys of 1 KiB

std::string action_name(const OperationModel& operation, std::string_view text) {
  if (text != "=") return std::string(text);
  return std::string(operation.service->iam_prefix) + ":" + std::string(operation.name);
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
  mutable bool too_many = false;

  // How a service writes the name that stands in its ARN.
  [[nodiscard]] std::string shaped(std::string_view path, std::string value, std::string_view before) const {
    const std::string_view service = route.operation->service->id;
    if (service == "secrets-manager") return value + "-??????";  // six characters that the caller need not know
    if (service == "wafv2" && path == "Scope") return value == "CLOUDFRONT" ? "global" : to_lower(value);
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

  // What a member named "…Arn" says. Anything else in it may mean any resource of the service, and so may its absence
  // where the action has a resource of that type.
  bool expand_whole(std::string_view member, bool required, std::vector<std::string>& out) const {
    const auto values = values_at(parameters, member);
    const std::string open =
        "arn:" + std::string(partition(scope.region)) + ":" + std::string(route.operation->service->iam_prefix) + ":*";
    for (const std::string& value : values) {
      std::string known = whole(value);
      out.push_back(known.empty() ? open : std::move(known));
    }
    if (values.empty() && required) out.push_back(open);
    return !values.empty();
  }

  // How much of a template the request fills: nothing of its resource, that but not all that stands before it, all.
  enum class Named { no, partly, wholly };

  // Appends the ARNs of one template. The last placeholder is the resource's own name.
  Named expand(std::string_view text, bool required, std::vector<std::string>& out) const {
    if (text.starts_with('@')) return expand_whole(text.substr(1), required, out) ? Named::wholly : Named::no;
    const ArnTemplate form(route.operation->service->iam_prefix, text);
    std::vector<std::string> arns{"arn:" + std::string(partition(scope.region)) + ":"};
    if (text.starts_with('~')) {
      arns[0] += std::string(route.operation->service->iam_prefix) + ":" + scope.region + ":" + scope.account + ":";
      text.remove_prefix(1);
    }
    bool named = true;
    bool all = true;
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
      const std::string_view path = placeholder(text);
      text.remove_prefix(path.size() + 2);
      named = fill(path, form, text, arns, out);
      all = all && named;
      if (arns.empty()) return Named::wholly;
    }
    out.insert(out.end(), arns.begin(), arns.end());
    return !named ? Named::no : all ? Named::wholly : Named::partly;
  }

  // Appends a placeholder's values to the ARNs so far; `rest` is what follows it. What is whole already goes to `out`.
  bool fill(std::string_view path, const ArnTemplate& form, std::string_view rest, std::vector<std::string>& arns,
            std::vector<std::string>& out) const {
    if (path == "^path") {
      for (std::string& arn : arns) arn += route.path;
      return true;
    }
    const bool queue = path.ends_with("^queue");
    const bool by_id = path.ends_with("^id");
    path = path.substr(0, path.find('^'));
    const auto values = values_at(parameters, path);
    if (values.empty()) {
      for (std::string& arn : arns) arn += '*';
      return false;
    }
    const bool filled = form.holes > 1 && form.filled_by(parameters);
    std::vector<std::string> longer;
    for (const std::string& value : values) {
      const std::string known = whole(value);
      if (!known.empty() && (form.holes == 1 || form.fits(known))) {
        out.push_back(known);
        // With the rest of its name in the request the two must agree, so both are asked for.
        if (!filled) continue;
      }
      const std::string name = known.empty() ? value : last_part(known);
      // "family:3" brings the revision that the template would leave open.
      const bool ended = rest == ":*" && known.empty() && value.find(':') != std::string::npos;
      for (const std::string& arn : arns) {
        if (longer.size() + out.size() > kResourcesMax) {
          too_many = true;
          return true;
        }
        std::string part = name.empty()    ? std::string("*")
                           : queue         ? queue_of(name)
                           : by_id         ? resource_of_id(name, scope)
                           : known.empty() ? shaped(path, name, arn)
                                           : name;
        (ended ? out : longer).push_back(arn + std::move(part));
      }
    }
    arns = std::move(longer);
    return true;
  }

  // The resources that one action of the operation needs, from its templates.
  [[nodiscard]] std::vector<std::string> resources(std::span<const std::string_view> templates) const {
    std::vector<std::string> arns;
    std::vector<std::string> otherwise;
    std::vector<std::pair<std::string_view, std::vector<std::string>>> partly;
    std::set<std::string_view> wholly;
    for (std::string_view text : templates) {
      const bool required = text.starts_with('!');
      if (required) text.remove_prefix(1);
      if (text.starts_with('%')) {
        expand(text.substr(1), true, otherwise);
        continue;
      }
      std::vector<std::string> found;
      const Named named = expand(text, required, found);
      if (named == Named::wholly) wholly.insert(own_name(text));
      if (named == Named::partly && !required) {
        partly.emplace_back(own_name(text), std::move(found));
      } else if (named != Named::no || required) {
        arns.insert(arns.end(), found.begin(), found.end());
      }
    }
    // An optional resource counts when the request names it: as "rule/x" where "rule/BUS/x" is not filled.
    for (auto& [name, found] : partly) {
      if (!wholly.contains(name)) arns.insert(arns.end(), found.begin(), found.end());
    }
    if (arns.empty()) arns = std::move(otherwise);
    std::sort(arns.begin(), arns.end());
    arns.erase(std::unique(arns.begin(), arns.end()), arns.end());
    if (arns.empty()) arns.emplace_back("*");
    return arns;
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
  bool too_many = false;
  if (out.empty()) {
    const Builder builder{route, parameters, scope};
    for (const std::string_view entry : split(route.operation->actions, '|')) {
      const auto parts = split(entry, '>');
      auto arns = builder.resources(std::span(parts).subspan(1));
      too_many = too_many || builder.too_many;
      for (std::string& arn : arns) out.push_back({action_name(*route.operation, parts[0]), std::move(arn), {}});
    }
  }
  if (id == "ssm") add_ssm_machines(*route.operation, parameters, scope, out);
  add_implied(*route.operation, parameters, scope, out);
  if (auto spelt = spell_names(*route.operation, parameters, scope, out); !spelt) return spelt.error();
  if (too_many) return fail(Code::too_large, "the call names more than 10,000 resources");
  if (auto checked = check_resources(out); !checked) return checked.error();
  return out;
}

}  // namespace holdpoint::aws
