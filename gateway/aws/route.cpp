#include "gateway/aws/route.hpp"

#include <algorithm>
#include <set>

#include "gateway/aws/own_address.hpp"
#include "gateway/aws/rest_route.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kFieldsMax = 20000;  // BatchWrite-like calls of the query protocols stay below 10,000

using Services = std::vector<const ServiceModel*>;

bool any_speaks(const Services& services, std::initializer_list<Protocol> protocols) {
  return std::any_of(services.begin(), services.end(), [&](const ServiceModel* service) {
    return std::any_of(protocols.begin(), protocols.end(),
                       [&](Protocol protocol) { return service->speaks(protocol); });
  });
}

Error contradiction(std::string_view what, const CallScope& scope) {
  return fail(Code::denied,
              std::string(what) + " contradicts the credential scope's service \"" + display(scope.service, 80) + "\"");
}

Error unknown(std::string_view what, const CallScope& scope) {
  return fail(Code::not_found, "no operation " + display(what, 120) + " in service " + display(scope.service, 80));
}

std::string_view content_type(const HttpHead& head) {
  const auto type = single_header(head.headers, "content-type").value_or("");
  return trim(type.substr(0, type.find(';')));
}

// POST /service/NAME/operation/NAME with smithy-protocol: rpc-v2-cbor
Result<Route> cbor_route(const HttpHead& head, const CallScope& scope, const Services& services) {
  if (head.method != "POST" || !head.query().empty())
    return fail(Code::malformed, "rpc-v2-cbor calls are POST without a query");
  std::string_view path = head.path();
  constexpr std::string_view kService = "/service/";
  constexpr std::string_view kOperation = "/operation/";
  const std::size_t middle = path.find(kOperation);
  if (!path.starts_with(kService) || middle == std::string_view::npos) {
    return fail(Code::malformed, "an rpc-v2-cbor path is /service/NAME/operation/NAME");
  }
  const std::string_view service_name = path.substr(kService.size(), middle - kService.size());
  const std::string_view operation_name = path.substr(middle + kOperation.size());
  for (const ServiceModel* service : services) {
    const bool json = service->speaks(Protocol::json10) || service->speaks(Protocol::json11) ||
                      service->speaks(Protocol::rpc_v2_cbor);
    if (!json || service->target != service_name) continue;
    const OperationModel* operation = service->operation(operation_name);
    if (operation == nullptr) return unknown(operation_name, scope);
    Route route;
    route.operation = operation;
    route.protocol = Protocol::rpc_v2_cbor;
    route.path = path;
    return route;
  }
  return contradiction("the path's service", scope);
}

// Older clients of CloudTrail write "com.amazonaws….CloudTrail_20131101" for "CloudTrail_20131101".
bool names_service(std::string_view sent, std::string_view target) {
  return sent == target ||
         (sent.size() > target.size() && sent.ends_with(target) && sent[sent.size() - target.size() - 1] == '.');
}

Result<Route> target_route(const HttpHead& head, std::string_view target, const CallScope& scope,
                           const Services& services) {
  if (head.method != "POST" || head.target != "/") return fail(Code::malformed, "a call with X-Amz-Target is POST /");
  const std::size_t dot = target.rfind('.');
  if (dot == std::string_view::npos) return fail(Code::malformed, "X-Amz-Target is SERVICE.OPERATION");
  const std::string_view type = content_type(head);
  if (type != "application/x-amz-json-1.0" && type != "application/x-amz-json-1.1") {
    return fail(Code::malformed, "a call with X-Amz-Target has Content-Type application/x-amz-json-1.0 or -1.1");
  }
  Route route;
  route.path = "/";
  bool known_service = false;
  for (const ServiceModel* service : services) {
    const bool json10 = service->speaks(Protocol::json10);
    if ((!json10 && !service->speaks(Protocol::json11)) || !names_service(target.substr(0, dot), service->target))
      continue;
    known_service = true;
    const OperationModel* operation = service->operation(target.substr(dot + 1));
    if (operation == nullptr) continue;
    add_candidate(route, *operation, json10 ? Protocol::json10 : Protocol::json11, scope);
  }
  if (route.operation != nullptr) return route;
  if (known_service) return unknown(target, scope);
  return contradiction("X-Amz-Target " + display(target, 120), scope);
}

