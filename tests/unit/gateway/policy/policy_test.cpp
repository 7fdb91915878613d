// What does not parse, and what parses but makes no sense: each with its place.
#include "gateway/policy/policy.hpp"

#include <gtest/gtest.h>

#include "bus/config/document.hpp"
#include "gateway/policy/lint.hpp"

namespace holdpoint::policy {
namespace {

// Line 3 holds the statement's own members.
std::string policy_text(const std::string& members) {
  return "{ \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    { " + members + " }\n] }";
}

TEST(Policy, EveryErrorNamesLineAndPointer) {
  struct Row {
    const char* members;
    const char* says;
  };
  const char* base = R"("Effect":"Allow","Action":"s3:*","Resource":"*")";
  const std::vector<std::pair<std::string, const char*>> rows = {
      {R"("Action":"s3:*","Resource":"*")", "p:3: /Statement/0/Effect: expected \"Allow\", \"Hold\" or \"Deny\""},
      {R"("Effect":"allow","Action":"s3:*","Resource":"*")", "/Statement/0/Effect"},
      {R"("Effect":"Allow","Resource":"*")", "p:3: /Statement/0: expected either Action or NotAction"},
      {R"("Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*")", "either Action or NotAction"},
      {R"("Effect":"Allow","Action":"s3:*")", "either Resource or NotResource"},
      {R"("Effect":"Allow","Action":[],"Resource":"*")", "/Statement/0/Action: expected at least one entry"},
      {R"("Effect":"Allow","Action":{"a":1},"Resource":"*")", "/Statement/0/Action: expected a text"},
      {R"("Effect":"Allow","Action":["s3:*",{}],"Resource":"*")", "/Statement/0/Action/1: expected a text"},
      {R"("Effect":"Allow","Action":"GetObject","Resource":"*")", "\"GetObject\" is no action"},
      {R"("Effect":"Allow","Action":"s3:","Resource":"*")", "is no action"},
      {R"("Effect":"Allow","Action":"s3:${aws:username}","Resource":"*")", "is no action"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"bucket")", "\"bucket\" is no resource"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:bucket")", "is no resource"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username")", "not closed"},
      {std::string(base) + R"(,"Principal":"*")", "/Statement/0/Principal: belongs into trust policies"},
      {std::string(base) + R"(,"Resorce":"*")", "unknown member; did you mean \"Resource\"?"},
      {std::string(base) + R"(,"Limit":{"Calls":5})", "limits are not supported yet"},
      {std::string(base) + R"(,"Limits":[])", "limits are not supported yet"},
      {std::string(base) + R"(,"Sid":"")", "/Statement/0/Sid"},
      {std::string(base) + R"(,"Condition":[])", "/Statement/0/Condition: expected"},
      {std::string(base) + R"(,"Condition":{"StringEqual":{"aws:userid":"x"}})", "did you mean \"StringEquals\"?"},
      {std::string(base) + R"(,"Condition":{"StringEquals":{}})", "/Statement/0/Condition/StringEquals: expected"},
      {std::string(base) + R"(,"Condition":{"StringEquals":{"userid":"x"}})", "is no condition key"},
      {std::string(base) + R"(,"Condition":{"StringEquals":{"aws:userid":[]}})", "at least one entry"},
      {std::string(base) + R"(,"Condition":{"StringEquals":{"aws:userid":"a","aws:UserId":"b"}})",
       "the same key twice"},
      {std::string(base) + R"(,"Condition":{"NumericEquals":{"s3:max-keys":"ten"}})", "\"ten\" is no number"},
      {std::string(base) + R"(,"Condition":{"NumericEquals":{"s3:max-keys":"nan"}})", "is no number"},
      {std::string(base) + R"(,"Condition":{"DateLessThan":{"aws:CurrentTime":"tomorrow"}})", "is no date"},
      {std::string(base) + R"(,"Condition":{"Bool":{"aws:SecureTransport":"yes"}})", "is no true or false"},
      {std::string(base) + R"(,"Condition":{"Bool":{"aws:SecureTransport":["true","false"]}})", "takes one value"},
      {std::string(base) + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}})", "is no address"},
      {std::string(base) + R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0"}})", "is no address"},
      {std::string(base) + R"(,"Condition":{"ArnLike":{"aws:PrincipalArn":"role/x"}})", "is no ARN"},
      {std::string(base) + R"(,"Condition":{"BinaryEquals":{"x:b":"*"}})", "is no base64"},
      {std::string(base) + R"(,"Condition":{"NullIfExists":{"aws:userid":"true"}})", "neither IfExists"},
      {std::string(base) + R"(,"Review":{})", "belongs to statements with \"Effect\": \"Hold\""},
      {std::string(base) + R"(,"Mask":["off","email"])", "stands alone"},
      {std::string(base) + R"(,"Mask":["of"])", "unknown mask \"of\"; did you mean \"off\"?"},
      {std::string(base) + R"(,"Unmask":["email"])", "expected {\"Classes\""},
      {std::string(base) + R"(,"Unmask":{"Classes":["email"]})", "expected Until"},
      {std::string(base) + R"(,"Unmask":{"Classes":["email"],"Until":"tomorrow"})", "expected Until"},
      {std::string(base) + R"(,"Unmask":{"Until":"2026-12-31T00:00:00Z"})", "expected Classes"},
      {std::string(base) + R"(,"Unmask":{"Classes":["*"],"Until":"2026-12-31T00:00:00Z"})", "unknown class"},
      {std::string(base) + R"(,"Unmask":{"Classes":["none"],"Until":"2026-12-31T00:00:00Z"})", "unknown class"},
      {std::string(base) + R"(,"Unmask":{"Classes":["emial"],"Until":"2026-12-31T00:00:00Z"})",
       "did you mean \"email\"?"},
      {std::string(base) + R"(,"Unmask":{"Classes":["email"],"Util":"2026-12-31T00:00:00Z"})",
       "did you mean \"Until\"?"},
      {std::string(base) + R"(,"Mask":"off","Unmask":{"Classes":["email"],"Until":"2026-12-31T00:00:00Z"})",
       "contradicts"},
      {R"("Effect":"Deny","Action":"s3:*","Resource":"*","Unmask":{"Classes":["email"],"Until":"2026-12-31T00:00:00Z"})",
       "belongs to Allow and Hold"},
      {std::string(base) + R"(,"Record":"none")", "expected \"full\" or \"metadata\""},
      {R"("Effect":"Deny","Action":"s3:*","Resource":"*","Mask":"default")", "belongs to Allow and Hold"},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Required":0})", "from 1 to 20"},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Within":"15"})", "like \"15m\""},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Grant":"twice"})", "expected \"once\""},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Grant":{"For":"25h"}})", "at most 24h"},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Grant":{"For":"1h","Count":3}})",
       "expected \"once\""},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Reviewer":["sre"]})",
       "did you mean \"Reviewers\"?"},
  };
  for (const auto& [members, says] : rows) {
    const auto policy = Policy::parse("p", policy_text(members));
    ASSERT_TRUE(policy.has_error()) << members;
    EXPECT_EQ(policy.error().code, Code::configuration);
    EXPECT_NE(policy.error().context.find("p:3: "), std::string::npos) << members << "\n" << policy.error().context;
    EXPECT_NE(policy.error().context.find(says), std::string::npos) << members << "\n" << policy.error().context;
  }
}

TEST(Policy, WhatIsNoPolicyIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"Statement":[]})", R"({"Statement":5})", R"({"Statement":[5]})",
                           R"({"Version":"2013","Statement":[]})", R"({"Statements":[]})",
                           R"({"Version":"2012-10-17","Version":"2008-10-17","Statement":[]})"}) {
    EXPECT_EQ(Policy::parse("p", text).error().code, Code::configuration) << text;
  }
  EXPECT_EQ(Policy::parse("p", "{\n\"Statement\": [\n]]").error().context.substr(0, 4), "p:3:");
  EXPECT_TRUE(Policy::parse("p", std::string(257 << 10, ' ')).has_error());
  EXPECT_TRUE(Policy::parse("p", policy_text(R"("Effect":"Allow","Action":"*","Resource":"*"},
      {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*")"))
                  .has_error());
}

TEST(Policy, AnAgentsSessionPolicyHasNoWordsOfTheOperator) {
  for (const char* members : {R"("Effect":"Hold","Action":"*","Resource":"*")",
                              R"("Effect":"Allow","Action":"*","Resource":"*","Mask":"off")",
                              R"("Effect":"Allow","Action":"*","Resource":"*",
                                 "Unmask":{"Classes":"email","Until":"2026-12-31T00:00:00Z"})",
                              R"("Effect":"Allow","Action":"*","Resource":"*","Record":"metadata")"}) {
    EXPECT_TRUE(Policy::parse("p", policy_text(members), PolicyKind::role).has_value()) << members;
    EXPECT_TRUE(Policy::parse("p", policy_text(members), PolicyKind::session).has_error()) << members;
  }
}

