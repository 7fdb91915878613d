#include <algorithm>
#include <array>
#include <unordered_map>

#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/aws/request_keys.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {
namespace {

using Values = std::vector<std::string>;

Values text(std::string_view value) { return value.empty() ? Values{} : Values{std::string(value)}; }

// The account in an ARN, empty where there is none (S3) or no ARN.
std::string_view account_of(std::string_view arn) {
  for (int colons = 0; colons < 4; ++colons) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  const std::string_view account = arn.substr(0, arn.find(':'));
  const bool digits = std::ranges::all_of(account, [](char c) { return c >= '0' && c <= '9'; });
  return account.size() == 12 && digits ? account : std::string_view();
}

// Claim names count case, condition keys do not: two claims that differ in case alone are two values.
Values claim(const Request& request, std::string_view name) {
  Values out;
  for (const auto& [key, value] : request.principal->claims) {
    if (equal_ignoring_case(key, name)) out.push_back(value);
  }
  return out;
}

std::string weekday(Instant now) {
  static constexpr std::array<const char*, 7> kNames = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                        "Thursday", "Friday", "Saturday"};
  return kNames[std::chrono::weekday(std::chrono::floor<std::chrono::days>(now)).c_encoding()];
}

std::string hour(Instant now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  return std::to_string(std::chrono::floor<std::chrono::hours>(now - day).count());
}

using Getter = Values (*)(const Request&, const aws::Requirement*);

constexpr std::string_view kPrincipalTag = "aws:principaltag/";
constexpr std::string_view kClaim = "holdpoint:claim/";

constexpr std::array<std::string_view, 31> kKnown = {
    "aws:calledvia",       "aws:calledviafirst",   "aws:calledvialast",   "aws:currenttime",
    "aws:epochtime",       "aws:principalaccount", "aws:principalarn",    "aws:principalisawsservice",
    "aws:principaltag/",   "aws:principaltype",    "aws:requestedregion", "aws:requesttag/",
    "aws:resourceaccount", "aws:securetransport",  "aws:sourceip",        "aws:tagkeys",
    "aws:tokenissuetime",  "aws:useragent",        "aws:userid",          "aws:username",
    "aws:viaawsservice",   "holdpoint:access",     "holdpoint:claim/",    "holdpoint:groups",
    "holdpoint:hour",      "holdpoint:issuer",     "holdpoint:operation", "holdpoint:service",
    "holdpoint:subject",   "holdpoint:target",     "holdpoint:weekday"};

Values region(const Request& request, const aws::Requirement* pair) {
  return text(pair == nullptr || pair->region.empty() ? request.operation->region : pair->region);
}

Values resource_account(const Request& request, const aws::Requirement* pair) {
  const std::string_view account = pair == nullptr ? std::string_view() : account_of(pair->resource);
  return text(account.empty() ? std::string_view(request.target_account) : account);
}

