#include "gateway/aws/region_copy.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"
#include "gateway/aws/resources.hpp"

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

/// "arn:aws:rds:us-east-1:…": the region, empty where an ARN has none.
std::string arn_region(const std::string& arn) {
  std::size_t begin = 0;
  for (int colons = 0; colons < 3 && begin != std::string::npos; ++colons) begin = arn.find(':', begin + 1);
  return begin == std::string::npos ? std::string() : arn.substr(begin + 1, arn.find(':', begin + 1) - begin - 1);
}

/// Elsewhere an ARN in "Source…" says who may call or be called, not what is read (lambda:AddPermission).
bool copies(const Operation& operation) {
  if (!url_member(operation.service).empty()) return true;
  return std::ranges::any_of(std::array{"Copy", "Import", "Replica", "Restore"},
                             [&](const char* word) { return operation.operation.find(word) != std::string::npos; });
}

bool is_source(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower.starts_with("source") || lower.starts_with("replicationsource");
}

Error unclear(const Classified& call, const char* what) {
  return fail(Code::malformed, std::string(call.operation.operation) + what);
}

/// What the call itself says of its source.
Result<RegionCopy> stated_source(const Classified& call) {
  RegionCopy out;
  const auto note = [&out](const std::string& region) {
    if (out.source_region.empty()) out.source_region = region;
    return out.source_region == region;
  };
  constexpr const char* kTwo = " names two regions to copy from";
  for (const auto& [name, value] : call.operation.parameters.items()) {
    const bool region = equal_ignoring_case(name, "SourceRegion");
    if (region && !value.is_string()) return unclear(call, ": SourceRegion is not a text");
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (region && !note(text)) return unclear(call, kTwo);
    if (region || !is_source(name) || !text.starts_with("arn:") || !copies(call.operation)) continue;
    const std::string named = arn_region(text);
    if (named.empty()) continue;
    if (!note(named)) return unclear(call, kTwo);
    out.sources.push_back(text);
  }
  return out;
}

}  // namespace

Result<std::optional<RegionCopy>> region_copy(const Classified& call) {
  const std::string_view member = url_member(call.operation.service);
  const std::string* url = member.empty() ? nullptr : field(call.route.form, member);
  const bool carried = url != nullptr && !url->empty();
  auto out = stated_source(call);
  if (!out) return out.error();
  if (carried) out->member = member;
  if (carried && out->source_region.empty()) out->source_region = scope_region(*url);
  if (!carried && (out->source_region.empty() || out->source_region == call.operation.region))
    return std::optional<RegionCopy>();
  if (!is_region(out->source_region)) return unclear(call, " does not say which region it copies from");
  return std::optional(std::move(*out));
}

Result<void> add_source_requirements(const RegionCopy& copy, const CallScope& scope, Classified& call) {
  Operation& operation = call.operation;
  if (copy.source_region == operation.region) return {};
  CallScope there = scope;
  there.region = copy.source_region;
  std::vector<const OperationModel*> models = call.route.twins;
  models.insert(models.begin(), call.route.operation);
  for (const OperationModel* model : models) {
    Route route = call.route;
    route.operation = model;
    auto needed = requirements_of(route, operation.parameters, there);
    if (!needed) return needed.error();
    const auto actions = actions_of(*model);
    for (const std::string& source : copy.sources) {
      if (!actions.empty()) needed->push_back({actions.front(), source, {}});
    }
    spell_as_aws(*needed);
    for (Requirement& requirement : *needed) {
      requirement.region = copy.source_region;
      const bool known = std::ranges::any_of(operation.requirements, [&](const Requirement& have) {
        return have.action == requirement.action && have.resource == requirement.resource &&
               have.region == requirement.region;
      });
      if (!known) operation.requirements.push_back(std::move(requirement));
    }
  }
  return check_resources(operation.requirements);
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
