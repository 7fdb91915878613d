// IAM's semantics as a table: one statement list, one request, what comes out.
#include <gtest/gtest.h>

#include "tests/unit/gateway/policy/engine_world.hpp"

namespace holdpoint::policy {
namespace {

using enum Effect;

TEST(Engine, ActionsAndResources) {
  struct Row {
    const char* members;
    bool allowed;
  };
  const Row rows[] = {
      {R"("Action":"dynamodb:GetItem","Resource":"*")", true},
      {R"("Action":"*","Resource":"*")", true},
      {R"("Action":"DynamoDB:getitem","Resource":"*")", true},
      {R"("Action":"dynamodb:Get*","Resource":"*")", true},
      {R"("Action":"dynamodb:*Item","Resource":"*")", true},
      {R"("Action":"dynamodb:G?tItem","Resource":"*")", true},
      {R"("Action":"dynamodb:GetItem?","Resource":"*")", false},
      {R"("Action":"dynamodb:GetIte","Resource":"*")", false},
      {R"("Action":"dynamodb:GetItems","Resource":"*")", false},
      {R"("Action":"*:Get*","Resource":"*")", true},
      {R"("Action":"s3:*","Resource":"*")", false},
      {R"("Action":["s3:*","dynamodb:GetItem"],"Resource":"*")", true},
      {R"("NotAction":"dynamodb:DeleteTable","Resource":"*")", true},
      {R"("NotAction":"dynamodb:*","Resource":"*")", false},
      {R"("NotAction":["s3:*","dynamodb:Get*"],"Resource":"*")", false},
      {R"("NotAction":"*","Resource":"*")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders")", true},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/Orders")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/order")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/x")",
       false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/o*")", true},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:us-*:*:table/o*")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:eu-west-?:*:table/*")", true},
      {R"("Action":"dynamodb:GetItem","Resource":["arn:aws:s3:::b","arn:aws:dynamodb:*:*:table/orders"])", true},
      {R"("Action":"dynamodb:GetItem","NotResource":"arn:aws:dynamodb:*:*:table/secrets")", true},
      {R"("Action":"dynamodb:GetItem","NotResource":"arn:aws:dynamodb:*:*:table/*")", false},
      {R"("Action":"dynamodb:GetItem","NotResource":"*")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/${holdpoint:claim/team}")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/${holdpoint:claim/none, 'orders'}")",
       true},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:${aws:RequestedRegion}:*:table/orders")", true},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:${aws:PrincipalAccount}:table/orders")", true},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/${aws:nothing}")", false},
      // Unresolved in NotResource: what it would exclude is not known, so the permit does not reach it.
      {R"("Action":"dynamodb:GetItem","NotResource":"arn:aws:dynamodb:*:*:table/${aws:nothing}")", false},
      {R"("Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/${*}")", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(decide(allow_with(row.members)).effect, row.allowed ? allow : implicit_deny) << row.members;
  }
}

TEST(Engine, EveryConditionOperator) {
  struct Row {
    const char* condition;
    bool permits;    // in an Allow
    bool restricts;  // in a Deny
  };
  const Row rows[] = {
      // Strings
      {R"("StringEquals":{"holdpoint:subject":"ann"})", true, true},
      {R"("StringEquals":{"HoldPoint:Subject":"ann"})", true, true},
      {R"("StringEquals":{"holdpoint:subject":"Ann"})", false, false},
      {R"("StringEquals":{"holdpoint:subject":["bob","ann"]})", true, true},
      {R"("StringEquals":{"holdpoint:subject":"a*"})", false, false},
      {R"("StringEquals":{"holdpoint:subject":"${aws:username}"})", true, true},
      {R"("StringEquals":{"x:none":"a"})", false, false},
      {R"("StringEqualsIfExists":{"x:none":"a"})", true, true},
      {R"("StringEqualsIfExists":{"holdpoint:subject":"bob"})", false, false},
      {R"("StringNotEquals":{"holdpoint:subject":"bob"})", true, true},
      {R"("StringNotEquals":{"holdpoint:subject":"ann"})", false, false},
      {R"("StringNotEquals":{"holdpoint:subject":["bob","ann"]})", false, false},
      {R"("StringNotEquals":{"x:none":"a"})", true, true},
      {R"("StringNotEqualsIfExists":{"x:none":"a"})", true, true},
      {R"("StringNotEquals":{"holdpoint:subject":"${x:none}"})", false, true},
      {R"("StringEquals":{"holdpoint:subject":"${x:none}"})", false, false},
      {R"("StringEqualsIgnoreCase":{"holdpoint:subject":"ANN"})", true, true},
      {R"("StringNotEqualsIgnoreCase":{"holdpoint:subject":"ANN"})", false, false},
      {R"("StringLike":{"holdpoint:subject":"a*"})", true, true},
      {R"("StringLike":{"holdpoint:subject":"a?"})", false, false},
      {R"("StringLike":{"holdpoint:subject":"A*"})", false, false},
      {R"("StringNotLike":{"holdpoint:subject":"a*"})", false, false},
      {R"("StringNotLike":{"holdpoint:subject":"b*"})", true, true},
      {R"("StringNotLike":{"x:none":"b*"})", true, true},
      // Numbers
      {R"("NumericEquals":{"s3:max-keys":"10"})", true, true},
      {R"("NumericEquals":{"s3:max-keys":10})", true, true},
      {R"("NumericEquals":{"s3:max-keys":"10.0"})", true, true},
      {R"("NumericEquals":{"s3:max-keys":["1","2"]})", false, false},
      {R"("NumericNotEquals":{"s3:max-keys":"10"})", false, false},
      {R"("NumericNotEquals":{"s3:none":"10"})", true, true},
      {R"("NumericLessThan":{"s3:max-keys":"10"})", false, false},
      {R"("NumericLessThan":{"s3:max-keys":"11"})", true, true},
      {R"("NumericLessThanEquals":{"s3:max-keys":"10"})", true, true},
      {R"("NumericGreaterThan":{"s3:max-keys":"9.5"})", true, true},
      {R"("NumericGreaterThan":{"s3:max-keys":"10"})", false, false},
      {R"("NumericGreaterThanEquals":{"s3:max-keys":"10"})", true, true},
      {R"("NumericLessThan":{"s3:none":"11"})", false, false},
      {R"("NumericLessThanIfExists":{"s3:none":"11"})", true, true},
      {R"("NumericLessThan":{"s3:max-bad":"11"})", false, true},
      {R"("NumericNotEquals":{"s3:max-bad":"11"})", false, true},
      // Dates
      {R"("DateGreaterThan":{"aws:CurrentTime":"2026-11-02T14:00:00Z"})", true, true},
      {R"("DateGreaterThan":{"aws:CurrentTime":"2026-11-02T15:00:00Z"})", false, false},
      {R"("DateGreaterThan":{"aws:CurrentTime":"2026-11-02T15:00:00+01:00"})", true, true},
      {R"("DateLessThan":{"aws:CurrentTime":"2026-11-03"})", true, true},
      {R"("DateLessThan":{"aws:CurrentTime":"2026"})", false, false},
      {R"("DateLessThan":{"aws:CurrentTime":"2026-12"})", true, true},
      {R"("DateLessThanEquals":{"aws:CurrentTime":"2026-11-02T14:30Z"})", true, true},
      {R"("DateEquals":{"aws:CurrentTime":"2026-11-02T14:30:00Z"})", true, true},
      {R"("DateNotEquals":{"aws:CurrentTime":"2026-11-02T14:30:00Z"})", false, false},
      {R"("DateGreaterThanEquals":{"aws:EpochTime":"1793629800"})", true, true},
      {R"("DateLessThan":{"aws:EpochTime":"1793629800"})", false, false},
      {R"("NumericGreaterThan":{"aws:EpochTime":"1793629799"})", true, true},
      {R"("DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"})", false, false},
      // Booleans
      {R"("Bool":{"aws:SecureTransport":"false"})", true, true},
      {R"("Bool":{"aws:SecureTransport":false})", true, true},
      {R"("Bool":{"aws:SecureTransport":"TRUE"})", false, false},
      {R"("Bool":{"aws:MultiFactorAuthPresent":"true"})", false, false},
      {R"("BoolIfExists":{"aws:MultiFactorAuthPresent":"true"})", true, true},
      {R"("Bool":{"aws:ViaAWSService":"false"})", true, true},
      {R"("Bool":{"holdpoint:subject":"true"})", false, true},
      // Binary
      {R"("BinaryEquals":{"x:blob":"AQID"})", true, true},
      {R"("BinaryEquals":{"x:blob":"AQIE"})", false, false},
      {R"("BinaryEquals":{"holdpoint:subject":"AQIE"})", false, true},
      // Addresses: the gateway's own value, not the one the request context claims
      {R"("IpAddress":{"aws:SourceIp":"192.0.2.0/24"})", true, true},
      {R"("IpAddress":{"aws:SourceIp":"192.0.2.7"})", true, true},
      {R"("IpAddress":{"aws:SourceIp":"192.0.2.8"})", false, false},
      {R"("IpAddress":{"aws:SourceIp":"10.0.0.0/8"})", false, false},
      {R"("IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.4/30"]})", true, true},
      {R"("IpAddress":{"aws:SourceIp":"192.0.2.8/29"})", false, false},
      {R"("IpAddress":{"aws:SourceIp":"0.0.0.0/0"})", true, true},
      {R"("IpAddress":{"aws:SourceIp":"::/0"})", false, false},
      {R"("IpAddress":{"aws:SourceIp":"::ffff:192.0.2.7"})", true, true},
      {R"("NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"})", false, false},
      {R"("NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"})", true, true},
      {R"("IpAddress":{"x:none":"10.0.0.0/8"})", false, false},
      {R"("NotIpAddress":{"x:none":"10.0.0.0/8"})", true, true},
      {R"("IpAddress":{"holdpoint:subject":"10.0.0.0/8"})", false, true},
      // ARNs
      {R"("ArnEquals":{"x:arn":"arn:aws:sns:eu-west-1:123456789012:topic"})", true, true},
      {R"("ArnLike":{"x:arn":"arn:aws:sns:*:*:top*"})", true, true},
      {R"("ArnEquals":{"x:arn":"arn:aws:sns:*:*:top*"})", true, true},
      {R"("ArnLike":{"x:arn":"arn:aws:s*:topic:x:y:z"})", false, false},
      {R"("ArnLike":{"x:arn":"arn:*:*:*:*:*"})", true, true},
      {R"("ArnNotLike":{"x:arn":"arn:aws:sns:*:*:*"})", false, false},
      {R"("ArnNotEquals":{"x:arn":"arn:aws:sqs:*:*:*"})", true, true},
      {R"("ArnNotLike":{"x:none":"arn:aws:sqs:*:*:*"})", true, true},
      {R"("ArnLike":{"x:noarn":"arn:aws:sqs:*:*:*"})", false, false},
      {R"("ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/coding-*"})", true, true},
      // Null
      {R"("Null":{"x:none":"true"})", true, true},
      {R"("Null":{"x:none":"false"})", false, false},
      {R"("Null":{"holdpoint:subject":"false"})", true, true},
      {R"("Null":{"holdpoint:subject":true})", false, false},
      {R"("Null":{"aws:CalledVia":"true"})", true, true},
      // Sets
      {R"("ForAnyValue:StringEquals":{"holdpoint:groups":"dev"})", true, true},
      {R"("ForAnyValue:StringEquals":{"holdpoint:groups":"admin"})", false, false},
      {R"("ForAnyValue:StringEquals":{"x:none":"admin"})", false, false},
      {R"("ForAnyValue:StringEqualsIfExists":{"x:none":"admin"})", true, true},
      {R"("ForAllValues:StringEquals":{"holdpoint:groups":["dev","oncall","x"]})", true, true},
      {R"("ForAllValues:StringEquals":{"holdpoint:groups":"dev"})", false, false},
      {R"("ForAllValues:StringEquals":{"x:none":"dev"})", true, true},
      {R"("ForAllValues:StringLike":{"aws:TagKeys":["e*","c*"]})", true, true},
      {R"("ForAllValues:StringNotEquals":{"aws:TagKeys":"secret"})", true, true},
      {R"("ForAllValues:StringNotEquals":{"aws:TagKeys":"env"})", false, false},
      {R"("ForAnyValue:StringNotEquals":{"aws:TagKeys":"env"})", true, true},
      {R"("ForAnyValue:StringNotEquals":{"aws:TagKeys":["env","cost"]})", false, false},
      {R"("ForAnyValue:StringNotEquals":{"x:none":"env"})", false, false},
      {R"("forallvalues:stringequals":{"dynamodb:LeadingKeys":["ann","bob"]})", true, true},
      {R"("ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${aws:username}"]})", false, true},
      // Keys with more values than the real one: a permit needs all, a restriction any
      {R"("ForAnyValue:StringEquals":{"dynamodb:LeadingKeys":"ann"})", false, true},
      {R"("ForAllValues:StringNotEquals":{"dynamodb:LeadingKeys":"ann"})", false, true},
      // Keys that only the target knows
      {R"("StringEquals":{"aws:ResourceTag/env":"prod"})", false, true},
      {R"("StringNotEquals":{"aws:ResourceTag/env":"prod"})", false, true},
      {R"("StringEqualsIfExists":{"aws:ResourceTag/env":"prod"})", false, true},
      {R"("ForAllValues:StringEquals":{"aws:ResourceTag/env":"prod"})", false, true},
      {R"("Null":{"aws:ResourceTag/env":"true"})", false, true},
      {R"("Null":{"aws:ResourceTag/env":"false"})", false, true},
      {R"("StringEquals":{"holdpoint:subject":"${aws:ResourceTag/owner}"})", false, true},
      {R"("StringEquals":{"holdpoint:subject":"${aws:ResourceTag/owner, 'ann'}"})", false, true},
      {R"("StringNotEquals":{"aws:PrincipalOrgID":"o-1"})", false, true},
      // A key that AWS has for other actions is absent
      {R"("StringEquals":{"dynamodb:FullTableScan":"true"})", false, false},
      {R"("Null":{"dynamodb:FullTableScan":"true"})", true, true},
      {R"("StringEquals":{"dynamodb:EnclosingOperation":"TransactGetItems"})", false, true},
      {R"("BoolIfExists":{"dynamodb:EnclosingOperation":"false"})", false, true},
      {R"("StringEquals":{"dynamodb:NoSuchKey":"x"})", false, true},
      {R"("ForAllValues:StringEquals":{"dynamodb:Attributes":"id"})", false, true},
      // Keys of another service are absent
      {R"("StringEquals":{"ec2:ResourceTag/env":"prod"})", false, false},
      // Several values under a plain operator: the stricter reading for each side
      {R"("StringEquals":{"holdpoint:groups":"dev"})", false, true},
      {R"("StringEquals":{"holdpoint:groups":["dev","oncall"]})", true, true},
      {R"("StringNotEquals":{"holdpoint:groups":"dev"})", false, true},
      {R"("StringEquals":{"holdpoint:claim/level":"7"})", false, true},
      // Keys that the gateway knows
      {R"("StringEquals":{"holdpoint:claim/team":"shop"})", true, true},
      {R"("StringEquals":{"aws:PrincipalTag/Team":"shop"})", true, true},
      {R"("StringEquals":{"holdpoint:issuer":"corp"})", true, true},
      {R"("StringEquals":{"aws:userid":"corp:ann"})", true, true},
      {R"("StringEquals":{"holdpoint:access":"Read"})", true, true},
      {R"("NumericEquals":{"holdpoint:hour":"14"})", true, true},
      {R"("StringEquals":{"holdpoint:weekday":["Monday","Tuesday"]})", true, true},
      {R"("StringEquals":{"holdpoint:weekday":"Sunday"})", false, false},
      {R"("StringEquals":{"holdpoint:target":"prod"})", true, true},
      {R"("StringEquals":{"holdpoint:service":"dynamodb"})", true, true},
      {R"("StringEquals":{"aws:RequestedRegion":"eu-west-1"})", true, true},
      {R"("StringEquals":{"aws:PrincipalAccount":"123456789012"})", true, true},
      {R"("StringEquals":{"aws:ResourceAccount":"123456789012"})", true, true},
      {R"("StringLike":{"aws:UserAgent":"aws-cli/*"})", true, true},
      {R"("StringEquals":{"dynamodb:Select":"COUNT"})", true, true},
      {R"("StringEquals":{"holdpoint:groups":"admin"})", false, false},
      // All operators and all keys must hold
      {R"("StringEquals":{"holdpoint:subject":"ann","holdpoint:target":"prod"})", true, true},
      {R"("StringEquals":{"holdpoint:subject":"ann","holdpoint:target":"test"})", false, false},
      {R"("StringEquals":{"holdpoint:subject":"ann"},"Bool":{"aws:SecureTransport":"true"})", false, false},
  };
  for (const Row& row : rows) {
    const std::string tail = R"("Action":"*","Resource":"*","Condition":{)" + std::string(row.condition) + "}";
    EXPECT_EQ(decide(allow_with(tail)).effect, row.permits ? allow : implicit_deny) << row.condition;
    EXPECT_EQ(decide(statement("Allow", "\"*\"") + R"(,{"Effect":"Deny",)" + tail + "}").effect,
              row.restricts ? deny : allow)
        << row.condition;
    EXPECT_EQ(decide(statement("Allow", "\"*\"") + R"(,{"Effect":"Hold",)" + tail + "}").effect,
              row.restricts ? hold : allow)
        << row.condition;
  }
}

TEST(Engine, DenyBeatsHoldBeatsAllowBeatsSilence) {
  const std::string allowed = statement("Allow", "\"dynamodb:*\"");
  const std::string held = statement("Hold", "\"dynamodb:*\"");
  const std::string denied = statement("Deny", "\"dynamodb:*\"");
  EXPECT_EQ(decide(allowed).effect, allow);
  EXPECT_EQ(decide(allowed + "," + held).effect, hold);
  EXPECT_EQ(decide(held).effect, hold);
  EXPECT_EQ(decide(allowed + "," + held + "," + denied).effect, deny);
  EXPECT_EQ(decide(denied + "," + held + "," + allowed).effect, deny);
  EXPECT_EQ(decide(statement("Allow", "\"s3:*\"")).effect, implicit_deny);
}

TEST(Engine, PoliciesOfARoleAddUpAndADenyInAnyCounts) {
  const World world;
  const std::vector<Policy> two = {policy_of(statement("Allow", "\"*\"")),
                                   policy_of(statement("Deny", "\"dynamodb:*\""))};
  EXPECT_EQ(evaluate(two, nullptr, world.request).effect, deny);
  EXPECT_EQ(evaluate({}, nullptr, world.request).effect, implicit_deny);
}

TEST(Engine, EveryPairMustPassAndTheStrictestWins) {
  World world;
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::in/a", {}},
                                  {"s3:PutObject", "arn:aws:s3:::out/a", {}}};
  const std::string read = statement("Allow", "\"s3:GetObject\"", "\"arn:aws:s3:::in/*\"");
  const std::string write = statement("Allow", "\"s3:PutObject\"", "\"arn:aws:s3:::out/*\"");
  EXPECT_EQ(decide(read, world).effect, implicit_deny);
  EXPECT_EQ(decide(write, world).effect, implicit_deny);
  EXPECT_EQ(decide(read + "," + write, world).effect, allow);
  EXPECT_EQ(decide(read + "," + write + "," + statement("Hold", "\"s3:PutObject\""), world).effect, hold);
  EXPECT_EQ(decide(read + "," + statement("Hold", "\"s3:Get*\""), world).effect, implicit_deny);
  const auto decision = decide(
      read + "," + write + R"(,{"Sid":"NoOut","Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::out/*"})", world);
  EXPECT_EQ(decision.effect, deny);
  EXPECT_EQ(decision.statement, "NoOut");
  EXPECT_NE(decision.reason.find("s3:PutObject on arn:aws:s3:::out/a"), std::string::npos) << decision.reason;
}

TEST(Engine, KeysOfAPairBelongToThatPairAlone) {
  World world;
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::a/x", {{"s3:tag", {"ok"}}}},
                                  {"s3:GetObject", "arn:aws:s3:::a/y", {}}};
  EXPECT_EQ(decide(allow_with(R"("Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:tag":"ok"}})"), world)
                .effect,
            implicit_deny);
}

TEST(Engine, WhatTheRequestLeavesOpenIsPermittedAsAWholeAndRestrictedInAnyPart) {
  const std::string tables = "arn:aws:dynamodb:eu-west-1:123456789012:table/";
  const std::string allow_all = statement("Allow", "\"dynamodb:*\"", "\"" + tables + "*\"");
  const struct {
    std::string resource;
    std::string statements;
    Effect expected;
  } rows[] = {
      {tables + "*", allow_all, allow},
      {tables + "*", statement("Allow", "\"*\"", "\"" + tables + "orders\""), implicit_deny},
      {tables + "*", allow_all + "," + statement("Deny", "\"*\"", "\"" + tables + "secret\""), deny},
      {tables + "*", allow_all + "," + statement("Deny", "\"*\"", "\"arn:aws:s3:::secret\""), allow},
      {tables + "db-??????", allow_all + "," + statement("Deny", "\"*\"", "\"" + tables + "db-abc123\""), deny},
      {tables + "db-??????", allow_all + "," + statement("Deny", "\"*\"", "\"" + tables + "db-abc12\""), allow},
      {tables + "a*z", allow_all + "," + statement("Deny", "\"*\"", "\"" + tables + "*b?z\""), deny},
      {tables + "a*z", allow_all + "," + statement("Deny", "\"*\"", "\"" + tables + "a*y\""), allow},
      {tables + "*", allow_all + "," + statement("Hold", "\"*\"", "\"" + tables + "orders\""), hold},
      {tables + "*", statement("Hold", "\"*\"", "\"" + tables + "orders\""), implicit_deny},
      // "*" alone is an action without a resource: what names one says nothing about it.
      {"*", allow_with(R"("Action":"*","Resource":"*")") + "," + statement("Deny", "\"*\"", "\"" + tables + "x\""),
       allow},
  };
  for (const auto& row : rows) {
    World world;
    world.operation.requirements = {{"dynamodb:GetItem", row.resource, {}}};
    EXPECT_EQ(decide(row.statements, world).effect, row.expected) << row.resource << " under " << row.statements;
  }
  World world;
  world.operation.requirements = {{"dynamodb:GetItem", tables + "*", {}}};
  const std::string but = R"({"Effect":"Allow","Action":"*","NotResource":")" + tables + R"(secret"})";
  EXPECT_EQ(decide(but, world).effect, implicit_deny);
}

TEST(Engine, what_a_name_may_stand_for_is_restricted_but_not_permitted_by_it) {
  World world;
  const std::string roles = "arn:aws:iam::123456789012:role/";
  world.operation.requirements = {{"iam:DeleteRole", roles + "deploy", {}}};
  world.operation.requirements[0].may_be = roles + "*/deploy";
  const auto on = [&](const char* effect, const std::string& name) {
    return statement(effect, R"("iam:*")", "\"" + roles + name + "\"");
  };
  const auto but = [&](const char* effect, const std::string& name) {
    return std::string(R"({"Effect":")") + effect + R"(","Action":"iam:*","NotResource":")" + roles + name + "\"}";
  };
  EXPECT_EQ(decide(on("Allow", "deploy"), world).effect, allow);
  EXPECT_EQ(decide(on("Allow", "prod/*"), world).effect, implicit_deny);
  EXPECT_EQ(decide(on("Allow", "*") + "," + on("Deny", "prod/*"), world).effect, deny);
  EXPECT_EQ(decide(on("Allow", "*") + "," + on("Deny", "prod/other"), world).effect, allow);
  EXPECT_EQ(decide(on("Allow", "*") + "," + on("Hold", "prod/*"), world).effect, hold);
  EXPECT_EQ(decide(on("Hold", "prod/*"), world).effect, implicit_deny);
  EXPECT_EQ(decide(but("Allow", "prod/*"), world).effect, implicit_deny);
  EXPECT_EQ(decide(but("Allow", "other"), world).effect, allow);
}

