#include "gateway/pipeline/answer.hpp"

#include <algorithm>
#include <array>

#include "bus/base/checksums.hpp"
#include "bus/base/encoding.hpp"
#include "gateway/http/head.hpp"
#include "gateway/record/plain_text.hpp"

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
constexpr std::array<std::string_view, 30> kOfTheProtocol{"accept-ranges",
                                                          "access-control-allow-origin",
                                                          "access-control-expose-headers",
                                                          "age",
                                                          "allow",
                                                          "content-encoding",
                                                          "content-length",
                                                          "content-md5",
                                                          "content-range",
                                                          "date",
                                                          "etag",
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
// An object's owner sets these to any text. Their usual values are plain, which spares the way to the masker.
constexpr std::array<std::string_view, 4> kOfTheOwner{"cache-control", "content-language", "content-type", "expires"};
constexpr std::string_view kMetadata = "x-amz-meta-";
// What the gateway tells the agent is the gateway's word alone.
constexpr std::string_view kOurs = "x-holdpoint-";

bool begins_with(std::string_view name, std::string_view prefix) {
  return equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

bool is_usual(std::string_view value) {
  std::string text(value);
  std::replace(text.begin(), text.end(), '=', ' ');  // max-age=60, charset=utf-8
  return record::is_plain(text);
}

bool is_value_telling(std::string_view name, std::string_view value) {
  if (is_one_of(name, kOfTheOwner)) return !is_usual(value);
  return !is_one_of(name, kOfTheProtocol) && !to_lower(name).starts_with("x-amz-checksum-");
}

bool is_metadata(std::string_view name) { return to_lower(name).starts_with(kMetadata); }

/// The name that a person gave, which the masker judges the value by.
std::string given_name(std::string_view name) {
  std::string lower = to_lower(name);
  return lower.starts_with(kMetadata) ? lower.substr(kMetadata.size()) : lower;
}

/// A name that its owner gave may hold what a value may.
bool is_name_telling(std::string_view name) { return is_metadata(name) && !record::is_plain(given_name(name)); }

bool fits_a_header(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

}  // namespace

aws::Headers answer_headers(const aws::Headers& upstream) {
  aws::Headers out;
  out.reserve(upstream.size() + 2);
  for (const auto& header : upstream) {
    if (!is_one_of(header.first, kOfTheHop) && !begins_with(header.first, kOurs)) out.push_back(header);
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
    if (is_name_telling(name)) out.push_back({{"Name", "header"}, {"Value", text_json(given_name(name))}});
    if (is_value_telling(name, value)) out.push_back({{"Name", given_name(name)}, {"Value", text_json(value)}});
  }
  return out;
}

bool take_masked_headers(aws::Headers& headers, const Json& masked) {
  if (!masked.is_array()) return false;
  std::size_t at = 0;
  bool complete = true;
  const auto next = [&]() -> std::string {
    complete = complete && at < masked.size() && masked[at].is_object();
    return complete ? string_or(masked[at++], "Value") : std::string();
  };
  aws::Headers out;
  out.reserve(headers.size());
  for (const auto& [name, value] : headers) {
    // A name that had to be masked is no name any more: the header goes with it.
    const bool keep = !is_name_telling(name) || next() == given_name(name);
    std::string kept = is_value_telling(name, value) ? next() : value;
    // A value that is no text, or a mask of several lines, is no header.
    if (!complete || !fits_a_header(kept) || kept.empty() != value.empty()) return false;
    if (keep) out.emplace_back(name, std::move(kept));
  }
  if (at != masked.size()) return false;
  headers = std::move(out);
  return true;
}

std::string upstream_request_id(const aws::Headers& headers) {
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    if (const std::string* value = http::find_header(headers, name)) return *value;
  }
  return {};
}

}  // namespace holdpoint::pipeline
