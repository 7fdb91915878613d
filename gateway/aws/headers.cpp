#include "gateway/aws/headers.hpp"

#include <algorithm>
#include <array>

#include "gateway/aws/content_coding.hpp"
#include "gateway/aws/parameters.hpp"

namespace holdpoint::aws {
namespace {

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Part of signing, of the transfer encoding, or of the SDK's own bookkeeping.
constexpr std::array<std::string_view, 9> kSigning{"x-amz-date",       "x-amz-security-token",  "x-amz-content-sha256",
                                                   "x-amz-user-agent", "x-amz-cf-id",           "authorization",
                                                   "amz-sdk-request",  "amz-sdk-invocation-id", "host"};
constexpr std::array<std::string_view, 7> kForward{"content-type",    "content-encoding", "content-md5",      "accept",
                                                   "accept-language", "user-agent",       "x-amzn-query-mode"};
// A service that honours one of these would see another method or path than we did.
constexpr std::array<std::string_view, 7> kOverrides{"x-http-method-override", "x-http-method", "x-method-override",
                                                     "x-original-url",         "x-rewrite-url", "x-original-method",
                                                     "x-override-url"};

bool is_modelled(const Route& route, std::string_view name) {
  for (const Member& member : route.operation->members) {
    if (member.binding == Binding::header && is_header(member.wire, name)) return true;
    if (member.binding == Binding::prefix_headers && !member.wire.empty() && name.starts_with(to_lower(member.wire)))
      return true;
  }
  return false;
}

}  // namespace

HeaderUse header_use(const Route& route, std::string_view name) {
  if (one_of(kOverrides, name)) return HeaderUse::refuse;
  if (one_of(kSigning, name)) return HeaderUse::drop;
  if (is_modelled(route, name) || one_of(kForward, name)) return HeaderUse::forward;
  const bool json = route.protocol == Protocol::json10 || route.protocol == Protocol::json11;
  if (name == "x-amz-target") return json ? HeaderUse::forward : HeaderUse::refuse;
  if (name == "smithy-protocol")
    return route.protocol == Protocol::rpc_v2_cbor ? HeaderUse::forward : HeaderUse::refuse;
  const bool body = route.operation->payload() != nullptr || route.operation->has_body_members;
  if (name == "x-amz-decoded-content-length" || name == "x-amz-trailer" || name == "x-amz-sdk-checksum-algorithm" ||
      name.starts_with("x-amz-checksum-")) {
    // S3 Control's clients send the checksum of an empty body as well.
    return body || route.operation->service->id == "s3-control" ? HeaderUse::forward : HeaderUse::refuse;
  }
  // Glacier's and the JavaScript SDK's version headers name the one API version there is; Glacier's clients send the
  // tree hash with every body.
  const bool glacier = name == "x-amz-glacier-version" || name == "x-amz-sha256-tree-hash";
  if (glacier && route.operation->service->id == "glacier") return HeaderUse::forward;
  if (name == "x-amz-api-version") return HeaderUse::drop;
  if (name.starts_with("x-amz-")) return HeaderUse::refuse;
  return HeaderUse::drop;
}

Result<void> check_headers(const Route& route, const HttpHead& head) {
  for (const auto& [raw, value] : head.headers) {
    const std::string name = to_lower(raw);
    const HeaderUse use = header_use(route, name);
    if (use == HeaderUse::refuse) {
      return fail(Code::denied, std::string(route.operation->name) + " does not model the header " + display(name, 80));
    }
    if (use == HeaderUse::forward &&
        std::any_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; })) {
      return fail(Code::malformed, "control character in the header " + display(name, 80));
    }
    if (name != "content-encoding") continue;
    const OperationModel& operation = *route.operation;
    const bool inspected = operation.has_body_members || (operation.payload() != nullptr && !body_is_data(operation));
    const bool plain = trim(value) == "aws-chunked" || trim(value) == "identity" ||
                       (trim(value) == "gzip" && takes_compressed(operation));
    if (inspected && !plain) {
      return fail(Code::unsupported, "a body with Content-Encoding " + display(value, 40) + " cannot be inspected");
    }
  }
  return {};
}

}  // namespace holdpoint::aws