TEST(Engine, AnOperationWithoutPairsIsDeniedEvenWhereOutsideIsHeld) {
  World world;
  world.operation.requirements.clear();
  world.request.outside_hold = true;
  EXPECT_EQ(decide(statement("Allow", "\"*\""), world).effect, implicit_deny);
}

TEST(Engine, ARoleMayHoldWhatLiesOutsideItsScope) {
  World world;
  world.request.outside_hold = true;
  const auto held = decide(statement("Allow", "\"s3:*\""), world);
  EXPECT_EQ(held.effect, hold);
  EXPECT_EQ(held.review.required, 1u);
  EXPECT_TRUE(held.review.reviewers.empty());
  EXPECT_NE(held.reason.find("outside the scope"), std::string::npos);
  EXPECT_EQ(decide(statement("Deny", "\"dynamodb:*\""), world).effect, deny);
  EXPECT_EQ(decide(statement("Allow", "\"dynamodb:*\""), world).effect, allow);
}

TEST(Engine, ASessionPolicyOnlyNarrows) {
  World world;
  const std::vector<Policy> role = {policy_of(statement("Allow", "\"dynamodb:*\""))};
  const std::vector<Policy> holding = {policy_of(statement("Hold", "\"dynamodb:*\""))};
  const Policy same = policy_of(statement("Allow", "\"*\""), PolicyKind::session);
  const Policy other = policy_of(statement("Allow", "\"s3:*\""), PolicyKind::session);
  const Policy against =
      policy_of(statement("Allow", "\"*\"") + "," + statement("Deny", "\"dynamodb:*\""), PolicyKind::session);
  EXPECT_EQ(evaluate(role, &same, world.request).effect, allow);
  EXPECT_EQ(evaluate(role, &other, world.request).effect, implicit_deny);
  EXPECT_EQ(evaluate(role, &against, world.request).effect, deny);
  EXPECT_EQ(evaluate(holding, &same, world.request).effect, hold);
  EXPECT_EQ(evaluate(holding, &other, world.request).effect, implicit_deny);
  EXPECT_EQ(evaluate({}, &same, world.request).effect, implicit_deny);
  world.request.outside_hold = true;
  EXPECT_EQ(evaluate(role, &other, world.request).effect, implicit_deny);
  EXPECT_EQ(evaluate({}, &same, world.request).effect, hold);
}

