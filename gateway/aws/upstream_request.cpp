#include "gateway/aws/upstream_request.hpp"

#include "gateway/aws/headers.hpp"

namespace holdpoint::aws {
namespace {

// Each segment decoded and encoded again, so that one spelling is left.
std::string rebuilt_path(std::string_view raw) {
  std::string out;
  for (std::size_t begin = 0; begin <= raw.size();) {
    const std::size_t end = std::min(raw.find('/', begin), raw.size());
    out += uri_encode(uri_decode(raw.substr(begin, end - begin)).value_or(""));
    if (end < raw.size()) out += '/';
    begin = end + 1;
  }
  return out.empty() ? "/" : out;
}

std::string rebuilt_query(const Fields& fields) {
  std::string out;
  for (const auto& [key, value] : fields) {
    out += out.empty() ? '?' : '&';
    out += uri_encode(key);
    // "acl" and "acl=" are one to AWS and to the signature; the short form is what S3 documents.
    if (!value.empty()) out.append("=").append(uri_encode(value));
  }
  return out;
}

Result<std::string> rebuilt_target(const HttpHead& head, const Classified& call) {
  const Route& route = call.route;
  switch (route.protocol) {
    case Protocol::json10:
    case Protocol::json11:
      return std::string("/");
    case Protocol::query:
    case Protocol::ec2: {
      auto fields = parse_fields(head.query(), false);
      if (!fields) return fields.error();
      if (head.method == "POST" && field(*fields, "Action") == nullptr) return std::string("/");
      std::erase_if(*fields, [](const auto& entry) { return is_presigning(entry.first); });
      return "/" + rebuilt_query(*fields);
    }
    case Protocol::s3: {
      const std::string* bucket = field(route.labels, "Bucket");
      const std::string* key = field(route.labels, "Key");
      // Its host begins with the request's route: below S3's own, that would be a bucket of the client's choice.
      if (route.operation->name == "WriteGetObjectResponse")
        return fail(Code::unsupported, "answers to S3 Object Lambda are not supported");
      if (bucket == nullptr) return "/" + rebuilt_query(route.query);
      // An access point has a host of its own, which an ARN in the path cannot reach.
      if (bucket->starts_with("arn:")) return fail(Code::unsupported, "S3 access points are not supported");
      return "/" + uri_encode(*bucket) + (key != nullptr ? "/" + uri_encode(*key, true) : "") +
             rebuilt_query(route.query);
    }
    default:
      return rebuilt_path(head.path()) + rebuilt_query(route.query);
  }
}

// "{AccountId}." with the parameter in its place; only what is one or more host labels.
Result<std::string> host_prefix(const Classified& call) {
  std::string_view text = call.route.operation->host_prefix;
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    const std::string value = string_or(call.operation.parameters, text.substr(open + 1, close - open - 1));
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (value.empty() || value.size() > 63 || value.front() == '-' ||
        value.find_first_not_of(kAllowed) != std::string::npos) {
      return fail(Code::denied, "\"" + display(value, 80) + "\" cannot be part of a host name");
    }
    out += value;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

Result<HttpHead> rebuild_head(const HttpHead& head, const Classified& call, const Endpoint& endpoint,
                              BodyTransfer transfer) {
  auto target = rebuilt_target(head, call);
  if (!target) return target.error();
  HttpHead out;
  out.method = head.method;
  out.target = std::move(*target);
  std::string authority = endpoint.authority();
  if (!endpoint.overridden && !call.route.operation->host_prefix.empty()) {
    auto prefix = host_prefix(call);
    if (!prefix) return prefix.error();
    authority = *prefix + authority;
  }
  out.headers.reserve(head.headers.size() + 8);  // with what signing adds
  out.headers.emplace_back("host", std::move(authority));
  for (const auto& [raw, value] : head.headers) {
    std::string name = to_lower(raw);
    if (header_use(call.route, name) != HeaderUse::forward) continue;
    if (name == "content-length" || name == "expect") continue;  // modelled by S3, but the sender's
    if (name == "x-amz-target") {                                // in the one spelling that was decided on
      const OperationModel& operation = *call.route.operation;
      out.headers.emplace_back(std::move(name),
                               std::string(operation.service->target) + "." + std::string(operation.name));
      continue;
    }
    if (transfer == BodyTransfer::decoded) {
      if (name == "x-amz-decoded-content-length" || name == "x-amz-trailer") continue;
      if (name == "content-encoding") {
        std::string_view rest = trim(value);
        if (rest.starts_with("aws-chunked")) rest.remove_prefix(11);
        while (!rest.empty() && (rest.front() == ',' || rest.front() == ' ')) rest.remove_prefix(1);
        if (!rest.empty()) out.headers.emplace_back(std::move(name), rest);
        continue;
      }
    }
    out.headers.emplace_back(std::move(name), trim(value));
  }
  // Compressed answers could not be masked.
  out.headers.emplace_back("accept-encoding", "identity");
  return out;
}

Result<HttpHead> upstream_head(const HttpHead& head, const Classified& call, const Endpoint& endpoint,
                               BodyTransfer transfer, const SigningIdentity& identity, std::string_view payload,
                               Instant now) {
  auto out = rebuild_head(head, call, endpoint, transfer);
  if (!out) return out;
  auto added = sign(*out, identity, {endpoint.signing_region, endpoint.signing_name}, payload, now);
  if (!added) return added.error();
  for (auto& header : *added) out->headers.push_back(std::move(header));
  return out;
}

}  // namespace holdpoint::aws
