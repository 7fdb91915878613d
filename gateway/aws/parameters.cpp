#include "gateway/aws/parameters.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/aws/cbor.hpp"
#include "gateway/aws/headers.hpp"
#include "gateway/aws/xml.hpp"

namespace holdpoint::aws {
namespace {

// Exact: reviewers and the digest see the value, the target the text.
constexpr JsonLimits kBody{.bytes_max = std::size_t{80} << 20, .depth_max = 64, .exact_numbers = true};

// What only guards the transfer differs between SDKs that make the same call.
bool is_transport(std::string_view wire) {
  const std::string name = to_lower(wire);
  return name == "content-length" || name == "content-md5" || name == "x-amz-sdk-checksum-algorithm" ||
         name.starts_with("x-amz-checksum-") || name == "expect";
}

Result<Json> typed(const Member& member, std::string_view text) {
  if (member.type == 'b') {
    // Older botocores write Python's names into headers.
    if (text == "true" || text == "True") return Json(true);
    if (text == "false" || text == "False") return Json(false);
    return fail(Code::malformed, std::string(member.name) + " is neither true nor false");
  }
  if (member.type == 'n') {
    std::int64_t whole = 0;
    const char* const end = text.data() + text.size();
    if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc() && at == end)
      return Json(whole);
    double real = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, real); error == std::errc() && at == end)
      return Json(real);
    return fail(Code::malformed, std::string(member.name) + " is no number");
  }
  return text_json(text);
}

Result<void> put(Json& parameters, const Member& member, std::string_view text) {
  if (member.idempotency_token || is_transport(member.wire)) return {};
  auto value = typed(member, text);
  if (!value) return value.error();
  parameters[std::string(member.name)] = std::move(*value);
  return {};
}

Result<void> put_labels(const Route& route, Json& parameters) {
  for (const auto& [label, value] : route.labels) {
    const Member* member = route.operation->member(label);
    if (member == nullptr) {
      parameters[label] = value;
    } else if (auto done = put(parameters, *member, value); !done) {
      return done;
    }
  }
  return {};
}

Result<void> put_query(const Route& route, Json& parameters) {
  const OperationModel& operation = *route.operation;
  for (const auto& [key, value] : route.query) {
    const auto found =
        std::find_if(operation.members.begin(), operation.members.end(),
                     [&k = key](const Member& member) { return member.binding == Binding::query && member.wire == k; });
    if (found != operation.members.end()) {
      if (found->type == 'l') {
        parameters[std::string(found->name)].push_back(value);
      } else if (auto done = put(parameters, *found, value); !done) {
        return done;
      }
      continue;
    }
    const auto map = std::find_if(operation.members.begin(), operation.members.end(),
                                  [](const Member& member) { return member.binding == Binding::query_map; });
    const auto& literals = operation.literal_query;
    const bool literal =
        std::any_of(literals.begin(), literals.end(), [&k = key](const auto& entry) { return entry.first == k; });
    if (map != operation.members.end() && !literal) parameters[std::string(map->name)][key].push_back(value);
  }
  return {};
}

Result<void> put_headers(const Route& route, const HttpHead& head, Json& parameters) {
  for (const Member& member : route.operation->members) {
    if (member.binding == Binding::header) {
      const std::string wire = to_lower(member.wire);
      const std::size_t count = count_headers(head.headers, wire);
      if (count > 1) return fail(Code::malformed, "duplicate header " + wire);
      if (count == 0) continue;
      if (auto done = put(parameters, member, *single_header(head.headers, wire)); !done) return done;
    } else if (member.binding == Binding::prefix_headers) {
      const std::string prefix = to_lower(member.wire);
      for (const auto& [header, value] : head.headers) {
        const std::string lower = to_lower(header);
        if (prefix.empty() || !lower.starts_with(prefix)) continue;
        Json& map = parameters[std::string(member.name)];
        if (map.contains(lower.substr(prefix.size())))
          return fail(Code::malformed, "duplicate header " + display(lower, 80));
        map[lower.substr(prefix.size())] = text_json(trim(value));
      }
    }
  }
  return {};
}

// Members of a body under their model names, tokens left out. A name that differs from a known one by case alone might
// be read as it by the service and not by us.
Result<void> put_body(const OperationModel& operation, Json object, Json& parameters) {
  if (!object.is_object()) return fail(Code::malformed, "the body is no object");
  for (auto& [key, value] : object.items()) {
    std::string name = key;
    bool skip = false;
    for (const Member& member : operation.members) {
      if (member.binding != Binding::body && member.binding != Binding::payload) continue;
      if (member.wire == key || member.name == key) {
        name = member.name;
        skip = member.idempotency_token;
        break;
      }
      if (equal_ignoring_case(member.wire, key) || equal_ignoring_case(member.name, key)) {
        return fail(Code::malformed,
                    "member \"" + display(key, 80) + "\" differs from \"" + std::string(member.wire) + "\" by case");
      }
    }
    if (parameters.contains(name)) return fail(Code::malformed, "member \"" + display(name, 80) + "\" appears twice");
    if (!skip && !value.is_null()) parameters[name] = std::move(value);
  }
  return {};
}

