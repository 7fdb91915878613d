// A call that is signed for sts. GetCallerIdentity and AssumeRole are the gateway's own; what else STS has is refused
// here: it would hand out real credentials, or say nothing of use to a session of ours.
#include "gateway/aws/sts.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/judgement.hpp"
#include "gateway/pipeline/login.hpp"
#include "gateway/pipeline/refusal_answer.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using operation::Refusal;

/// As in AWS: the trust policy says who may come, the caller's own policies that it may go.
Result<void> Call::may_assume(const std::string& role_arn) const {
  aws::Operation operation;
  operation.service = "sts";
  operation.operation = "AssumeRole";
  operation.signing_name = "sts";
  operation.region = signature_.region;
  operation.requirements = {{"sts:AssumeRole", role_arn, {}}};
  auto decision = decide_on(operation);
  if (!decision) return decision.error();
  if (decision->effect == policy::Effect::allow) return {};
  if (decision->effect == policy::Effect::hold)
    return fail(Code::denied, "a role cannot be assumed under review; hold its operations instead");
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
  if (const auto* assume = std::get_if<aws::AssumeRole>(&*call)) {
    if (auto allowed = may_assume(assume->role_arn); !allowed) {
      co_await refuse(refusal_of(allowed.error()), true);
      co_return;
    }
  }
  Login login(services_, exchange_);
  co_await login.signed_call(*session_, *call);
}

}  // namespace holdpoint::pipeline
