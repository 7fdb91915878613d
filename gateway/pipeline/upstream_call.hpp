// Where a call goes and as whom. Pure. Endpoints are the operator's word and the table's alone: nothing of the request
// chooses a host.
#pragma once

#include "gateway/aws/classify.hpp"
#include "gateway/aws/endpoint.hpp"
#include "gateway/configuration/snapshot.hpp"
#include "gateway/credentials/provider.hpp"

namespace holdpoint::pipeline {

/// Fails with `denied`, naming service, region and target.
Result<aws::Endpoint> find_destination(const config::Target& target, const aws::Operation& operation);

/// Fails with `configuration` when the target has no credentials, or STS no endpoint.
Result<credentials::Want> wanted_credentials(const configuration::Snapshot& snapshot, const config::Target& target,
                                             std::string_view region, credentials::OnBehalf on_behalf);

/// Host and port to connect to, for a head whose Host header was built from the endpoint (a modelled prefix included).
Result<http::Endpoint> connection_of(const aws::Endpoint& endpoint, const aws::HttpHead& head);

}  // namespace holdpoint::pipeline
