#include "gateway/aws/sts.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "bus/base/encoding.hpp"
#include "bus/base/json.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::string_view kVersion = "2011-06-15";
constexpr std::size_t kPolicyBytesMax = 2048;  // AWS's own bound of session policies
constexpr std::size_t kTokenBytesMax = 20000;  // AWS's own bound of WebIdentityToken

Result<Fields> fields_of(const HttpHead& head, BytesView body) {
  if (head.path() != "/") return fail(Code::malformed, "STS calls go to /");
  const bool post = head.method == "POST";
  if (!post && head.method != "GET") return fail(Code::malformed, "STS calls are GET or POST");
  auto query = parse_fields(head.query(), false);
  if (!query) return query;
  std::erase_if(*query, [](const auto& entry) { return is_presigning(entry.first); });
  if (!post) return body.empty() ? std::move(query) : Result<Fields>(fail(Code::malformed, "a GET call has no body"));
  if (!query->empty()) return fail(Code::malformed, "parameters in the query string and in the form");
  return parse_fields(body, true);
}

bool is_role_arn(std::string_view arn) {
  // arn:aws:iam::123456789012:role/path/name
  if (arn.size() < 20 || arn.size() > 2048 || !arn.starts_with("arn:aws")) return false;
  const std::size_t iam = arn.find(":iam::");
  if (iam == std::string_view::npos) return false;
  const std::string_view rest = arn.substr(iam + 6);
  if (rest.size() < 19 || rest.substr(0, 12).find_first_not_of("0123456789") != std::string_view::npos) return false;
  return rest.substr(12).starts_with(":role/") && rest.find_first_of(" \t\r\n\"'<>&*?") == std::string_view::npos;
}

Result<std::optional<Duration>> duration_of(const Fields& fields, int seconds_max) {
  const std::string* seconds = field(fields, "DurationSeconds");
  if (seconds == nullptr) return std::optional<Duration>();
  int value = 0;
  const auto [end, error] = std::from_chars(seconds->data(), seconds->data() + seconds->size(), value);
  if (error != std::errc() || end != seconds->data() + seconds->size() || value < 900 || value > seconds_max)
    return fail(Code::malformed, "DurationSeconds must be 900 to " + std::to_string(seconds_max));
  return std::optional<Duration>(std::chrono::seconds(value));
}

struct Common {
  std::string role_arn;
  std::string role_session_name;
  std::optional<Duration> duration;
  std::string policy;
};

Result<Common> common(const Fields& fields) {
  Common out;
  const auto text = [&](std::string_view name) {
    const std::string* found = field(fields, name);
    return found == nullptr ? std::string() : *found;
  };
  out.role_arn = text("RoleArn");
  out.role_session_name = text("RoleSessionName");
  out.policy = text("Policy");
  if (!is_role_arn(out.role_arn)) return fail(Code::malformed, "RoleArn is no role's ARN");
  if (!is_role_session_name(out.role_session_name)) {
    return fail(Code::malformed, "RoleSessionName must be 2 to 64 of letters, digits and _=,.@-");
  }
  if (out.policy.size() > kPolicyBytesMax) return fail(Code::malformed, "Policy is longer than 2048 bytes");
  auto duration = duration_of(fields, 43200);
  if (!duration) return duration.error();
  out.duration = *duration;
  return out;
}

// A parameter that we would ignore might be one that narrows: refuse instead.
Result<void> check_names(const Fields& fields, std::initializer_list<std::string_view> allowed) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : fields) {
    if (!seen.insert(name).second) return fail(Code::malformed, "duplicate parameter " + display(name, 80));
    if (name == "Action" || name == "Version") continue;
    if (name.starts_with("PolicyArns"))
      return fail(Code::denied, "PolicyArns is not supported: use Policy, or another role");
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      return fail(Code::denied, "the parameter " + display(name, 80) + " is not supported here");
    }
  }
  return {};
}

