// A call that is signed for sts. GetCallerIdentity, AssumeRole, GetSessionToken and GetFederationToken are the
// gateway's own; what else STS has is refused here: it would hand out real credentials, or say nothing of use to a
// session of ours.
#include "gateway/aws/sts.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/judgement.hpp"
#include "gateway/pipeline/login.hpp"
#include "gateway/pipeline/refusal_answer.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using operation::Refusal;

namespace {

bool is_derived(const aws::StsCall& call) {
  return std::holds_alternative<aws::GetSessionToken>(call) || std::holds_alternative<aws::GetFederationToken>(call);
}

}  // namespace

/// As in AWS: who one is and the own session once more need no permission; whatever else needs the caller's policies'.
/// That a role may be assumed by this caller is its trust policy's word (Login).
Result<void> Call::may_call_sts(const aws::StsCall& call) const {
  aws::Operation operation;
  operation.service = "sts";
  operation.signing_name = "sts";
  operation.region = signature_.region;
  std::string resource;
  if (const auto* assume = std::get_if<aws::AssumeRole>(&call)) {
    operation.operation = "AssumeRole";
    resource = assume->role_arn;
  } else if (const auto* federation = std::get_if<aws::GetFederationToken>(&call)) {
    operation.operation = "GetFederationToken";
    resource = "arn:aws:sts::" + target_->account + ":federated-user/" + federation->name;
  }
  if (is_derived(call) && signature_.presigned)
    return fail(Code::denied, "credentials are not handed to whoever holds a presigned URL");
  if (operation.operation.empty()) return {};
  operation.requirements = {{"sts:" + operation.operation, std::move(resource), {}}};
  auto decision = decide_on(operation);
  if (!decision) return decision.error();
  if (decision->effect == policy::Effect::allow) return {};
  if (decision->effect == policy::Effect::hold)
    return fail(Code::denied, "credentials are not handed out under review; hold the operations instead");
  return fail(Code::denied, decision->reason);
}

asio::awaitable<void> Call::run_sts() {
  if (!services_.configuration.lease_held()) {
    Refusal refusal{"unavailable", Code::unavailable,
                    "this gateway has not heard from the bus and may not decide by an old configuration"};
    co_await refuse(std::move(refusal), true);
    co_return;
  }
  auto body = co_await exchange_.read_body(kLoginBytesMax);
  if (!body) {
    co_await refuse(refusal_of(body.error()), true);
    co_return;
  }
  body_ = std::move(*body);
  Bytes decoded;
  if (auto checked = check_body(decoded); !checked) {
    co_await refuse(refusal_of(checked.error()), true);
    co_return;
  }
  auto call = aws::parse_sts(exchange_.request().head, body_);
  if (!call) {
    co_await refuse(refusal_of(call.error()), true);
    co_return;
  }
  if (auto allowed = may_call_sts(*call); !allowed) {
    co_await refuse(refusal_of(allowed.error()), true);
    co_return;
  }
  Login login(services_, exchange_);
  co_await login.signed_call(*session_, *call);
}

}  // namespace holdpoint::pipeline