Result<void> put_json(const OperationModel& operation, BytesView body, Json& parameters) {
  if (body.empty()) return {};
  auto parsed = parse_json(body, kBody);
  if (!parsed) return parsed.error();
  return put_body(operation, std::move(*parsed), parameters);
}

// An element that stands twice where the model has one value: readers differ in which they take.
Result<void> check_repeated(const OperationModel& operation, const Json& content) {
  for (const Member& member : operation.members) {
    if (member.binding != Binding::body || member.type == 'l' || member.type == 'm') continue;
    const auto found = content.find(member.wire);
    if (found != content.end() && found->is_array())
      return fail(Code::malformed, std::string(member.wire) + " stands twice");
  }
  return {};
}

Result<void> put_rest_body(const Route& route, BytesView body, Json& parameters) {
  const OperationModel& operation = *route.operation;
  const Member* payload = operation.payload();
  if (body.empty() || (payload != nullptr && body_is_data(operation))) return {};
  if (payload == nullptr && !operation.has_body_members) {
    if (body == "{}" && route.protocol == Protocol::rest_json) return {};
    return fail(Code::denied, std::string(operation.name) + " has no body");
  }
  if (payload != nullptr && payload->type == 's') {
    parameters[std::string(payload->name)] = text_json(body);
    return {};
  }
  if (route.protocol == Protocol::rest_json) {
    if (payload == nullptr) return put_json(operation, body, parameters);
    auto parsed = parse_json(body, kBody);
    if (!parsed) return parsed.error();
    parameters[std::string(payload->name)] = std::move(*parsed);
    return {};
  }
  auto parsed = parse_xml(body);
  if (!parsed) return parsed.error();
  Json content = std::move(parsed->begin().value());
  if (payload != nullptr) {
    parameters[std::string(payload->name)] = std::move(content);
    return {};
  }
  if (content.is_string()) return {};
  if (auto checked = check_repeated(operation, content); !checked) return checked;
  return put_body(operation, std::move(content), parameters);
}

void expand(std::string_view path, const Json& at, const std::string& pointer, std::vector<std::string>& out) {
  if (path.starts_with('.')) path.remove_prefix(1);
  if (path.empty()) {
    out.push_back(pointer);
    return;
  }
  if (path.starts_with("[]") || path.starts_with("{}")) {
    if (!at.is_structured()) return;
    std::size_t index = 0;
    for (auto it = at.begin(); it != at.end(); ++it, ++index) {
      Json::json_pointer step;
      step.push_back(at.is_array() ? std::to_string(index) : it.key());
      expand(path.substr(2), *it, pointer + step.to_string(), out);
    }
    return;
  }
  const std::string name(path.substr(0, path.find_first_of(".[{")));
  if (!at.is_object() || !at.contains(name)) return;
  expand(path.substr(name.size()), at.at(name), pointer + "/" + name, out);
}

}  // namespace

bool body_is_data(const OperationModel& operation) {
  const Member* payload = operation.payload();
  return payload != nullptr && (payload->type == 'X' || payload->type == 'x' || payload->type == 'e');
}

Result<Json> decode_parameters(const Route& route, const HttpHead& head, BytesView body) {
  Json parameters = Json::object();
  if (auto checked = check_headers(route, head); !checked) return checked.error();
  switch (route.protocol) {
    case Protocol::json10:
    case Protocol::json11:
      if (auto done = put_json(*route.operation, body, parameters); !done) return done.error();
      break;
    case Protocol::rpc_v2_cbor: {
      auto parsed = body.empty() ? Result<Json>(Json::object()) : parse_cbor(body);
      if (!parsed) return parsed.error();
      if (auto done = put_body(*route.operation, std::move(*parsed), parameters); !done) return done.error();
      break;
    }
    case Protocol::query:
    case Protocol::ec2: {
      auto parsed = unflatten(route.form);
      if (!parsed) return parsed.error();
      if (auto done = put_body(*route.operation, std::move(*parsed), parameters); !done) return done.error();
      break;
    }
    default:
      // The body first: a member of it must not overwrite what path, query and headers say, nor the reverse.
      if (auto done = put_rest_body(route, body, parameters); !done) return done.error();
      for (const Member& member : route.operation->members) {
        const bool elsewhere = member.binding != Binding::body && member.binding != Binding::payload;
        if (elsewhere && parameters.contains(member.name)) {
          return fail(Code::malformed, std::string(member.name) + " does not belong in the body");
        }
      }
      if (auto done = put_labels(route, parameters); !done) return done.error();
      if (auto done = put_query(route, parameters); !done) return done.error();
      if (auto done = put_headers(route, head, parameters); !done) return done.error();
  }
  return parameters;
}

std::vector<std::string> expand_paths(const std::vector<std::string_view>& paths, const Json& parameters) {
  std::vector<std::string> out;
  for (const std::string_view path : paths) {
    if (path == ".") {
      out.emplace_back("");
    } else {
      expand(path, parameters, "", out);
    }
  }
  return out;
}

}  // namespace holdpoint::aws