constexpr int kDerivedSecondsMax = 129600;  // AWS's 36 hours

Result<StsCall> parse_derived(const Fields& fields, std::string_view action) {
  const bool federation = action == "GetFederationToken";
  auto checked = federation ? check_names(fields, {"Name", "DurationSeconds", "Policy"})
                            : check_names(fields, {"DurationSeconds"});
  if (!checked) return checked.error();
  auto duration = duration_of(fields, kDerivedSecondsMax);
  if (!duration) return duration.error();
  if (!federation) return StsCall(GetSessionToken{*duration});
  const std::string* name = field(fields, "Name");
  if (name == nullptr || name->size() > 32 || !is_role_session_name(*name))
    return fail(Code::malformed, "Name must be 2 to 32 of letters, digits and _=,.@-");
  const std::string* policy = field(fields, "Policy");
  if (policy == nullptr || policy->empty())
    return fail(Code::denied, "a federation token without a Policy permits nothing: say what it is for");
  if (policy->size() > kPolicyBytesMax) return fail(Code::malformed, "Policy is longer than 2048 bytes");
  return StsCall(GetFederationToken{*name, *duration, *policy});
}

std::string element(std::string_view name, std::string_view text) {
  return "<" + std::string(name) + ">" + xml_escape(text) + "</" + std::string(name) + ">";
}

std::string expiration(Instant instant) {
  // Whole seconds: some SDKs parse no fractions.
  return to_rfc3339(std::chrono::floor<std::chrono::seconds>(instant)).substr(0, 19) + "Z";
}

std::string credentials_xml(const LocalCredentials& credentials) {
  return "<Credentials>" + element("AccessKeyId", credentials.access_key_id) +
         element("SecretAccessKey", credentials.secret_access_key.reveal()) +
         element("SessionToken", credentials.session_token) +
         element("Expiration", expiration(credentials.expires_at)) + "</Credentials>";
}

std::string assumed_user(const CallerIdentity& identity) {
  return "<AssumedRoleUser>" + element("AssumedRoleId", identity.user_id) + element("Arn", identity.arn) +
         "</AssumedRoleUser>";
}

std::string answer(std::string_view operation, const std::string& result, std::string_view request_id) {
  const std::string name(operation);
  return "<" + name + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + name + "Result>" + result +
         "</" + name + "Result><ResponseMetadata>" + element("RequestId", request_id) + "</ResponseMetadata></" + name +
         "Response>";
}

}  // namespace

