#include "gateway/aws/request_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/aws/classify.hpp"
#include "gateway/aws/key_reference.hpp"

namespace holdpoint::aws {
namespace {

using Values = std::vector<std::string>;

const std::vector<std::string> kHosts{"gw.example"};

Result<Classified> call(const std::string& service, std::string method, std::string target, std::string body = "",
                        Headers headers = {}) {
  headers.emplace_back("Host", "gw.example");
  return classify({std::move(method), std::move(target), std::move(headers)},
                  {service, "eu-west-1", "123456789012", kHosts}, body);
}

Result<Classified> json(const std::string& service, std::string target, std::string body) {
  return call(service, "POST", "/", std::move(body),
              {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", std::move(target)}});
}

Result<Classified> form(const std::string& service, std::string body) {
  return call(service, "POST", "/", std::move(body), {{"Content-Type", "application/x-www-form-urlencoded"}});
}

Result<Classified> put(const char* header, const char* value) {
  return call("s3", "PUT", "/data/key", "", {{header, value}});
}

struct Told {
  Result<Classified> classified;
  const char* key;
  Values values;
};

TEST(RequestKeys, AreReadFromWhereverTheRequestHasThem) {
  const std::string kms = R"({"KeyId":"alias/pay","CiphertextBlob":"AA==","EncryptionContext":{"Team":"shop"}})";
  const std::string layer = "arn:aws:lambda:eu-west-1:123456789012:layer:l:1";
  const Told cases[] = {
      {put("x-amz-tagging", "public=yes&team=a%20b"), "s3:requestobjecttag/public", {"yes"}},
      {put("x-amz-tagging", "public=yes&team=a%20b"), "s3:requestobjecttagkeys", {"public", "team"}},
      {call("s3", "PUT", "/data/key?tagging",
            "<Tagging><TagSet><Tag><Key>public</Key><Value>yes</Value></Tag></TagSet></Tagging>"),
       "s3:requestobjecttag/public",
       {"yes"}},
      {put("x-amz-acl", "public-read"), "s3:x-amz-acl", {"public-read"}},
      {put("x-amz-grant-write-acp", "id=1"), "s3:x-amz-grant-write-acp", {"id=1"}},
      {put("x-amz-grant-read-acp", "id=1"), "s3:x-amz-grant-read-acp", {"id=1"}},
      {put("x-amz-server-side-encryption", "aws:kms"), "s3:x-amz-server-side-encryption", {"aws:kms"}},
      {put("x-amz-storage-class", "GLACIER"), "s3:x-amz-storage-class", {"GLACIER"}},
      {put("x-amz-copy-source", "other/a"), "s3:x-amz-copy-source", {"other/a"}},
      {call("s3", "GET", "/data?list-type=2&prefix=p%2F&delimiter=%2F&max-keys=7"), "s3:prefix", {"p/"}},
      {call("s3", "GET", "/data?list-type=2&prefix=p%2F&delimiter=%2F&max-keys=7"), "s3:delimiter", {"/"}},
      {call("s3", "GET", "/data?list-type=2&prefix=p%2F&delimiter=%2F&max-keys=7"), "s3:max-keys", {"7"}},
      {call("s3", "GET", "/data/a?versionId=v"), "s3:versionid", {"v"}},
      {call("s3", "POST", "/data?delete",
            "<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object>"
            "<Object><Key>b</Key><VersionId>2</VersionId></Object></Delete>"),
       "s3:versionid",
       {"1", "2"}},
      {call("s3", "PUT", "/data/a?retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>"),
       "s3:object-lock-mode",
       {"GOVERNANCE"}},
      {call("lambda", "POST", "/2021-10-31/functions/f/url", R"({"AuthType":"NONE"})"),
       "lambda:functionurlauthtype",
       {"NONE"}},
      {call("lambda", "POST", "/2015-03-31/functions/f/policy",
            R"({"StatementId":"x","Action":"lambda:InvokeFunction","Principal":"*"})"),
       "lambda:principal",
       {"*"}},
      {call("lambda", "PUT", "/2015-03-31/functions/f/configuration",
            R"({"Layers":[")" + layer + R"("],"VpcConfig":{"SubnetIds":["subnet-1"],"SecurityGroupIds":["sg-1"]}})"),
       "lambda:layer",
       {layer}},
      {call("lambda", "PUT", "/2015-03-31/functions/f/configuration", R"({"VpcConfig":{"SubnetIds":["subnet-1"]}})"),
       "lambda:subnetids",
       {"subnet-1"}},
      {form("sns",
            "Action=Subscribe&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At"
            "&Protocol=http&Endpoint=http%3A%2F%2Fevil"),
       "sns:protocol",
       {"http"}},
      {form("sns",
            "Action=Subscribe&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At"
            "&Protocol=http&Endpoint=http%3A%2F%2Fevil"),
       "sns:endpoint",
       {"http://evil"}},
      {form("ec2",
            "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=1&InstanceType=p4d.24xlarge"
            "&MetadataOptions.HttpTokens=optional"),
       "ec2:instancetype",
       {"p4d.24xlarge"}},
      {form("ec2",
            "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=1"
            "&MetadataOptions.HttpTokens=optional"),
       "ec2:metadatahttptokens",
       {"optional"}},
      {form("iam",
            "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D"
            "&PermissionsBoundary=arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2Fb"),
       "iam:permissionsboundary",
       {"arn:aws:iam::123456789012:policy/b"}},
      {form("rds",
            "Action=CreateDBInstance&Version=2014-10-31&DBInstanceIdentifier=d&DBInstanceClass=db.r6g.16xlarge"
            "&Engine=postgres"),
       "rds:databaseclass",
       {"db.r6g.16xlarge"}},
      {json("kms", "TrentService.Decrypt", kms), "kms:encryptioncontext:team", {"shop"}},
      {json("kms", "TrentService.Decrypt", kms), "kms:encryptioncontextkeys", {"Team"}},
      {json("kms", "TrentService.Decrypt", kms), "kms:requestalias", {"alias/pay"}},
      {json("kms", "TrentService.CreateGrant",
            R"({"KeyId":"k","GranteePrincipal":"arn:aws:iam::1:role/r","Operations":["Decrypt","Encrypt"]})"),
       "kms:grantoperations",
       {"Decrypt", "Encrypt"}},
      {json("secretsmanager", "secretsmanager.DeleteSecret",
            R"({"SecretId":"prod/db","ForceDeleteWithoutRecovery":true})"),
       "secretsmanager:forcedeletewithoutrecovery",
       {"true"}},
      {json("secretsmanager", "secretsmanager.DeleteSecret", R"({"SecretId":"prod/db","RecoveryWindowInDays":7})"),
       "secretsmanager:recoverywindowindays",
       {"7"}},
      {json("secretsmanager", "secretsmanager.GetSecretValue",
            R"({"SecretId":"prod/db","VersionStage":"AWSPREVIOUS"})"),
       "secretsmanager:versionstage",
       {"AWSPREVIOUS"}},
      {json("secretsmanager", "secretsmanager.GetSecretValue", R"({"SecretId":"prod/db"})"),
       "secretsmanager:secretid",
       {"prod/db"}},
  };
  for (const Told& test : cases) {
    SCOPED_TRACE(test.key);
    ASSERT_TRUE(test.classified) << test.classified.error().context;
    const auto& context = test.classified->operation.context;
    const auto found = context.find(test.key);
    ASSERT_NE(found, context.end());
    EXPECT_EQ(found->second, test.values);
  }
}

TEST(RequestKeys, AKeyWhoseArnOnlyAwsKnowsStandsWithoutAValue) {
  const auto named = put("x-amz-server-side-encryption-aws-kms-key-id", "alias/k");
  ASSERT_TRUE(named);
  const auto& context = named->operation.context;
  ASSERT_TRUE(context.contains("s3:x-amz-server-side-encryption-aws-kms-key-id"));
  EXPECT_TRUE(context.at("s3:x-amz-server-side-encryption-aws-kms-key-id").empty());
}

TEST(RequestKeys, TagsThatDoNotReadAreRefused) { EXPECT_FALSE(put("x-amz-tagging", "public=%zz")); }

TEST(RequestKeys, ACopyReadsTheVersionThatItNames) {
  const auto copy = put("x-amz-copy-source", "other/a?versionId=7");
  ASSERT_TRUE(copy);
  const auto& needed = copy->operation.requirements;
  const auto read = std::ranges::find(needed, "s3:GetObjectVersion", &Requirement::action);
  ASSERT_NE(read, needed.end());
  EXPECT_EQ(read->context.at("s3:versionid"), Values{"7"});
}

TEST(RequestKeys, TagsCountUnderEveryName) {
  const auto tags = [](const char* name) {
    return json("ecs", "AmazonEC2ContainerServiceV20141113.TagResource",
                std::string(R"({"resourceArn":"arn:aws:ecs:eu-west-1:123456789012:cluster/c",")") + name +
                    R"(":[{"key":"public","value":"yes"}]})");
  };
  const auto good = tags("tags");
  ASSERT_TRUE(good) << good.error().context;
  EXPECT_EQ(good->operation.context.at("aws:requesttag/public"), Values{"yes"});
  const auto stage =
      call("lambda", "PUT", "/2015-03-31/functions/f/configuration", R"({"Environment":{"Variables":{"Stage":"x"}}})");
  ASSERT_TRUE(stage);
  EXPECT_FALSE(stage->operation.context.contains("aws:tagkeys"));
}

TEST(RequestKeys, EachIsAKeyOfAwsAndStandsWhereItIsFound) {
  for (const std::string_view key : derived_keys()) {
    const bool free = key.ends_with('/') || key.ends_with(':');
    const std::string whole = std::string(key) + (free ? "x" : "");
    const ReferenceKey* known = reference_key(whole);
    ASSERT_NE(known, nullptr) << key;
    EXPECT_TRUE(is_derived_key(whole)) << key;
    EXPECT_TRUE(std::ranges::any_of(known->actions, [&](const auto& action) { return is_derived_key(whole, action); }))
        << key;
  }
}

TEST(RequestKeys, WhatIsMissingIsKnownToBeAbsentOnlyWhereTheRequestIsAllThereIs) {
  struct Case {
    const char* key;
    const char* action;
    bool known;
  };
  const Case cases[] = {
      {"s3:x-amz-acl", "s3:putobject", true},
      {"s3:x-amz-acl", "s3:getobject", true},
      {"s3:prefix", "s3:listbucket", true},
      {"s3:existingobjecttag/a", "s3:getobject", false},
      {"s3:existingobjecttag/a", "s3:putobject", true},
      {"s3:tlsversion", "s3:getobject", false},
      {"ec2:instancetype", "ec2:runinstances", false},
      {"ec2:instancetype", "ec2:startinstances", false},
      {"ec2:instancetype", "ec2:describevpcs", true},
      {"ec2:resourcetag/env", "ec2:terminateinstances", false},
      {"rds:databaseclass", "rds:deletedbinstance", false},
      {"iam:permissionsboundary", "iam:createrole", true},
      {"iam:permissionsboundary", "iam:deleterole", false},
      {"kms:viaservice", "kms:decrypt", false},
      {"kms:encryptioncontext:a", "kms:decrypt", true},
      {"kms:encryptioncontext:a", "kms:retiregrant", false},
      {"sns:nosuchkey", "sns:subscribe", false},
  };
  for (const Case& test : cases)
    EXPECT_EQ(is_absence_known(test.key, test.action), test.known) << test.key << " " << test.action;
}

TEST(KeyReference, KnowsKeysWithAFreePartAndTheirActions) {
  EXPECT_TRUE(has_condition_key("s3:requestobjecttag/team", "s3:putobject"));
  EXPECT_FALSE(has_condition_key("s3:requestobjecttag/team", "s3:listbucket"));
  EXPECT_TRUE(has_condition_key("aws:requesttag/a/b", "ec2:runinstances"));
  EXPECT_EQ(reference_key("s3:requestobjecttag/"), nullptr);
  EXPECT_EQ(reference_key("s3:requestobjecttag"), nullptr);
  EXPECT_EQ(reference_key("sns:nosuchkey"), nullptr);
  EXPECT_EQ(reference_key(""), nullptr);
}

}  // namespace
}  // namespace holdpoint::aws