Result<void> check_unique(const Fields& fields) {
  // By case too: nobody should have to know which of "Action" and "action" the service reads.
  std::set<std::string> seen;
  for (const auto& entry : fields) {
    if (!seen.insert(to_lower(entry.first)).second)
      return fail(Code::malformed, "duplicate parameter " + display(entry.first, 80));
  }
  return {};
}

Result<Route> action_route(Fields fields, const CallScope& scope, const Services& services) {
  if (auto checked = check_unique(fields); !checked) return checked.error();
  const std::string* action = field(fields, "Action");
  const std::string* version = field(fields, "Version");
  if (action == nullptr || version == nullptr)
    return fail(Code::malformed, "a call of the query protocol needs Action and Version");
  Route route;
  for (const ServiceModel* service : services) {
    const bool ec2 = service->speaks(Protocol::ec2);
    if ((!ec2 && !service->speaks(Protocol::query)) || service->version != *version) continue;
    const OperationModel* operation = service->operation(*action);
    if (operation == nullptr) continue;
    add_candidate(route, *operation, ec2 ? Protocol::ec2 : Protocol::query, scope);
  }
  if (route.operation == nullptr) return unknown(*action + " of version " + *version, scope);
  // Import/Export reads either name: of two, it might run the one that was not decided on.
  const std::string* also = field(fields, "Operation");
  if (also != nullptr && *also != *action && route.operation->service->id == "importexport")
    return fail(Code::malformed, "Action and Operation name different operations");
  for (auto& entry : fields) {
    if (entry.first != "Action" && entry.first != "Version" && !is_presigning(entry.first))
      route.form.push_back(std::move(entry));
  }
  route.path = "/";
  return route;
}

// The queue that the path names becomes the member that names it; two that differ are refused.
Result<void> name_queue(std::string_view path, Fields& fields) {
  const std::string* url = field(fields, "QueueUrl");
  if (url == nullptr) {
    fields.emplace_back("QueueUrl", path);
    return {};
  }
  const auto parsed = parse_queue_url(*url);
  if (!parsed || parsed->path != path) return fail(Code::malformed, "the path and QueueUrl name different queues");
  return {};
}

Result<Route> form_route(const HttpHead& head, const CallScope& scope, const Services& services,
                         const BytesView* body) {
  // Old clients of SQS post to the queue's own path.
  const bool queue = scope.service == "sqs" && head.method == "POST" && is_queue_path(head.path());
  if (head.path() != "/" && !queue) return fail(Code::malformed, "calls of the query protocol go to /");
  auto in_query = parse_fields(head.query(), false);
  if (!in_query) return in_query.error();
  if (head.method == "GET") {
    if (body != nullptr && !body->empty()) return fail(Code::malformed, "a GET call has no body");
    return action_route(std::move(*in_query), scope, services);
  }
  if (head.method != "POST") return fail(Code::malformed, "calls of the query protocol are GET or POST");
  // A presigned POST has everything in the query and no body.
  const bool presigned = field(*in_query, "Action") != nullptr;
  if (presigned && queue) return fail(Code::malformed, "a presigned call of the query protocol goes to /");
  if (presigned && body != nullptr && body->empty()) return action_route(std::move(*in_query), scope, services);
  // Import/Export's clients name the operation in the query as well.
  const std::string* also = field(*in_query, "Operation");
  for (const auto& entry : *in_query) {
    if (!is_presigning(entry.first) && &entry.second != also && !(presigned && body == nullptr))
      return fail(Code::malformed, "parameters in the query string and in the form");
  }
  if (body == nullptr) {
    Route route;
    route.protocol = any_speaks(services, {Protocol::ec2}) ? Protocol::ec2 : Protocol::query;
    route.path = "/";
    return route;
  }
  auto fields = parse_fields(*body, true);
  if (!fields) return fields.error();
  const std::string* action = field(*fields, "Action");
  if (also != nullptr && (action == nullptr || *also != *action))
    return fail(Code::malformed, "the query string and the form name different operations");
  if (queue) {
    if (auto named = name_queue(head.path(), *fields); !named) return named.error();
  }
  return action_route(std::move(*fields), scope, services);
}

}  // namespace