bool is_role_session_name(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=,.@-";
  return name.size() >= 2 && name.size() <= 64 && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_sts_call(const HttpHead& head, BytesView body) {
  const auto fields = fields_of(head, body);
  if (!fields) return false;
  const std::string* version = field(*fields, "Version");
  return version != nullptr && *version == kVersion && field(*fields, "Action") != nullptr;
}

Result<StsCall> parse_sts(const HttpHead& head, BytesView body) {
  const auto fields = fields_of(head, body);
  if (!fields) return fields.error();
  const std::string* action = field(*fields, "Action");
  const std::string* version = field(*fields, "Version");
  if (action == nullptr || version == nullptr || *version != kVersion)
    return fail(Code::malformed, "an STS call needs Action and Version=2011-06-15");
  if (*action == "GetCallerIdentity") {
    if (auto checked = check_names(*fields, {}); !checked) return checked.error();
    return StsCall(GetCallerIdentity{});
  }
  if (*action == "AssumeRoleWithWebIdentity") {
    if (auto checked =
            check_names(*fields, {"RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds", "Policy"});
        !checked) {
      return checked.error();
    }
    auto parsed = common(*fields);
    if (!parsed) return parsed.error();
    const std::string* token = field(*fields, "WebIdentityToken");
    if (token == nullptr || token->size() < 4 || token->size() > kTokenBytesMax)
      return fail(Code::malformed, "WebIdentityToken is missing or too long");
    return StsCall(AssumeRoleWithWebIdentity{std::move(parsed->role_arn), std::move(parsed->role_session_name),
                                             Secret(Bytes(*token)), parsed->duration, std::move(parsed->policy)});
  }
  if (*action == "AssumeRole") {
    if (auto checked = check_names(*fields, {"RoleArn", "RoleSessionName", "DurationSeconds", "Policy"}); !checked)
      return checked.error();
    auto parsed = common(*fields);
    if (!parsed) return parsed.error();
    return StsCall(AssumeRole{std::move(parsed->role_arn), std::move(parsed->role_session_name), parsed->duration,
                              std::move(parsed->policy)});
  }
  if (*action == "GetSessionToken" || *action == "GetFederationToken") return parse_derived(*fields, *action);
  // These would hand real credentials to the agent.
  for (const std::string_view refused :
       {"AssumeRoleWithSAML", "AssumeRoot", "GetDelegatedAccessToken", "GetWebIdentityToken"}) {
    if (*action == refused)
      return fail(Code::denied, std::string(refused) + " is not served: use AssumeRole or AssumeRoleWithWebIdentity");
  }
  return fail(Code::not_found, "STS operation " + display(*action, 80) + " is not answered by the gateway");
}

std::string assume_role_with_web_identity_answer(const LocalCredentials& credentials, const CallerIdentity& identity,
                                                 std::string_view subject, std::string_view audience,
                                                 std::string_view provider, std::string_view request_id) {
  return answer("AssumeRoleWithWebIdentity",
                element("SubjectFromWebIdentityToken", display(subject)) + element("Audience", display(audience)) +
                    assumed_user(identity) + credentials_xml(credentials) + element("Provider", display(provider)),
                request_id);
}

std::string assume_role_answer(const LocalCredentials& credentials, const CallerIdentity& identity,
                               std::string_view request_id) {
  return answer("AssumeRole", assumed_user(identity) + credentials_xml(credentials) + element("PackedPolicySize", "0"),
                request_id);
}

std::string session_token_answer(const LocalCredentials& credentials, std::string_view request_id) {
  return answer("GetSessionToken", credentials_xml(credentials), request_id);
}

std::string federation_token_answer(const LocalCredentials& credentials, std::string_view account,
                                    std::string_view name, std::string_view request_id) {
  const std::string id = std::string(account) + ":" + std::string(name);
  const std::string arn = "arn:aws:sts::" + std::string(account) + ":federated-user/" + std::string(name);
  return answer("GetFederationToken",
                credentials_xml(credentials) + "<FederatedUser>" + element("FederatedUserId", id) +
                    element("Arn", arn) + "</FederatedUser>" + element("PackedPolicySize", "0"),
                request_id);
}

std::string caller_identity_answer(const CallerIdentity& identity, std::string_view request_id) {
  return answer(
      "GetCallerIdentity",
      element("Arn", identity.arn) + element("UserId", identity.user_id) + element("Account", identity.account),
      request_id);
}

std::string container_credentials_answer(const LocalCredentials& credentials) {
  return to_json(Json{{"AccessKeyId", credentials.access_key_id},
                      {"SecretAccessKey", std::string(credentials.secret_access_key.reveal())},
                      {"Token", credentials.session_token},
                      {"Expiration", expiration(credentials.expires_at)}});
}

std::string assumed_role_arn(std::string_view role_arn, std::string_view session_name) {
  if (!is_role_arn(role_arn)) return {};
  const std::size_t iam = role_arn.find(":iam::");
  const std::string_view account = role_arn.substr(iam + 6, 12);
  return std::string(role_arn.substr(0, iam)) + ":sts::" + std::string(account) + ":assumed-role/" +
         std::string(role_arn.substr(role_arn.rfind('/') + 1)) + "/" + std::string(session_name);
}

}  // namespace holdpoint::aws
