#include "gateway/pipeline/login.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "bus/base/json.hpp"
#include "gateway/http/head.hpp"
#include "gateway/pipeline/refusal_answer.hpp"
#include "gateway/policy/trust_policy.hpp"
#include "gateway/record/plain_text.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;

namespace {

// Each costs 36 bytes of a session token, and nobody needs as many.
constexpr std::size_t kAssumedMax = 8;
constexpr Duration kSessionMin = std::chrono::minutes(15);

std::string account_of(std::string_view role_arn) {
  for (int colons = 0; colons < 4; ++colons) {
    const std::size_t colon = role_arn.find(':');
    if (colon == std::string_view::npos) return {};
    role_arn.remove_prefix(colon + 1);
  }
  return std::string(role_arn.substr(0, role_arn.find(':')));
}

/// A RoleSessionName from a subject: AWS's alphabet, 2 to 64.
std::string session_name_of(std::string_view subject) {
  std::string name(subject.substr(0, 64));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !aws::is_role_session_name(std::string(2, c)); }, '-');
  while (name.size() < 2) name += '-';
  return name;
}

aws::CallerIdentity caller_of(const identity::Session& session) {
  const std::string mark = to_hex(view(sha256(session.role_arn))).substr(0, 17);
  return {"AROA" + mark + ":" + session.role_session_name, account_of(session.role_arn),
          aws::assumed_role_arn(session.role_arn, session.role_session_name)};
}

aws::Headers xml_headers(const std::string& request_id) {
  return {{"Content-Type", "text/xml"}, {"x-amzn-RequestId", request_id}};
}

}  // namespace

struct Login::Wish {
  std::string via;  ///< web_identity, container, assume_role
  Secret token;
  std::string role_arn;
  std::string role_session_name;
  std::optional<Duration> duration;
  std::string policy;
  // Found on the way, for the record.
  std::string issuer;
  std::string subject;
  std::string audience;
};

struct Login::Admitted {
  identity::Session session;
  aws::LocalCredentials credentials;
};

Login::Login(Services& services, http::Exchange& exchange)
    : services_(services),
      exchange_(exchange),
      snapshot_(services.configuration.current()),
      request_id_(to_text(services.ids.next(system_now()))) {}

bool Login::is_loopback() const {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(exchange_.source_ip(), error);
  return !error && address.is_loopback();
}

// ---- who may ------------------------------------------------------------------------------------------------------

Result<std::string> Login::only_role() const {
  const auto& roles = snapshot_->document.roles;
  if (roles.size() == 1) return roles.front().arn;
  return fail(Code::malformed, "several roles are configured: ask for one with ?role=ARN");
}

Result<void> Login::check_trust(const Wish& wish, const identity::Session& session, std::string_view caller_role) {
  const auto trust = snapshot_->trusts.find(session.role_arn);
  // An unknown role and one that does not trust the caller read the same: nobody can list roles by asking.
  const std::string refused = session.principal.name() + " may not become " + session.role_arn;
  if (trust == snapshot_->trusts.end()) return fail(Code::denied, refused);
  policy::TrustRequest request;
  request.action = caller_role.empty() ? policy::TrustRequest::Action::assume_role_with_web_identity
                                       : policy::TrustRequest::Action::assume_role;
  request.principal = session.principal;
  for (const config::Issuer& issuer : snapshot_->document.issuers) {
    if (issuer.name == session.principal.issuer) request.issuer_url = issuer.url;
  }
  request.caller_role_arn = caller_role;
  request.role_arn = session.role_arn;
  request.role_session_name = session.role_session_name;
  request.source_ip = exchange_.source_ip();
  request.secure_transport = snapshot_->tls != nullptr;
  request.now = system_now();
  if (policy::evaluate_trust(trust->second, request).effect != policy::Effect::allow)
    return fail(Code::denied, refused);
  if (const std::string why = snapshot_->revoked(session, snapshot_->document.role(session.role_arn)->target);
      !why.empty())
    return fail(Code::revoked, refused + ": " + why);
  if (!wish.policy.empty()) {
    auto parsed = policy::Policy::parse("Policy", wish.policy, policy::PolicyKind::session);
    if (!parsed) return fail(Code::malformed, parsed.error().context);
  }
  return {};
}