TEST(Engine, TheTermsOfAHoldAreThoseOfItsStatement) {
  const auto held = decide(
      R"({"Sid":"Tables","Effect":"Hold","Action":"dynamodb:*","Resource":"*","Review":{"Reviewers":["sre"],"Required":2,
          "Within":"5m","Grant":{"For":"30m"},"Reason":"data is lost"}})");
  EXPECT_EQ(held.effect, hold);
  EXPECT_EQ(held.review.reviewers, std::vector<std::string>{"sre"});
  EXPECT_EQ(held.review.required, 2u);
  EXPECT_EQ(held.review.within, std::chrono::minutes(5));
  EXPECT_EQ(held.review.grant_for, std::chrono::minutes(30));
  EXPECT_EQ(held.policy, "p.json");
  EXPECT_EQ(held.statement, "Tables");
  EXPECT_NE(held.reason.find("sre (2 people): data is lost"), std::string::npos) << held.reason;
}

TEST(Engine, SeveralHoldsAskForTheStrictestOfEach) {
  const auto with = [](const char* review) {
    return std::string(R"({"Effect":"Hold","Action":"*","Resource":"*","Review":)") + review + "}";
  };
  const auto held =
      decide(with(R"({"Reviewers":["sre","dba"],"Required":1,"Within":"15m","Grant":{"For":"1h"}})") + "," +
             with(R"({"Reviewers":["dba","lead"],"Required":2,"Within":"30m","Grant":"once"})") + "," + with("{}"));
  EXPECT_EQ(held.effect, hold);
  EXPECT_EQ(held.review.reviewers, std::vector<std::string>{"dba"});
  EXPECT_EQ(held.review.required, 2u);
  EXPECT_EQ(held.review.within, std::chrono::minutes(15));
  EXPECT_FALSE(held.review.grant_for.has_value());

  const auto contradiction = decide(with(R"({"Reviewers":["sre"]})") + "," + with(R"({"Reviewers":["dba"]})"));
  EXPECT_EQ(contradiction.effect, deny);
  EXPECT_NE(contradiction.reason.find("\"#1\""), std::string::npos) << contradiction.reason;
  EXPECT_NE(contradiction.reason.find("\"#2\""), std::string::npos) << contradiction.reason;
}