bool is_presigning(std::string_view name) {
  return name == "X-Amz-Algorithm" || name == "X-Amz-Credential" || name == "X-Amz-Date" || name == "X-Amz-Expires" ||
         name == "X-Amz-SignedHeaders" || name == "X-Amz-Signature" || name == "X-Amz-Security-Token" ||
         name == "X-Amz-Content-Sha256";
}

void add_candidate(Route& route, const OperationModel& operation, Protocol protocol, const CallScope& scope) {
  const auto rank = [&scope](const OperationModel& model) {
    return std::pair(!model.is_older, model.service->id == scope.service);
  };
  if (route.operation == nullptr || rank(operation) > rank(*route.operation)) {
    if (route.operation != nullptr) route.twins.insert(route.twins.begin(), route.operation);
    route.operation = &operation;
    route.protocol = protocol;
  } else {
    route.twins.push_back(&operation);
  }
}

Result<Fields> parse_fields(std::string_view text, bool plus_is_space) {
  Fields fields;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    if (!plus_is_space && part.find('+') != std::string_view::npos) {
      return fail(Code::malformed, "a raw + in the query string is ambiguous: send %20 or %2B");
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = equals < part.size() ? part.substr(equals + 1) : std::string_view();
    auto key = plus_is_space ? form_decode(part.substr(0, equals)) : uri_decode(part.substr(0, equals));
    auto decoded = plus_is_space ? form_decode(value) : uri_decode(value);
    if (!key || !decoded || !is_utf8(*key) || !is_utf8(*decoded))
      return fail(Code::malformed, "a parameter is not %-encoded UTF-8");
    if (key->empty()) return fail(Code::malformed, "a parameter without a name");
    if (fields.size() == kFieldsMax) return fail(Code::too_large, "more than 20,000 parameters");
    fields.emplace_back(std::move(*key), std::move(*decoded));
  }
  return fields;
}

const std::string* field(const Fields& fields, std::string_view name) {
  for (const auto& entry : fields) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

Result<Route> find_route(const HttpHead& head, const CallScope& scope, const BytesView* body) {
  const Services& services = Table::instance().signing_as(scope.service);
  if (services.empty())
    return fail(Code::unsupported, "no AWS service signs as \"" + display(scope.service, 80) + "\"");
  if (count_headers(head.headers, "smithy-protocol") > 0) {
    if (single_header(head.headers, "smithy-protocol") != "rpc-v2-cbor" ||
        count_headers(head.headers, "x-amz-target") > 0) {
      return fail(Code::malformed, "smithy-protocol is not rpc-v2-cbor alone");
    }
    return cbor_route(head, scope, services);
  }
  if (count_headers(head.headers, "x-amz-target") > 0) {
    const auto target = single_header(head.headers, "x-amz-target");
    if (!target) return fail(Code::malformed, "duplicate header x-amz-target");
    return target_route(head, *target, scope, services);
  }
  const bool form = content_type(head) == "application/x-www-form-urlencoded";
  const bool action_query = head.query().find("Action=") != std::string_view::npos;
  if (any_speaks(services, {Protocol::query, Protocol::ec2}) && (form || action_query))
    return form_route(head, scope, services, body);
  if (any_speaks(services, {Protocol::rest_json, Protocol::rest_xml, Protocol::s3}))
    return rest_route(head, scope, services);
  return fail(Code::malformed, "the request names no operation: service \"" + display(scope.service, 80) +
                                   "\" is called with X-Amz-Target or with Action");
}

}  // namespace holdpoint::aws