const std::unordered_map<std::string_view, Getter>& getters() {
  using R = const Request&;
  using P = const aws::Requirement*;
  static const std::unordered_map<std::string_view, Getter> table = {
      {"aws:calledvia", [](R, P) { return Values{}; }},
      {"aws:calledviafirst", [](R, P) { return Values{}; }},
      {"aws:calledvialast", [](R, P) { return Values{}; }},
      {"aws:currenttime", [](R r, P) { return text(to_rfc3339(r.now)); }},
      {"aws:epochtime", [](R r, P) { return text(std::to_string(to_unix_seconds(r.now))); }},
      {"aws:principalaccount", [](R r, P) { return text(account_of(r.role_arn)); }},
      {"aws:principalarn", [](R r, P) { return text(r.role_arn); }},
      {"aws:principalisawsservice", [](R, P) { return text("false"); }},
      {"aws:principaltype", [](R, P) { return text("AssumedRole"); }},
      {"aws:requestedregion", region},
      {"aws:resourceaccount", resource_account},
      {"aws:securetransport", [](R r, P) { return text(r.secure_transport ? "true" : "false"); }},
      {"aws:sourceip", [](R r, P) { return text(r.source_ip); }},
      {"aws:tokenissuetime",
       [](R r, P) { return r.session_issued_at ? text(to_rfc3339(*r.session_issued_at)) : Values{}; }},
      {"aws:useragent", [](R r, P) { return text(r.user_agent); }},
      {"aws:userid", [](R r, P) { return text(r.principal->name()); }},
      {"aws:username", [](R r, P) { return text(r.principal->subject); }},
      {"aws:viaawsservice", [](R, P) { return text("false"); }},
      {"ec2:region", region},
      {"holdpoint:access", [](R r, P) { return text(aws::name(r.operation->access)); }},
      {"holdpoint:groups", [](R r, P) { return r.principal->groups; }},
      {"holdpoint:hour", [](R r, P) { return text(hour(r.now)); }},
      {"holdpoint:issuer", [](R r, P) { return text(r.principal->issuer); }},
      {"holdpoint:operation", [](R r, P) { return text(r.operation->operation); }},
      {"holdpoint:service", [](R r, P) { return text(r.operation->service); }},
      {"holdpoint:subject", [](R r, P) { return text(r.principal->subject); }},
      {"holdpoint:target", [](R r, P) { return text(r.target); }},
      {"holdpoint:weekday", [](R r, P) { return text(weekday(r.now)); }},
      {"s3:signatureversion", [](R, P) { return text("AWS4-HMAC-SHA256"); }},
  };
  return table;
}

}  // namespace

std::span<const std::string_view> known_keys() { return kKnown; }

bool is_known_key(std::string_view key) {
  return std::ranges::any_of(kKnown, [&](std::string_view known) {
    return known.ends_with('/') ? key.size() > known.size() && key.starts_with(known) : key == known;
  });
}

bool is_multivalued_key(std::string_view key) {
  return key == "holdpoint:groups" || key == "aws:tagkeys" || key == "aws:calledvia";
}

const std::vector<std::string>* RequestContext::read(std::string_view key) const {
  const std::string name(key);
  if (requirement_ != nullptr) {
    if (const auto found = requirement_->context.find(name); found != requirement_->context.end())
      return &found->second;
  }
  const auto found = request_.operation->context.find(name);
  return found == request_.operation->context.end() ? nullptr : &found->second;
}

std::vector<std::string> RequestContext::values(std::string_view key) const {
  if (const auto found = getters().find(key); found != getters().end()) return found->second(request_, requirement_);
  if (key.starts_with(kPrincipalTag)) return claim(request_, key.substr(kPrincipalTag.size()));
  if (key.starts_with(kClaim)) return claim(request_, key.substr(kClaim.size()));
  const auto* found = read(key);
  return found == nullptr ? Values{} : *found;
}

Context::Knowledge RequestContext::knowledge(std::string_view key) const {
  if (getters().contains(key) || key.starts_with(kPrincipalTag) || key.starts_with(kClaim)) return Knowledge::exact;
  if (const auto* found = read(key); found != nullptr) {
    if (found->empty()) return Knowledge::unknown;
    return key == "dynamodb:leadingkeys" ? Knowledge::among : Knowledge::exact;
  }
  if (key.starts_with("aws:") || key.starts_with("holdpoint:")) {
    // No session here has a second factor.
    const bool known = is_known_key(key) || key.starts_with("aws:multifactorauth");
    return known ? Knowledge::exact : Knowledge::unknown;
  }
  // A service's keys belong to its own actions; others do not have them.
  const std::string action = requirement_ == nullptr ? std::string() : to_lower(requirement_->action);
  const std::string_view service = std::string_view(action).substr(0, action.find(':'));
  if (key.substr(0, key.find(':')) != service || aws::is_absence_known(key, action)) return Knowledge::exact;
  return Knowledge::unknown;
}

}  // namespace holdpoint::policy