TEST(Engine, ObligationsToMaskAddUpOverPairs) {
  World world;
  world.operation.requirements = {{"s3:GetObject", "arn:aws:s3:::a", {}}, {"s3:GetObject", "arn:aws:s3:::b", {}}};
  const auto on = [](const char* bucket, const char* more) {
    return std::string(R"({"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::)") + bucket + "\"" + more + "}";
  };
  using Masks = std::vector<std::string>;
  const auto masks = [&](const std::string& statements) { return decide(statements, world).obligations.mask; };
  EXPECT_EQ(masks(on("a", "") + "," + on("b", "")), Masks{});
  EXPECT_EQ(masks(on("a", R"(,"Mask":"off")") + "," + on("b", R"(,"Mask":["off"])")), Masks{"off"});
  EXPECT_EQ(masks(on("a", R"(,"Mask":"off")") + "," + on("b", "")), Masks{});
  EXPECT_EQ(masks(on("a", R"(,"Mask":["email"])") + "," + on("b", "")), (Masks{"email", "default"}));
  EXPECT_EQ(masks(on("a", R"(,"Mask":["email"])") + "," + on("b", R"(,"Mask":"off")")), Masks{"email"});
  EXPECT_EQ(masks(on("a", R"(,"Mask":["email"])") + "," + on("*", R"(,"Mask":"off")")), Masks{"email"});
  EXPECT_TRUE(decide(on("*", ""), world).obligations.record_full);
  EXPECT_FALSE(decide(on("*", "") + "," + on("a", R"(,"Record":"metadata")"), world).obligations.record_full);
}

