// Operations that hand out credentials of the target: permitted by their whole name alone.
#include <gtest/gtest.h>

#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {
namespace {

using enum Effect;

TEST(Engine, what_hands_out_credentials_is_permitted_by_its_whole_name_alone) {
  const identity::Principal principal{"corp", "ann", {}, {}};
  aws::Operation operation;
  operation.service = "ecr";
  operation.operation = "GetAuthorizationToken";
  operation.requirements = {{"ecr:GetAuthorizationToken", "*", {}}};
  operation.hands_out = aws::HandsOut::named;
  Request request;
  request.principal = &principal;
  request.operation = &operation;
  const auto decide = [&](const std::string& statements) {
    const std::string text = R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
    const std::vector<Policy> policies = {Policy::parse("p.json", text).value()};
    return evaluate(policies, nullptr, request);
  };
  const auto effect = [&](const std::string& statements) { return decide(statements).effect; };
  for (const char* wide : {"*", "ecr:*", "ecr:Get*", "ecr:GetAuthorizationToke?"})
    EXPECT_EQ(effect(R"({"Effect":"Allow","Action":")" + std::string(wide) + R"(","Resource":"*"})"), implicit_deny)
        << wide;
  EXPECT_EQ(effect(R"({"Effect":"Allow","NotAction":"s3:*","Resource":"*"})"), implicit_deny);
  EXPECT_EQ(effect(R"({"Effect":"Hold","Action":"ecr:*","Resource":"*","Review":{"Required":1}})"), implicit_deny);
  const std::string named = R"({"Effect":"Allow","Action":["s3:*","ECR:getauthorizationtoken"],"Resource":"*"})";
  EXPECT_EQ(effect(named), allow);
  EXPECT_EQ(effect(named + R"(,{"Effect":"Deny","Action":"ecr:*","Resource":"*"})"), deny);
  EXPECT_NE(decide(R"({"Effect":"Allow","Action":"*","Resource":"*"})").reason.find("names this action in full"),
            std::string::npos);
  // Nor do people get to decide on it where the role holds what it does not allow.
  request.outside_hold = true;
  EXPECT_EQ(effect(R"({"Effect":"Allow","Action":"*","Resource":"*"})"), implicit_deny);
  operation.hands_out = aws::HandsOut::masked;
  EXPECT_EQ(effect(R"({"Effect":"Allow","Action":"*","Resource":"*"})"), allow);
}

}  // namespace
}  // namespace holdpoint::policy