asio::awaitable<Result<identity::Session>> Login::admit_token(Wish& wish) {
  // SDKs send the token's file as it is, and what wrote it may have ended the line.
  std::string_view token = wish.token.reveal();
  while (token.ends_with('\n') || token.ends_with('\r') || token.ends_with(' ')) token.remove_suffix(1);
  Secret carried{Bytes(token)};
  auto verified = co_await services_.issuer_keys.verify(std::move(carried));
  if (!verified) {
    // An unknown signing key is as good as a wrong signature to whoever asks.
    const bool keys = verified.error().code == Code::not_found;
    co_return fail(keys ? Code::unauthenticated : verified.error().code, verified.error().context);
  }
  // Keys may have been waited for. What follows is decided by the configuration that the token was verified by.
  snapshot_ = std::move(verified->by);
  if (auto held = check_lease(); !held) co_return held.error();
  identity::Session session;
  session.principal = std::move(verified->token.principal);
  wish.issuer = session.principal.issuer;
  wish.subject = session.principal.subject;
  if (const auto audience = session.principal.claims.find("aud"); audience != session.principal.claims.end())
    wish.audience = audience->second;
  session.role_arn = wish.role_arn;
  session.role_session_name = wish.role_session_name.empty() ? session_name_of(wish.subject) : wish.role_session_name;
  if (auto trusted = check_trust(wish, session, {}); !trusted) co_return trusted.error();
  co_return session;
}

Result<Login::Admitted> Login::mint(identity::Session session) {
  auto minted = snapshot_->seal.mint(session);
  if (!minted) return minted.error();
  aws::LocalCredentials credentials{std::move(minted->access_key_id), Secret(std::move(minted->secret_access_key)),
                                    std::move(minted->session_token), session.expires_at};
  return Admitted{std::move(session), std::move(credentials)};
}

Result<void> Login::check_lease() const {
  if (services_.configuration.lease_held()) return {};
  return fail(Code::unavailable, "this gateway has not heard from the bus and may not decide by an old configuration");
}

asio::awaitable<Result<Login::Admitted>> Login::admit(Wish& wish) {
  if (auto held = check_lease(); !held) co_return held.error();
  auto session = co_await admit_token(wish);
  if (!session) co_return session.error();
  const config::RoleSettings* role = snapshot_->document.role(session->role_arn);
  const Duration asked = wish.duration.value_or(role->session_max);
  if (asked > role->session_max && wish.duration)
    co_return fail(Code::malformed, "DurationSeconds exceeds the role's session of " + to_text(role->session_max));
  session->id = request_id_;
  session->issued_at = system_now();
  session->expires_at = session->issued_at + std::max(asked, std::min(kSessionMin, role->session_max));
  session->policy = wish.policy;
  co_return mint(std::move(*session));
}

// ---- the record ---------------------------------------------------------------------------------------------------

asio::awaitable<Result<void>> Login::record_started(const identity::Session& session, std::string via) {
  const aws::Headers& headers = exchange_.request().head.headers;
  Json data{{"session_id", session.id},
            {"principal", text_json(session.principal.name())},
            {"issuer", session.principal.issuer},
            {"subject", text_json(session.principal.subject)},
            {"groups", session.principal.groups},
            {"role_arn", session.role_arn},
            {"role_session_name", record::plain_name(session.role_session_name)},
            {"via", std::move(via)},
            {"expires_at", to_rfc3339(session.expires_at)},
            {"source_ip", exchange_.source_ip()},
            {"user_agent", record::plain_part(http::header_or_empty(headers, "user-agent"))}};
  record::EventData event(data);
  auto recorded = co_await services_.record.record(record::type::kSessionStarted, session.id, std::move(event));
  if (!recorded)
    co_return Error{recorded.error().code, "the session could not be recorded: " + recorded.error().context};
  co_return Result<void>();
}

asio::awaitable<void> Login::record_refused(const Wish& wish, const Error& error) {
  Json data{{"reason", text_json(record::plain_sentence(error.context))},
            {"code", holdpoint::name(error.code)},
            {"via", wish.via},
            {"role_arn", record::plain_part(wish.role_arn)},
            {"source_ip", exchange_.source_ip()},
            {"user_agent", record::plain_part(http::header_or_empty(exchange_.request().head.headers, "user-agent"))}};
  record::EventData event(data);
  (void)co_await record_stranger(services_, record::type::kSessionRefused, request_id_, std::move(event));
}

// ---- the container credential endpoint ----------------------------------------------------------------------------

