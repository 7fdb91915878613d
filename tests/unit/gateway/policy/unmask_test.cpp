// What the statements of a call leave unmasked together.
#include <gtest/gtest.h>

#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/policy/engine.hpp"

namespace holdpoint::policy {
namespace {

struct World {
  identity::Principal principal{"corp", "ann", {"dev"}, {}};
  aws::Operation operation;
  Request request;

  World() {
    operation.service = "s3";
    operation.operation = "GetObject";
    request.principal = &principal;
    request.operation = &operation;
    request.role_arn = "arn:aws:iam::123456789012:role/coding-agent";
    request.target_account = "123456789012";
  }
};

Decision decide(const std::string& statements, const World& world) {
  const std::vector<Policy> policies = {
      Policy::parse("p.json", R"({"Version":"2012-10-17","Statement":[)" + statements + "]}").value()};
  return evaluate(policies, nullptr, world.request);
}

TEST(Unmask, IsOnlyWhatEveryPairLeavesAndNoLongerThanItsTime) {
  World world;
  world.request.now = *from_rfc3339("2026-11-01T00:00:00Z");
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::a", {}}, {"s3:GetObject", "arn:aws:s3:::b", {}}};
  const auto on = [](const std::string& bucket, const std::string& more, const char* effect = "Allow") {
    return std::string(R"({"Effect":")") + effect + R"(","Action":"*","Resource":"arn:aws:s3:::)" + bucket + "\"" +
           more + "}";
  };
  const auto leaving = [](const std::string& classes, const std::string& until = "2026-11-02T00:00:00Z") {
    return R"(,"Unmask":{"Classes":[)" + classes + R"(],"Until":")" + until + "\"}";
  };
  const auto left = [&](const std::string& statements) {
    std::string out;
    for (const Unmask& each : decide(statements, world).obligations.unmask)
      out += each.mask_class + " " + each.statement + " " + to_rfc3339(each.until).substr(5, 5) + ";";
    return out;
  };
  EXPECT_EQ(left(on("a", "") + "," + on("b", "")), "");
  EXPECT_EQ(left(on("*", leaving(R"("email","phone")"))), "email #1 11-02;phone #1 11-02;");
  EXPECT_EQ(left(on("a", leaving(R"("email")")) + "," + on("b", "")), "");
  EXPECT_EQ(
      left(on("a", leaving(R"("email","card")")) + "," + on("b", leaving(R"("phone","card")", "2026-11-03T00:00:00Z"))),
      "card #1 11-02;");
  // The longest of one pair's, the shortest of all pairs.
  EXPECT_EQ(left(on("*", leaving(R"("card")")) + "," + on("a", leaving(R"("card")", "2026-11-04T00:00:00Z"))),
            "card #1 11-02;");
  // Its time is over.
  EXPECT_EQ(left(on("*", leaving(R"("email")", "2026-11-01T00:00:00Z"))), "");
  // Another statement that asks for masks has the last word; one that is silent says nothing.
  EXPECT_EQ(left(on("*", leaving(R"("email")")) + "," + on("a", R"(,"Mask":"default")")), "");
  EXPECT_EQ(left(on("*", leaving(R"("email")")) + "," + on("a", R"(,"Mask":"email")")), "");
  EXPECT_EQ(left(on("*", leaving(R"("email")")) + "," + on("a", "")), "email #1 11-02;");
  // A Hold that covers only some of what the call leaves open gives nothing away.
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::*", {}}};
  EXPECT_EQ(left(on("*", "") + "," + on("a", leaving(R"("email")"), "Hold")), "");
  EXPECT_EQ(left(on("*", "") + "," + on("*", leaving(R"("email")"), "Hold")), "email #2 11-02;");
}

TEST(Unmask, OfAHoldNeedsConditionsThatAnAllowCouldStandOn) {
  World world;
  world.request.now = *from_rfc3339("2026-11-01T00:00:00Z");
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::a", {}}};
  const std::string allow = R"({"Effect":"Allow","Action":"*","Resource":"*"},)";
  const std::string leaving = R"(,"Unmask":{"Classes":["email"],"Until":"2026-11-02T00:00:00Z"})";
  const auto decided = [&](const std::string& condition, const std::string& more) {
    return decide(allow + R"({"Effect":"Hold","Action":"*","Resource":"*","Condition":)" + condition + more + "}",
                  world);
  };
  world.operation.context = {{"s3:max-keys", {"ten"}}};
  for (const std::string condition : {R"({"NumericLessThan":{"s3:max-keys":"100"}})",
                                      R"({"StringNotEquals":{"s3:max-keys":"${aws:PrincipalTag/absent}"}})"}) {
    EXPECT_EQ(decided(condition, leaving).effect, Effect::hold) << condition;
    EXPECT_TRUE(decided(condition, leaving).obligations.unmask.empty()) << condition;
    EXPECT_TRUE(decided(condition, R"(,"Mask":"off")").obligations.mask.empty()) << condition;
  }
  const std::string sound = R"({"StringEquals":{"s3:max-keys":"ten"}})";
  EXPECT_EQ(decided(sound, leaving).obligations.unmask.size(), 1u);
  EXPECT_EQ(decided(sound, R"(,"Mask":"off")").obligations.mask, std::vector<std::string>{"off"});
}

}  // namespace
}  // namespace holdpoint::policy