TEST(Lint, AnUnmaskLastsNinetyDaysAtMostAndOneThatEndedDoesNoHarm) {
  LintContext context;
  context.now = *from_rfc3339("2026-11-01T00:00:00Z");
  const auto lines = [&](const std::string& until) {
    return lint(Policy::parse("p", policy_text(R"("Effect":"Allow","Action":"*","Resource":"*",
        "Unmask":{"Classes":"email","Until":")" +
                                               until + "\"}"))
                    .value(),
                context);
  };
  EXPECT_TRUE(lines("2026-10-01T00:00:00Z").empty());
  EXPECT_TRUE(lines("2027-01-29T00:00:00Z").empty());
  ASSERT_EQ(lines("2027-01-31T00:00:00Z").size(), 1u);
  EXPECT_NE(lines("2027-01-31T00:00:00Z")[0].find("/Unmask/Until: lies more than 90 days ahead"), std::string::npos);
}

TEST(Lint, FindsWhatCanNeverMatchOrDoesNotExist) {
  const LintContext context{.matches_an_action =
                                [](const Pattern& pattern) {
                                  return !pattern.literal_prefix().starts_with("dynamodb:gett") &&
                                         !pattern.literal_prefix().starts_with("dynamo:");
                                },
                            .reviewer_groups = {"sre"}};
  const std::vector<std::pair<const char*, const char*>> rows = {
      {R"("Effect":"Allow","Action":"dynamodb:GettItem","Resource":"*")",
       "/Statement/0/Action: \"dynamodb:GettItem\" matches no action"},
      {R"("Effect":"Allow","Action":["s3:*","dynamo:*"],"Resource":"*")", "\"dynamo:*\" matches no action"},
      {R"("Effect":"Allow","NotAction":"*","Resource":"*")", "can never match"},
      {R"("Effect":"Allow","Action":"s3:*","NotResource":"*")", "can never match"},
      {R"("Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/x")",
       "no resource belongs to the service"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:UserNam":"x"}})",
       "unknown condition key \"aws:usernam\"; did you mean \"aws:username\"?"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"holdpoint:group":"x"}})",
       "did you mean \"holdpoint:groups\"?"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"dynamodb:Select":"x"}})",
       "never exists here"},
      {R"("Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"prod"}})",
       "no request tells the gateway \"aws:resourcetag/env\", so an Allow with it would never apply and a Deny or Hold "
       "always"},
      {R"("Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"holdpoint:TargetTag/env":"prod"}})",
       "unknown condition key \"holdpoint:targettag/env\""},
      {R"("Effect":"Hold","Action":"ec2:*","Resource":"*","Condition":{"StringNotEquals":{"ec2:ResourceTag/env":"prod"}},"Review":{"Reviewers":["sre"]})",
       "no request tells the gateway \"ec2:resourcetag/env\""},
      {R"("Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}})",
       "no request tells the gateway"},
      {R"("Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Null":{"s3:TlsVersion":"false"}})",
       "no request for s3:getobject tells the gateway \"s3:tlsversion\""},
      {R"("Effect":"Deny","Action":["ec2:RunInstances","ec2:StartInstances"],"Resource":"*","Condition":{"StringEquals":{"ec2:InstanceType":"p4d.24xlarge"}})",
       "no request for ec2:startinstances tells the gateway \"ec2:instancetype\""},
      {R"("Effect":"Deny","Action":"sns:Subscribe","Resource":"*","Condition":{"StringEquals":{"sns:NoSuchKeyAtAll":"x"}})",
       "unknown condition key \"sns:nosuchkeyatall\"; requests tell sns:endpoint, sns:protocol"},
      {R"("Effect":"Deny","Action":"sns:*","Resource":"*","Condition":{"StringEquals":{"sns:Protocl":"x"}})",
       "unknown condition key \"sns:protocl\"; did you mean \"sns:protocol\"?"},
      {R"("Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"x"}})",
       "never exists here"},
      {R"("Effect":"Deny","Action":"ec2:TerminateInstances","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/env":"x"}})",
       "never exists here"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:user}")",
       "unknown condition key \"aws:user\""},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"holdpoint:groups":"x"}})",
       "ForAnyValue:"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"holdpoint:weekday":"Mon"}})",
       "is never \"Mon\"; did you mean \"Monday\"?"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"holdpoint:access":"Writes"}})",
       "did you mean \"Write\"?"},
      {R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Null":{"s3:prefix":"true"},"StringLike":{"s3:prefix":"a*"}})",
       "must be absent, and StringLike needs it"},
      {R"("Effect":"Hold","Action":"s3:*","Resource":"*","Review":{"Reviewers":["sr"]})",
       "there is no reviewer group \"sr\"; did you mean \"sre\"?"},
      {R"("Effect":"Deny","Action":"*","Resource":"*" },{"Effect":"Allow","Action":"s3:*","Resource":"*")",
       "denies everything"},
  };
  for (const auto& [members, says] : rows) {
    const auto policy = Policy::parse("p", policy_text(members));
    ASSERT_TRUE(policy.has_value()) << policy.error().context;
    const auto lines = lint(*policy, context);
    ASSERT_EQ(lines.size(), 1u) << members << (lines.empty() ? "" : "\n" + lines[0]);
    EXPECT_TRUE(lines[0].starts_with("p:3: /Statement/0")) << lines[0];
    EXPECT_NE(lines[0].find(says), std::string::npos) << members << "\n" << lines[0];
  }
}