Result<void> Login::read_container(Wish& wish) {
  const aws::HttpHead& head = exchange_.request().head;
  if (!is_loopback() && !snapshot_->tls)
    return fail(Code::denied, "credentials are given out on loopback or over TLS only");
  if (head.method != "GET") return fail(Code::malformed, "the container credential endpoint answers GET");
  const std::string_view query = head.query();
  if (query.empty()) {
    auto role = only_role();
    if (!role) return role.error();
    wish.role_arn = std::move(*role);
  } else {
    auto role = query.starts_with("role=") && query.find('&') == std::string_view::npos ? form_decode(query.substr(5))
                                                                                        : std::nullopt;
    if (!role) return fail(Code::malformed, "the only parameter is role=ARN");
    wish.role_arn = std::move(*role);
  }
  std::string token = http::header_or_empty(head.headers, "authorization");
  if (token.size() > 7 && equal_ignoring_case(std::string_view(token).substr(0, 7), "bearer ")) token.erase(0, 7);
  if (token.empty())
    return fail(Code::unauthenticated, "AWS_CONTAINER_AUTHORIZATION_TOKEN must hold the agent's token");
  wish.token = Secret(std::move(token));
  return {};
}

/// How it ended is on record before anything leaves; what cannot be recorded is refused.
asio::awaitable<void> Login::record_end(const Wish& wish, Result<Admitted>& admitted) {
  if (admitted) {
    if (auto recorded = co_await record_started(admitted->session, wish.via); !recorded) admitted = recorded.error();
  }
  if (!admitted) co_await record_refused(wish, admitted.error());
}

