#include "gateway/aws/arn_template.hpp"

#include <algorithm>
#include <array>

#include "bus/base/text.hpp"
#include "gateway/aws/member_paths.hpp"

namespace holdpoint::aws {

ArnTemplate::ArnTemplate(std::string_view iam_prefix, std::string_view text) : service(iam_prefix) {
  if (text.starts_with('~')) {
    resource = text.substr(1);
  } else {
    service = take(text, ':');
    take(text, ':');
    take(text, ':');
    resource = text;
  }
  for (const char c : resource) holes += c == '{' || c == '*' ? 1 : 0;
}

bool ArnTemplate::fits(std::string_view arn) const {
  take(arn, ':');
  take(arn, ':');
  if (take(arn, ':') != service) return false;
  take(arn, ':');
  take(arn, ':');
  std::string_view text = resource;
  std::size_t at = 0;
  bool hole = false;
  while (!text.empty()) {
    if (text.front() == '{' || text.front() == '*') {
      hole = true;
      text.remove_prefix(text.front() == '*' ? 1 : text.find('}') + 1);
      continue;
    }
    const std::string_view literal = text.substr(0, text.find_first_of("{*"));
    const std::size_t found = hole ? arn.find(literal, at + 1) : arn.find(literal, at);
    if (found == std::string_view::npos || (!hole && found != at)) return false;
    at = found + literal.size();
    hole = false;
    text.remove_prefix(literal.size());
  }
  return hole ? at < arn.size() : at == arn.size();
}

bool ArnTemplate::filled_by(const Json& parameters) const {
  if (resource.find('*') != std::string_view::npos) return false;
  for (std::size_t at = resource.find('{'); at != std::string_view::npos; at = resource.find('{', at + 1)) {
    if (values_at(parameters, placeholder(resource.substr(at))).empty()) return false;
  }
  return true;
}

std::string_view placeholder(std::string_view text) { return text.substr(1, text.find('}') - 1); }

std::string_view own_name(std::string_view text) {
  const std::size_t last = text.rfind('{');
  return last == std::string_view::npos ? text : text.substr(last);
}

std::string last_part(const std::string& arn) { return arn.substr(arn.find_last_of("/:") + 1); }

std::string resource_of_id(const std::string& id, const CallScope& scope) {
  static constexpr std::array<std::array<std::string_view, 2>, 29> kTypes{{{"i", "instance"},
                                                                           {"vol", "volume"},
                                                                           {"snap", "snapshot"},
                                                                           {"ami", "image"},
                                                                           {"sg", "security-group"},
                                                                           {"sgr", "security-group-rule"},
                                                                           {"subnet", "subnet"},
                                                                           {"vpc", "vpc"},
                                                                           {"vpce", "vpc-endpoint"},
                                                                           {"eni", "network-interface"},
                                                                           {"rtb", "route-table"},
                                                                           {"acl", "network-acl"},
                                                                           {"igw", "internet-gateway"},
                                                                           {"eigw", "egress-only-internet-gateway"},
                                                                           {"nat", "natgateway"},
                                                                           {"eipalloc", "elastic-ip"},
                                                                           {"key", "key-pair"},
                                                                           {"lt", "launch-template"},
                                                                           {"pcx", "vpc-peering-connection"},
                                                                           {"dopt", "dhcp-options"},
                                                                           {"tgw", "transit-gateway"},
                                                                           {"tgw-attach", "transit-gateway-attachment"},
                                                                           {"tgw-rtb", "transit-gateway-route-table"},
                                                                           {"vgw", "vpn-gateway"},
                                                                           {"cgw", "customer-gateway"},
                                                                           {"vpn", "vpn-connection"},
                                                                           {"cr", "capacity-reservation"},
                                                                           {"pl", "prefix-list"},
                                                                           {"fl", "vpc-flow-log"}}};
  const std::string_view prefix = std::string_view(id).substr(0, id.rfind('-'));
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& entry) { return entry[0] == prefix; });
  if (id.find(':') != std::string::npos) return "*";  // a task of ECS, say
  if (prefix == "mi") return "ssm:" + scope.region + ":" + scope.account + ":managed-instance/" + id;
  const std::string place = "ec2:" + scope.region + ":";
  if (found == kTypes.end()) return place + "*:*/" + id;
  // Images and snapshots have no account in their ARN.
  const bool shared = prefix == "ami" || prefix == "snap";
  return place + (shared ? std::string() : scope.account) + ":" + std::string((*found)[1]) + "/" + id;
}

}  // namespace holdpoint::aws
