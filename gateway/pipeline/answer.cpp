#include "gateway/pipeline/answer.hpp"

#include <algorithm>
#include <array>

#include "bus/base/checksums.hpp"
#include "bus/base/encoding.hpp"
#include "gateway/http/head.hpp"

namespace holdpoint::pipeline {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view each) { return equal_ignoring_case(name, each); });
}

constexpr std::array<std::string_view, 11> kOfTheHop{"connection",
                                                     "keep-alive",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "proxy-connection",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade",
                                                     "content-length",
                                                     "alt-svc"};
constexpr std::array<std::string_view, 7> kOfTheBytes{
    "content-md5",          "digest",       "content-digest", "repr-digest", "x-amz-sha256-tree-hash",
    "x-amz-content-sha256", "x-amz-trailer"};
constexpr std::array<std::string_view, 34> kOfTheProtocol{"accept-ranges",
                                                          "access-control-allow-origin",
                                                          "access-control-expose-headers",
                                                          "age",
                                                          "allow",
                                                          "cache-control",
                                                          "content-encoding",
                                                          "content-language",
                                                          "content-length",
                                                          "content-md5",
                                                          "content-range",
                                                          "content-type",
                                                          "date",
                                                          "etag",
                                                          "expires",
                                                          "last-modified",
                                                          "retry-after",
                                                          "server",
                                                          "strict-transport-security",
                                                          "vary",
                                                          "x-amz-bucket-region",
                                                          "x-amz-crc32",
                                                          "x-amz-delete-marker",
                                                          "x-amz-id-2",
                                                          "x-amz-mp-parts-count",
                                                          "x-amz-request-id",
                                                          "x-amz-server-side-encryption",
                                                          "x-amz-storage-class",
                                                          "x-amz-tagging-count",
                                                          "x-amz-version-id",
                                                          "x-amzn-errortype",
                                                          "x-amzn-query-error",
                                                          "x-amzn-requestid",
                                                          "x-amzn-trace-id"};
constexpr std::string_view kMetadata = "x-amz-meta-";

bool is_telling(std::string_view name) {
  return !is_one_of(name, kOfTheProtocol) && !to_lower(name).starts_with("x-amz-checksum-");
}

/// The name that a person gave, which the masker judges the value by.
std::string given_name(std::string_view name) {
  std::string lower = to_lower(name);
  return lower.starts_with(kMetadata) ? lower.substr(kMetadata.size()) : lower;
}

}  // namespace

aws::Headers answer_headers(const aws::Headers& upstream) {
  aws::Headers out;
  out.reserve(upstream.size() + 2);
  for (const auto& header : upstream) {
    if (!is_one_of(header.first, kOfTheHop)) out.push_back(header);
  }
  return out;
}

void mend_headers(aws::Headers& headers, std::string_view body) {
  std::erase_if(headers, [](const auto& header) {
    return is_one_of(header.first, kOfTheBytes) || to_lower(header.first).starts_with("x-amz-checksum-");
  });
  for (auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "x-amz-crc32")) continue;
    value = std::to_string(crc32(body));
  }
}

Json telling_headers(const aws::Headers& headers) {
  Json out = Json::array();
  for (const auto& [name, value] : headers) {
    if (is_telling(name)) out.push_back({{"Name", given_name(name)}, {"Value", text_json(value)}});
  }
  return out;
}

bool take_masked_headers(aws::Headers& headers, const Json& masked) {
  if (!masked.is_array()) return false;
  std::size_t at = 0;
  std::vector<std::string> values;
  for (const auto& [name, value] : headers) {
    if (!is_telling(name)) continue;
    if (at == masked.size() || !masked[at].is_object()) return false;
    values.push_back(string_or(masked[at++], "Value"));
    // A value that is no text, or a mask of several lines, is no header.
    const bool fits = std::all_of(values.back().begin(), values.back().end(), [](char c) {
      return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    });
    if (!fits || values.back().empty() != value.empty()) return false;
  }
  if (at != masked.size()) return false;
  at = 0;
  for (auto& [name, value] : headers) {
    if (is_telling(name)) value = std::move(values[at++]);
  }
  return true;
}

std::string upstream_request_id(const aws::Headers& headers) {
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    if (const std::string* value = http::find_header(headers, name)) return *value;
  }
  return {};
}

}  // namespace holdpoint::pipeline