TEST(Engine, a_pair_of_another_region_is_asked_for_with_that_region_and_holds_add_up) {
  World world;
  world.operation.requirements = {{"rds:CopyDBSnapshot", "arn:aws:rds:eu-west-1:123456789012:snapshot:t", {}},
                                  {"rds:CopyDBSnapshot", "arn:aws:rds:us-west-2:123456789012:snapshot:s", {}}};
  world.operation.requirements.back().region = "us-west-2";
  const std::string all = statement("Allow", "\"*\"");
  const auto in = [](const char* effect, const char* region, const std::string& more) {
    return std::string(R"(,{"Effect":")") + effect + R"(","Action":"*","Resource":"*",)" +
           R"("Condition":{"StringEquals":{"aws:RequestedRegion":")" + region + "\"}}" + more + "}";
  };
  EXPECT_EQ(decide(all, world).effect, allow);
  EXPECT_EQ(decide(all + in("Deny", "us-west-2", ""), world).effect, deny);
  EXPECT_EQ(decide(all + in("Deny", "eu-north-1", ""), world).effect, allow);
  EXPECT_EQ(decide(statement("Allow", "\"*\"", "\"arn:aws:rds:eu-west-1:*\""), world).effect, implicit_deny);
  const auto held = [&](const char* here, const char* there) {
    return decide(
        all + in("Hold", "eu-west-1", R"(,"Review":{"Required":1,"Reviewers":[")" + std::string(here) + "\"]}") +
            in("Hold", "us-west-2", R"(,"Review":{"Required":2,"Reviewers":[")" + std::string(there) + "\"]}"),
        world);
  };
  EXPECT_EQ(held("sre", "sre").effect, hold);
  EXPECT_EQ(held("sre", "sre").review.required, 2);
  EXPECT_EQ(held("sre", "dba").effect, deny);
}

