// The STS operations that the gateway answers itself, and the container credential endpoint: parsing with strict rules,
// and the answers. Pure: tokens are not verified and credentials not minted here.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "bus/base/crypto.hpp"
#include "bus/base/time.hpp"
#include "gateway/aws/http_head.hpp"

namespace holdpoint::aws {

struct AssumeRoleWithWebIdentity {
  std::string role_arn;
  std::string role_session_name;
  Secret token;                      ///< never logged
  std::optional<Duration> duration;  ///< 15 minutes to 12 hours; the role's own maximum is the caller's check
  std::string policy;                ///< inline session policy, to be intersected; empty = none
};

struct AssumeRole {
  std::string role_arn;
  std::string role_session_name;
  std::optional<Duration> duration;
  std::string policy;
};

struct GetCallerIdentity {};

/// The caller's own session once more. AWS's parameters for second factors are refused: they would prove nothing here.
struct GetSessionToken {
  std::optional<Duration> duration;  ///< 15 minutes to 36 hours; never beyond the session's own end
};

/// The same, narrowed by a policy, which AWS does not ask for but without which the session could do nothing.
struct GetFederationToken {
  std::string name;  ///< 2 to 32 of a role session name's characters
  std::optional<Duration> duration;
  std::string policy;
};

using StsCall =
    std::variant<AssumeRoleWithWebIdentity, AssumeRole, GetCallerIdentity, GetSessionToken, GetFederationToken>;

/// True for POST / or GET / whose form or query names an STS action and version; the operation need not be one of ours.
/// Only for unsigned requests and requests with scope "sts".
bool is_sts_call(const HttpHead& head, BytesView body);

/// Fails with `malformed` (a rule broken), `denied` (PolicyArns, SAML, tags, an operation that hands out real
/// credentials) or `not_found` (another STS operation: goes through policy to the target).
Result<StsCall> parse_sts(const HttpHead& head, BytesView body);

/// Credentials of ours, as an SDK takes them.
struct LocalCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  std::string session_token;
  Instant expires_at{};
};

struct CallerIdentity {
  std::string user_id;  ///< "AROA…:session"
  std::string account;
  std::string arn;  ///< "arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION"
};

/// XML bodies; Content-Type text/xml.
std::string assume_role_with_web_identity_answer(const LocalCredentials& credentials, const CallerIdentity& identity,
                                                 std::string_view subject, std::string_view audience,
                                                 std::string_view provider, std::string_view request_id);
std::string assume_role_answer(const LocalCredentials& credentials, const CallerIdentity& identity,
                               std::string_view request_id);
std::string session_token_answer(const LocalCredentials& credentials, std::string_view request_id);
std::string federation_token_answer(const LocalCredentials& credentials, std::string_view account,
                                    std::string_view name, std::string_view request_id);
std::string caller_identity_answer(const CallerIdentity& identity, std::string_view request_id);

/// {"AccessKeyId","SecretAccessKey","Token","Expiration"} of the container credential endpoint.
std::string container_credentials_answer(const LocalCredentials& credentials);

/// arn:aws:iam::ACCOUNT:role/NAME -> arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION; empty if `role_arn` is no role's.
std::string assumed_role_arn(std::string_view role_arn, std::string_view session_name);
/// AWS's pattern: 2 to 64 of A-Z a-z 0-9 _ = , . @ -
bool is_role_session_name(std::string_view name);

}  // namespace holdpoint::aws