asio::awaitable<void> Login::container() {
  Wish wish;
  wish.via = "container";
  Result<Admitted> admitted = fail(Code::internal, {});
  if (auto read = read_container(wish); !read) {
    admitted = read.error();
  } else {
    admitted = co_await admit(wish);
  }
  co_await record_end(wish, admitted);
  aws::Headers headers{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  if (!admitted) {
    const Json refusal{{"code", "AccessDenied"}, {"message", display(admitted.error().context, 1024)}};
    const std::string body = to_json(refusal);
    const int status = admitted.error().code == Code::malformed ? 400 : 403;
    (void)co_await exchange_.reply(status, std::move(headers), body);
    co_return;
  }
  const std::string body = aws::container_credentials_answer(admitted->credentials);
  (void)co_await exchange_.reply(200, std::move(headers), body);
}

// ---- STS ----------------------------------------------------------------------------------------------------------

asio::awaitable<void> Login::refuse_sts(const Error& error) {
  RefusedRequest request{exchange_.request().head, nullptr, "sts", std::nullopt, request_id_};
  // There are no credentials yet that could be the wrong ones.
  if (error.code == Code::unauthenticated || error.code == Code::revoked) request.kind = aws::Refusal::denied;
  if (error.code == Code::expired) request.kind = aws::Refusal::expired_token;
  aws::ErrorAnswer answer = refusal_answer(request, refusal_of(error));
  (void)co_await exchange_.reply(answer.status, std::move(answer.headers), answer.body);
}

asio::awaitable<void> Login::web_identity(std::string body) {
  const Secret wiped(std::move(body));
  Wish wish;
  wish.via = "web_identity";
  auto call = aws::parse_sts(exchange_.request().head, wiped.reveal());
  Result<Admitted> admitted = fail(Code::internal, {});
  if (!call) {
    admitted = call.error();
  } else if (auto* asked = std::get_if<aws::AssumeRoleWithWebIdentity>(&*call)) {
    wish.token = std::move(asked->token);
    wish.role_arn = asked->role_arn;
    wish.role_session_name = asked->role_session_name;
    wish.duration = asked->duration;
    wish.policy = asked->policy;
    admitted = co_await admit(wish);
  } else {
    admitted = fail(Code::unauthenticated, "this operation must be signed");
  }
  co_await record_end(wish, admitted);
  if (!admitted) {
    co_await refuse_sts(admitted.error());
    co_return;
  }
  const identity::Session& session = admitted->session;
  const auto audience = session.principal.claims.find("aud");
  const std::string answer = aws::assume_role_with_web_identity_answer(
      admitted->credentials, caller_of(session), session.principal.subject,
      audience == session.principal.claims.end() ? std::string_view() : std::string_view(audience->second),
      session.principal.issuer, request_id_);
  (void)co_await exchange_.reply(200, xml_headers(request_id_), answer);
}

/// The caller's session once more: it ends no later, keeps its policy and dies with the session that it came from.
Result<Login::Admitted> Login::derive(const identity::Session& session, std::optional<Duration> duration,
                                      const std::string& policy) {
  identity::Session next = session;
  next.assumed_from.push_back(session.id);
  if (next.assumed_from.size() > kAssumedMax)
    return fail(Code::denied, "sessions were derived one from another too often; log in again");
  if (!policy.empty()) {
    if (!session.policy.empty())
      return fail(Code::denied, "a session with a policy of its own cannot be narrowed further");
    auto parsed = policy::Policy::parse("Policy", policy, policy::PolicyKind::session);
    if (!parsed) return fail(Code::malformed, parsed.error().context);
    next.policy = policy;
  }
  next.id = request_id_;
  next.issued_at = system_now();
  if (duration) next.expires_at = std::min(session.expires_at, next.issued_at + *duration);
  return mint(std::move(next));
}

asio::awaitable<void> Login::derived_call(const identity::Session& session, const aws::StsCall& call) {
  Wish wish;
  wish.role_arn = session.role_arn;
  const auto* federation = std::get_if<aws::GetFederationToken>(&call);
  wish.via = federation != nullptr ? "get_federation_token" : "get_session_token";
  Result<Admitted> admitted = federation != nullptr
                                  ? derive(session, federation->duration, federation->policy)
                                  : derive(session, std::get<aws::GetSessionToken>(call).duration, {});
  co_await record_end(wish, admitted);
  if (!admitted) {
    co_await refuse_sts(admitted.error());
    co_return;
  }
  const std::string answer = federation != nullptr
                                 ? aws::federation_token_answer(admitted->credentials, account_of(session.role_arn),
                                                                federation->name, request_id_)
                                 : aws::session_token_answer(admitted->credentials, request_id_);
  (void)co_await exchange_.reply(200, xml_headers(request_id_), answer);
}

asio::awaitable<void> Login::signed_call(const identity::Session& session, const aws::StsCall& call) {
  if (std::holds_alternative<aws::GetSessionToken>(call) || std::holds_alternative<aws::GetFederationToken>(call)) {
    co_await derived_call(session, call);
    co_return;
  }
  if (std::holds_alternative<aws::GetCallerIdentity>(call)) {
    const std::string answer = aws::caller_identity_answer(caller_of(session), request_id_);
    (void)co_await exchange_.reply(200, xml_headers(request_id_), answer);
    co_return;
  }
  Wish wish;
  wish.via = "assume_role";
  Result<Admitted> admitted =
      fail(Code::unsupported, "log in without a signature, or ask for another role with AssumeRole");
  if (const auto* asked = std::get_if<aws::AssumeRole>(&call)) {
    wish.role_arn = asked->role_arn;
    wish.policy = asked->policy;
    identity::Session next = session;
    next.assumed_from.push_back(session.id);
    next.role_arn = asked->role_arn;
    next.role_session_name = asked->role_session_name;
    const config::RoleSettings* role = snapshot_->document.role(asked->role_arn);
    auto trusted = check_trust(wish, next, session.role_arn);
    if (next.assumed_from.size() > kAssumedMax) {
      admitted = fail(Code::denied, "roles were assumed one from another too often; log in again");
    } else if (!session.policy.empty()) {
      // A session that was narrowed stays narrowed: two policies cannot be carried, so it goes no further.
      admitted = fail(Code::denied, "a session with a policy of its own cannot assume another role");
    } else if (!trusted) {
      admitted = trusted.error();
    } else if (asked->duration && *asked->duration > std::min<Duration>(role->session_max, std::chrono::hours(1))) {
      admitted = fail(Code::malformed, "DurationSeconds exceeds what role chaining allows (1h) or the role's session");
    } else {
      next.id = request_id_;
      next.issued_at = system_now();
      next.expires_at =
          next.issued_at + asked->duration.value_or(std::min<Duration>(role->session_max, std::chrono::hours(1)));
      next.policy = asked->policy;
      admitted = mint(std::move(next));
    }
  }
  co_await record_end(wish, admitted);
  if (!admitted) {
    co_await refuse_sts(admitted.error());
    co_return;
  }
  const std::string answer = aws::assume_role_answer(admitted->credentials, caller_of(admitted->session), request_id_);
  (void)co_await exchange_.reply(200, xml_headers(request_id_), answer);
}

}  // namespace holdpoint::pipeline