TEST(Engine, WithoutItsVersionAPolicyHasNoVariables) {
  const World world;
  const auto text =
      R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"${aws:username}"}}}})";
  const std::vector<Policy> policies = {Policy::parse("old", text).value()};
  EXPECT_EQ(evaluate(policies, nullptr, world.request).effect, implicit_deny);
}

TEST(Engine, ReasonsShowNothingThatAnAgentCouldForge) {
  World world;
  world.operation.requirements = {{"s3:GetObject",
                                   "arn:aws:s3:::a/\n\xe2\x80\xae"
                                   "allowed",
                                   {}}};
  const auto decision = decide(statement("Allow", "\"dynamodb:*\""), world);
  EXPECT_EQ(decision.reason.find('\n'), std::string::npos);
  EXPECT_NE(decision.reason.find("\\u{202E}"), std::string::npos) << decision.reason;
  EXPECT_NE(decision.reason.find("ask its owner"), std::string::npos) << decision.reason;
}

TEST(Engine, ExplainSaysHowEachStatementTookPart) {
  const World world;
  const std::vector<Policy> policies = {policy_of(
      statement("Allow", "\"s3:*\"") + "," + statement("Allow", "\"*\"", "\"arn:aws:s3:::x\"") +
      R"(,{"Sid":"Night","Effect":"Deny","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"holdpoint:hour":6}}},)" +
      statement("Allow", "\"dynamodb:Get*\""))};
  const std::string text = explain(policies, nullptr, world.request);
  for (const char* part :
       {"Allow: dynamodb:GetItem on", "\"#1\": other actions", "\"#2\": other resources",
        "\"Night\": condition NumericLessThan holdpoint:hour does not hold (14)", "\"#4\": applies"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace holdpoint::policy
