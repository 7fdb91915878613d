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

std::string upstream_request_id(const aws::Headers& headers) {
  for (const std::string_view name : {"x-amzn-requestid", "x-amz-request-id"}) {
    if (const std::string* value = http::find_header(headers, name)) return *value;
  }
  return {};
}

}  // namespace holdpoint::pipeline
