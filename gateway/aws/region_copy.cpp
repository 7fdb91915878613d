#include "gateway/aws/region_copy.hpp"

namespace holdpoint::aws {
namespace {

std::string_view url_member(std::string_view service) {
  if (service == "ec2") return "PresignedUrl";
  if (service == "rds" || service == "neptune" || service == "docdb") return "PreSignedUrl";
  return {};
}

/// "KEY/DATE/REGION/SERVICE/aws4_request" of a presigned URL: its region.
std::string scope_region(std::string_view url) {
  const auto fields = parse_fields(url.substr(std::min(url.find('?'), url.size() - 1) + 1), false);
  const std::string* credential = fields ? field(*fields, "X-Amz-Credential") : nullptr;
  if (credential == nullptr) return {};
  const std::size_t service = credential->rfind('/', credential->rfind('/') - 1);
  if (service == std::string::npos || service == 0) return {};
  const std::size_t region = credential->rfind('/', service - 1);
  if (region == std::string::npos) return {};
  return credential->substr(region + 1, service - region - 1);
}

/// "arn:aws:rds:us-east-1:…" in one of the source's members.
std::string source_arn_region(const Fields& form) {
  for (const auto& [name, value] : form) {
    if (!name.starts_with("Source") || !value.starts_with("arn:")) continue;
    std::size_t begin = 0;
    for (int colons = 0; colons < 3 && begin != std::string::npos; ++colons) begin = value.find(':', begin + 1);
    if (begin != std::string::npos) return value.substr(begin + 1, value.find(':', begin + 1) - begin - 1);
  }
  return {};
}

}  // namespace

Result<std::optional<RegionCopy>> region_copy(const Classified& call) {
  const std::string_view member = url_member(call.operation.service);
  const std::string* url = member.empty() ? nullptr : field(call.route.form, member);
  if (url == nullptr || url->empty()) return std::optional<RegionCopy>();
  const std::string* stated = field(call.route.form, "SourceRegion");
  RegionCopy out{member, stated != nullptr ? *stated : scope_region(*url)};
  if (out.source_region.empty()) out.source_region = source_arn_region(call.route.form);
  if (!is_region(out.source_region))
    return fail(Code::malformed, std::string(call.operation.operation) + " does not say which region it copies from");
  return std::optional(std::move(out));
}

Result<std::string> presigned_copy(const Classified& call, const RegionCopy& copy, const Endpoint& source,
                                   const SigningIdentity& identity, Instant now) {
  const OperationModel& model = *call.route.operation;
  std::string query = "Action=" + uri_encode(model.name) + "&Version=" + uri_encode(model.service->version);
  const auto add = [&query](std::string_view key, std::string_view value) {
    query.append("&").append(uri_encode(key)).append("=").append(uri_encode(value));
  };
  for (const auto& [name, value] : call.route.form) {
    if (name != copy.member && name != "DestinationRegion") add(name, value);
  }
  add("DestinationRegion", call.operation.region);
  HttpHead head{"GET", "/?" + query, {{"host", source.authority()}}};
  auto target = presign(head, identity, {source.signing_region, source.signing_name}, std::chrono::hours(1), now);
  if (!target) return target.error();
  return std::string(source.tls ? "https://" : "http://") + source.authority() + *target;
}

}  // namespace holdpoint::aws