TEST(Lint, LeavesGoodPoliciesAlone) {
  const LintContext context{.matches_an_action = [](const Pattern&) { return true; }, .reviewer_groups = {"sre"}};
  for (
      const char* members :
      {R"("Effect":"Hold","Action":"*:Delete*","Resource":"*","Review":{"Reviewers":["sre"]})",
       R"("Effect":"Allow","Action":["s3:GetObject","kms:Decrypt"],"Resource":["arn:aws:s3:::b/${aws:username}/*","arn:aws:kms:*:*:key/*"])",
       R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"a*"},"ForAnyValue:StringEquals":{"holdpoint:groups":"dev"},"Null":{"aws:CalledVia":"true"}})",
       R"("Effect":"Allow","Action":"ec2:RunInstances","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/env":"dev","ec2:InstanceType":"t3.micro","holdpoint:claim/team":"shop"}})",
       R"("Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"s3:x-amz-acl":"public*"}})",
       R"("Effect":"Deny","Action":"lambda:*","Resource":"*","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}})",
       R"("Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/public":"yes"}})",
       R"("Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{"StringNotEquals":{"ec2:Region":"eu-west-1"}})",
       R"("Effect":"Deny","NotAction":["iam:Get*"],"Resource":"*","Condition":{"StringEquals":{"holdpoint:weekday":"Sunday","s3:prefix":"y"}})"}) {
    const auto lines = lint(Policy::parse("p", policy_text(members)).value(), context);
    EXPECT_TRUE(lines.empty()) << members << "\n" << (lines.empty() ? "" : lines[0]);
  }
}

TEST(Lint, ADocumentIsCheckedAsAWhole) {
  config::Document document;
  document.issuers = {{.name = "corp", .url = "https://idp.example/realm"}};
  const auto trust = [](const char* rest) {
    return std::string(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"corp"},)") +
           rest + "}]}";
  };
  document.roles = {
      {.arn = "arn:aws:iam::123456789012:role/a",
       .trust = trust(
           R"("Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"idp.example/realm:sub":"x","corp:aud":"y"}})"),
       .policies = {{"a.json", policy_text(R"("Effect":"Allow","Action":"s3:*","Resource":"*")")}}}};
  EXPECT_TRUE(lint_document(document).empty());

  document.roles.push_back({.arn = "arn:aws:iam::123456789012:role/b",
                            .trust = trust(R"("Action":"s3:GetObject","Condition":{"StringEquals":{"other:sub":"x"}})"),
                            .policies = {{"b.json", "{"}}});
  EXPECT_EQ(lint_document(document).size(), 3u);
}

}  // namespace
}  // namespace holdpoint::policy
