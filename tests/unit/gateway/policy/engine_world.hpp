// What the engine's tests share: a request with everything in it, and policies written as statements.
#pragma once

#include "bus/base/time.hpp"
#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {

inline constexpr const char* kTable = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";

struct World {
  identity::Principal principal{"corp", "ann", {"dev", "oncall"}, {{"team", "shop"}, {"Level", "7"}, {"level", "9"}}};
  aws::Operation operation;
  Request request;

  World() {
    operation.service = "dynamodb";
    operation.operation = "GetItem";
    operation.region = "eu-west-1";
    operation.access = aws::Access::read;
    operation.requirements = {{"dynamodb:GetItem", kTable, {{"dynamodb:leadingkeys", {"ann", "bob"}}}}};
    operation.context = {{"dynamodb:select", {"COUNT"}},
                         {"aws:tagkeys", {"env", "cost"}},
                         {"s3:max-keys", {"10"}},
                         {"s3:max-bad", {"ten"}},
                         {"dynamodb:attributes", {}},  // has some that could not be read
                         {"x:blob", {"AQID"}},
                         {"x:arn", {"arn:aws:sns:eu-west-1:123456789012:topic"}},
                         {"x:noarn", {"topic"}},
                         // What a request brings never stands for what the gateway knows.
                         {"aws:sourceip", {"10.0.0.1"}},
                         {"holdpoint:groups", {"admin"}},
                         {"aws:calledvia", {"cloudformation.amazonaws.com"}}};
    request.principal = &principal;
    request.operation = &operation;
    request.role_arn = "arn:aws:iam::123456789012:role/coding-agent";
    request.target = "prod";
    request.target_account = "123456789012";
    request.source_ip = "192.0.2.7";
    request.user_agent = "aws-cli/2.9";
    request.now = from_rfc3339("2026-11-02T14:30:00Z").value();  // a Monday
  }
};

inline Policy policy_of(const std::string& statements, PolicyKind kind = PolicyKind::role) {
  return Policy::parse("p.json", R"({"Version":"2012-10-17","Statement":[)" + statements + "]}", kind).value();
}

inline Decision decide(const std::string& statements, const World& world = {}) {
  const std::vector<Policy> policies = {policy_of(statements)};
  return evaluate(policies, nullptr, world.request);
}

inline std::string allow_with(const std::string& rest) { return R"({"Effect":"Allow",)" + rest + "}"; }
inline std::string statement(const char* effect, const std::string& action, const std::string& resource = "\"*\"") {
  return std::string(R"({"Effect":")") + effect + R"(","Action":)" + action + R"(,"Resource":)" + resource + "}";
}

}  // namespace holdpoint::policy
