#include "gateway/pipeline/upstream_call.hpp"

#include "gateway/http/head.hpp"

namespace holdpoint::pipeline {

Result<aws::Endpoint> find_destination(const config::Target& target, const aws::Operation& operation) {
  auto found = aws::endpoint(operation.service, operation.region, target.endpoints);
  if (!found)
    return fail(Code::denied, "target " + target.name + " has no endpoint for " + operation.service + " in " +
                                  display(operation.region, 64) + ": " + found.error().context);
  return found;
}

Result<credentials::Want> wanted_credentials(const configuration::Snapshot& snapshot, const config::Target& target,
                                             std::string_view region, credentials::OnBehalf on_behalf) {
  const auto base = snapshot.credentials.find(target.credentials);
  if (base == snapshot.credentials.end())
    return fail(Code::configuration, "target " + target.name + " has no credentials (holdpoint credentials set)");
  credentials::Want want;
  want.target = target.name;
  want.base = base->second;
  want.assume = target.assume;
  want.on_behalf = std::move(on_behalf);
  if (want.assume.empty()) return want;
  auto sts = aws::endpoint("sts", region, target.endpoints);
  if (!sts) return fail(Code::configuration, "target " + target.name + " has no STS endpoint: " + sts.error().context);
  want.sts = {sts->host, sts->port, sts->tls};
  want.sts_region = sts->signing_region;
  return want;
}

Result<http::Endpoint> connection_of(const aws::Endpoint& endpoint, const aws::HttpHead& head) {
  const std::string* authority = http::find_header(head.headers, "host");
  HOLDPOINT_INVARIANT(authority != nullptr && authority->ends_with(endpoint.authority()));
  // "prefix." + host + ":port": the port is the endpoint's, the host what stands in front of it.
  const std::string prefix = authority->substr(0, authority->size() - endpoint.authority().size());
  return http::Endpoint{prefix + endpoint.host, endpoint.port, endpoint.tls};
}

}  // namespace holdpoint::pipeline
