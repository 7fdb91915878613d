#include "gateway/aws/s3_host.hpp"

#include "bus/base/text.hpp"
#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

// What stands before ".BASE", "" if nothing does.
std::string_view before(std::string_view host, std::string_view base) {
  if (host.size() <= base.size() + 1 || host[host.size() - base.size() - 1] != '.') return {};
  return equal_ignoring_case(host.substr(host.size() - base.size()), base)
             ? host.substr(0, host.size() - base.size() - 1)
             : std::string_view();
}

// "[OWNER.]SERVICE[.dualstack][.REGION]", read from the right: a bucket's name may hold any of these words.
struct AwsHost {
  std::string owner;
  std::string service;
  std::string region;
};

AwsHost take_apart(std::string_view name, const CallScope& scope) {
  AwsHost out;
  const auto pop = [&name]() -> std::string {
    const std::size_t dot = name.rfind('.');
    std::string label(dot == std::string_view::npos ? name : name.substr(dot + 1));
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    return label;
  };
  std::string label = to_lower(pop());
  out.region = scope.region;
  if (is_region(label)) {
    out.region = label;
    label = to_lower(pop());
  }
  if (label == "dualstack") label = to_lower(pop());
  out.service = std::move(label);
  out.owner = std::string(name);
  return out;
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "NAME-ACCOUNT", or "NAME-ACCOUNT.OUTPOST" on Outposts.
Result<std::string> access_point(const AwsHost& host, std::string_view service) {
  const std::size_t dot = host.owner.find('.');
  const std::string_view first = std::string_view(host.owner).substr(0, dot);
  const std::string_view outpost = dot == std::string::npos ? "" : std::string_view(host.owner).substr(dot + 1);
  const std::size_t dash = first.rfind('-');
  const std::string_view account = dash == std::string_view::npos ? "" : first.substr(dash + 1);
  const bool named = dash != std::string_view::npos && dash > 0 && is_account(account);
  if (!named || (service == "s3-outposts") == outpost.empty() || outpost.find('.') != std::string_view::npos)
    return fail(Code::malformed, "the host \"" + display(host.owner, 80) + "\" names no access point");
  std::string arn = "arn:" + std::string(partition(host.region)) + ":" + std::string(service) + ":" + host.region +
                    ":" + std::string(account) + ":";
  if (!outpost.empty()) arn += "outpost/" + std::string(outpost) + "/";
  return arn + "accesspoint/" + std::string(first.substr(0, dash));
}

Result<std::string> aws_owner(const AwsHost& host) {
  const std::string& service = host.service;
  const bool legacy = service.starts_with("s3-") && is_region(std::string_view(service).substr(3));
  if (service == "s3" || service == "s3-fips" || service == "s3-accelerate" || legacy ||
      service.starts_with("s3express-")) {
    return host.owner;
  }
  if (host.owner.empty()) return std::string();
  if (service == "s3-accesspoint" || service == "s3-accesspoint-fips") return access_point(host, "s3");
  if (service == "s3-object-lambda" || service == "s3-object-lambda-fips")
    return access_point(host, "s3-object-lambda");
  if (service == "s3-outposts") return access_point(host, "s3-outposts");
  return std::string();
}

}  // namespace

Result<std::string> s3_host_owner(std::string_view host, const CallScope& scope) {
  if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with(']'))
    host = host.substr(0, colon);
  for (const std::string& name : scope.hosts) {
    if (const auto bucket = before(host, name); !bucket.empty()) return std::string(bucket);
  }
  for (const std::string_view suffix : {"amazonaws.com", "amazonaws.com.cn"}) {
    if (const auto name = before(host, suffix); !name.empty()) return aws_owner(take_apart(name, scope));
  }
  return std::string();
}

}  // namespace holdpoint::aws
