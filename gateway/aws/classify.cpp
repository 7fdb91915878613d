#include "gateway/aws/classify.hpp"

#include <algorithm>

#include "gateway/aws/condition_keys.hpp"
#include "gateway/aws/content_coding.hpp"
#include "gateway/aws/parameters.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

// Most calls stay far below 6 MiB (Lambda's and Step Functions' own limit); these need more.
std::size_t body_bytes_max(const ServiceModel* service) {
  if (service == nullptr) return std::size_t{6} << 20;
  if (service->id == "lambda") return std::size_t{72} << 20;    // a 50 MB package in base64
  if (service->id == "dynamodb") return std::size_t{24} << 20;  // 16 MB of items, written in JSON
  if (service->id == "kinesis" || service->id == "firehose") return std::size_t{16} << 20;
  if (service->id == "s3") return std::size_t{4} << 20;  // DeleteObjects: 1,000 keys of 1 KiB
  return std::size_t{8} << 20;
}

HandsOut hands_out(const OperationModel& model) {
  const HandedOut* entry = handed_out(model.service->id, model.name);
  return entry == nullptr ? HandsOut::nothing : entry->how;
}

Result<void> add_twins(const Route& route, const Json& parameters, const CallScope& scope, Operation& operation) {
  for (const OperationModel* twin : route.twins) {
    operation.candidates.push_back(std::string(twin->service->id) + ":" + std::string(twin->name));
    // The strictest of all candidates counts: what any of them needs must be permitted.
    Route other = route;
    other.operation = twin;
    auto needed = requirements_of(other, parameters, scope);
    if (!needed) return needed.error();
    for (Requirement& requirement : *needed) {
      const bool known =
          std::any_of(operation.requirements.begin(), operation.requirements.end(), [&](const Requirement& have) {
            return have.action == requirement.action && have.resource == requirement.resource;
          });
      if (!known) operation.requirements.push_back(std::move(requirement));
    }
    operation.access = std::max(operation.access, twin->access);
    operation.hands_out = std::max(operation.hands_out, hands_out(*twin));
  }
  return check_resources(operation.requirements);
}

}  // namespace

namespace {

BodyPlan plan_of(const Route& route, const HttpHead& head, const CallScope& scope) {
  const OperationModel* operation = route.operation;
  if (operation == nullptr) {
    const auto& services = Table::instance().signing_as(scope.service);
    return BodyPlan{BodyNeed::parse, body_bytes_max(services.empty() ? nullptr : services.front())};
  }
  const bool rest =
      route.protocol == Protocol::rest_json || route.protocol == Protocol::rest_xml || route.protocol == Protocol::s3;
  if (rest && body_is_data(*operation)) return BodyPlan{BodyNeed::stream, 0};
  if (rest && operation->payload() == nullptr && !operation->has_body_members) {
    // "{}" is what some SDKs send for no members.
    return route.protocol == Protocol::rest_json && head.method != "GET" ? BodyPlan{BodyNeed::parse, 64} : BodyPlan{};
  }
  if (head.method == "GET") return BodyPlan{};
  return BodyPlan{BodyNeed::parse, body_bytes_max(operation->service)};
}

}  // namespace

Result<BodyPlan> needs_body(const HttpHead& head, const CallScope& scope) {
  auto route = find_route(head, scope, nullptr);
  if (!route) return route.error();
  BodyPlan plan = plan_of(*route, head, scope);
  const bool by_form = route->protocol == Protocol::query || route->protocol == Protocol::ec2;
  if (route->operation != nullptr && !by_form) plan.route = std::move(*route);
  return plan;
}

Result<Classified> classify(const HttpHead& head, const CallScope& scope, BytesView body, std::optional<Route> known) {
  std::string plain;
  if (!body.empty() && is_compressed(head, scope)) {
    auto inflated = gunzip(body, body_bytes_max(nullptr));
    if (!inflated) return inflated.error();
    plain = std::move(*inflated);
    body = plain;
  }
  Result<Route> route = known ? Result<Route>(std::move(*known)) : find_route(head, scope, &body);
  if (!route) return route.error();
  auto parameters = decode_parameters(*route, head, body);
  if (!parameters) return parameters.error();
  const OperationModel& model = *route->operation;
  Classified result;
  Operation& operation = result.operation;
  operation.service = model.service->id;
  operation.operation = model.name;
  operation.signing_name = scope.service;
  operation.region = scope.region;
  operation.protocol = route->protocol;
  operation.access = model.access;
  operation.hands_out = hands_out(model);
  auto requirements = requirements_of(*route, *parameters, scope);
  if (!requirements) return requirements.error();
  operation.requirements = std::move(*requirements);
  if (auto added = add_twins(*route, *parameters, scope, operation); !added) return added.error();
  operation.context = context_keys(model, *parameters);
  operation.sensitive = expand_paths(model.sensitive_input, *parameters);
  operation.body_is_data = body_is_data(model);
  operation.answer_is_data = model.answer_is_data;
  operation.parameters = std::move(*parameters);
  result.route = std::move(*route);
  return result;
}

}  // namespace holdpoint::aws
