// The table's ARN templates ("~service/{cluster}/{service}"), and what can be told of a resource from its ARN or its
// identifier alone. How a request fills a template: resources.cpp.
#pragma once

#include <string>
#include <string_view>

#include "bus/base/json.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// One template (without "!" and "%") with what is asked about it.
struct ArnTemplate {
  std::string_view service;   ///< of its ARNs
  std::string_view resource;  ///< what stands after the account: "service/{cluster}/{service}"
  std::size_t holes = 0;      ///< what the request fills, or leaves open

  ArnTemplate(std::string_view iam_prefix, std::string_view text);

  /// Whether an ARN is of the form that the template writes: not a cluster's where a service is meant.
  [[nodiscard]] bool fits(std::string_view arn) const;
  /// Whether the request fills every hole.
  [[nodiscard]] bool filled_by(const Json& parameters) const;
};

/// "Member" of text that begins with "{Member}".
std::string_view placeholder(std::string_view text);
/// "{Rule}" of "rule/{EventBusName}/{Rule}": the member that names the resource itself.
std::string_view own_name(std::string_view text);
/// prod, of an ARN that ends in "cluster/prod".
std::string last_part(const std::string& arn);

/// i-0abc… -> ec2:REGION:ACCOUNT:instance/i-0abc…; an identifier of another kind may be any type's.
std::string resource_of_id(const std::string& id, const CallScope& scope);

}  // namespace holdpoint::aws
