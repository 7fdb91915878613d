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

TEST(Engine, a_hold_by_wildcards_still_holds_what_hands_out_credentials) {
  const identity::Principal principal{"corp", "ann", {}, {}};
  aws::Operation operation;
  operation.service = "ssm";
  operation.operation = "StartSession";
  operation.requirements = {{"ssm:StartSession", "arn:aws:ec2:eu-west-1:123456789012:instance/i-1", {}}};
  operation.hands_out = aws::HandsOut::named;
  Request request;
  request.principal = &principal;
  request.operation = &operation;
  request.now = *from_rfc3339("2026-11-01T12:00:00Z");
  const auto policy = [](const char* name, const std::string& statement) {
    return Policy::parse(name, R"({"Version":"2012-10-17","Statement":[)" + statement + "]}").value();
  };
  const Policy allows = policy("b.json", R"({"Effect":"Allow","Action":"ssm:StartSession","Resource":"*"})");
  for (const char* wide : {R"("Action":"*")", R"("Action":"ssm:*")", R"("NotAction":"s3:*")"}) {
    const Policy holds =
        policy("a.json", R"({"Effect":"Hold",)" + std::string(wide) +
                             R"(,"Resource":"*","Review":{"Required":2},"Mask":["email"],"Record":"metadata"})");
    const std::vector<Policy> both = {holds, allows};
    const Decision decided = evaluate(both, nullptr, request);
    EXPECT_EQ(decided.effect, hold) << wide;
    EXPECT_EQ(decided.review.required, 2) << wide;
    EXPECT_EQ(decided.obligations.mask, std::vector<std::string>{"email"}) << wide;
    EXPECT_FALSE(decided.obligations.record_full) << wide;
    EXPECT_NE(explain(both, nullptr, request).find("applies, but permits nothing"), std::string::npos) << wide;
    EXPECT_EQ(evaluate({&holds, 1}, nullptr, request).effect, implicit_deny) << wide;
  }
  const Policy off =
      policy("a.json", R"({"Effect":"Hold","Action":"*","Resource":"*","Review":{"Required":1},"Mask":"off"})");
  EXPECT_TRUE(evaluate(std::vector<Policy>{off, allows}, nullptr, request).obligations.mask.empty());
  const Policy lifts = policy("a.json", R"({"Effect":"Hold","Action":"*","Resource":"*","Review":{"Required":1},
                                           "Unmask":{"Classes":["email"],"Until":"2026-12-01T00:00:00Z"}})");
  EXPECT_TRUE(evaluate(std::vector<Policy>{lifts, allows}, nullptr, request).obligations.unmask.empty());
}

}  // namespace
}  // namespace holdpoint::policy
