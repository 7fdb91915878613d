#include "gateway/aws/decode.hpp"

#include <algorithm>

#include "bus/base/text.hpp"
#include "gateway/aws/classify.hpp"

namespace holdpoint::aws {
namespace {

// KEY/DATE/REGION/SERVICE/aws4_request out of wherever it stands.
Result<CallScope> scope_of(const HttpHead& head, std::string_view account) {
  std::string credential;
  if (const auto authorization = single_header(head.headers, "authorization")) {
    const std::size_t begin = authorization->find("Credential=");
    if (begin == std::string_view::npos)
      return fail(Code::unauthenticated, "the Authorization header has no Credential");
    const std::string_view rest = authorization->substr(begin + 11);
    credential = rest.substr(0, rest.find_first_of(", "));
  } else if (const auto fields = parse_fields(head.query(), false)) {
    if (const std::string* found = field(*fields, "X-Amz-Credential")) credential = *found;
  }
  const auto parts = split(credential, '/');
  if (parts.size() != 5) return fail(Code::unauthenticated, "the request has no credential scope");
  return CallScope{std::string(parts[3]), std::string(parts[2]), std::string(account), {}};
}

Result<HttpHead> head_of(const Json& request) {
  HttpHead head;
  auto method = get_string(request, "method");
  auto target = get_string(request, "target");
  if (!method) return method.error();
  if (!target) return target.error();
  head.method = std::move(*method);
  head.target = std::move(*target);
  const auto headers = request.find("headers");
  if (headers == request.end() || !headers->is_array())
    return fail(Code::malformed, "member \"headers\" is missing or is no array");
  for (const Json& header : *headers) {
    if (!header.is_array() || header.size() != 2 || !header[0].is_string() || !header[1].is_string()) {
      return fail(Code::malformed, "a header is [name, value]");
    }
    head.headers.emplace_back(header[0].get<std::string>(), header[1].get<std::string>());
  }
  return head;
}

Result<Json> decode(const Json& request, std::string_view account) {
  auto head = head_of(request);
  if (!head) return head.error();
  const auto body = from_base64(string_or(request, "body"));
  if (!body) return fail(Code::malformed, "member \"body\" is no base64");
  auto scope = scope_of(*head, account);
  if (!scope) return scope.error();
  auto classified = classify(*head, *scope, *body);
  if (!classified) return classified.error();
  Operation& operation = classified->operation;
  Json actions = Json::array();
  Json resources = Json::array();
  const auto add = [](Json& list, const std::string& value) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  };
  for (const Requirement& requirement : operation.requirements) {
    add(actions, requirement.action);
    add(resources, requirement.resource);
  }
  return Json{{"service", operation.service},     {"operation", operation.operation},
              {"actions", std::move(actions)},    {"resources", std::move(resources)},
              {"access", name(operation.access)}, {"parameters", std::move(operation.parameters)},
              {"ambiguous", operation.candidates}};
}

}  // namespace

std::string decode_line(std::string_view line, std::string_view account) {
  const auto request = parse_json(line, {std::size_t{128} << 20, 64});
  if (!request) return to_json(Json{{"id", nullptr}, {"error", request.error().context}});
  auto decoded =
      request->is_object() ? decode(*request, account) : Result<Json>(fail(Code::malformed, "the line is no object"));
  Json out = decoded ? std::move(*decoded) : Json{{"error", decoded.error().context}};
  out["id"] = request->is_object() && request->contains("id") ? request->at("id") : Json();
  return to_json(out);
}

}  // namespace holdpoint::aws
