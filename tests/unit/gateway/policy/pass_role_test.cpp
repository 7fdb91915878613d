// What hands a role to a service needs iam:PassRole for that role beside its own action.
#include <gtest/gtest.h>

#include "gateway/aws/classify.hpp"
#include "tests/unit/gateway/policy/engine_world.hpp"

namespace holdpoint::policy {
namespace {

using enum Effect;

const std::vector<std::string> kHosts{"gw.example"};

// lambda:CreateFunction with the role, as an agent's SDK sends it.
World creating(const std::string& role) {
  const aws::HttpHead head{"POST", "/2015-03-31/functions", {{"Host", "gw.example"}}};
  const std::string body =
      R"({"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/)" + role + R"(","Code":{"ZipFile":"UEs="}})";
  World world;
  world.operation = aws::classify(head, {"lambda", "eu-west-1", "123456789012", kHosts}, body).value().operation;
  world.request.operation = &world.operation;
  return world;
}

Effect effect_of(const std::string& statements, const std::string& role) {
  const World world = creating(role);
  const std::vector<Policy> policies = {policy_of(statements)};
  Request request = world.request;
  request.operation = &world.operation;
  request.principal = &world.principal;
  return evaluate(policies, nullptr, request).effect;
}

TEST(PassRole, CreatingAFunctionIsNoPermitToHandItAnyRole) {
  const std::string create = statement("Allow", R"("lambda:CreateFunction")");
  EXPECT_EQ(effect_of(create, "admin"), implicit_deny);
  const std::string pass =
      create + "," + statement("Allow", R"("iam:PassRole")", R"("arn:aws:iam::123456789012:role/functions")");
  EXPECT_EQ(effect_of(pass, "functions"), allow);
  EXPECT_EQ(effect_of(pass, "admin"), implicit_deny);
  EXPECT_EQ(effect_of(create + "," + statement("Allow", R"("iam:*")") + "," +
                          statement("Deny", R"("iam:PassRole")", R"("arn:aws:iam::*:role/admin")"),
                      "admin"),
            deny);
}

TEST(PassRole, TheServiceThatGetsTheRoleIsACondition) {
  const auto with = [](const std::string& service) {
    return statement("Allow", R"("lambda:CreateFunction")") +
           R"(,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{)"
           R"("iam:PassedToService":")" +
           service + R"("}}})";
  };
  EXPECT_EQ(effect_of(with("lambda.amazonaws.com"), "functions"), allow);
  EXPECT_EQ(effect_of(with("ec2.amazonaws.com"), "functions"), implicit_deny);
}

}  // namespace
}  // namespace holdpoint::policy
