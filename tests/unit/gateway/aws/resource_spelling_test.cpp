#include <gtest/gtest.h>

#include "gateway/aws/resources.hpp"
#include "tests/unit/gateway/aws/calls.hpp"

namespace holdpoint::aws {
namespace {

using Pairs = std::vector<std::string>;

// The call's resources, each with what it may be as well behind a "|".
Pairs resources(const TestCall& call) {
  const auto classified = classify_call(call);
  if (!classified) return {classified.error().context};
  Pairs out;
  for (const Requirement& each : classified->operation.requirements)
    out.push_back(each.may_be.empty() ? each.resource : each.resource + "|" + each.may_be);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(ResourceSpelling, a_secret_without_its_suffix_may_have_any) {
  const auto secret = [](const std::string& id) {
    return resources(json_call("secretsmanager", "secretsmanager.GetSecretValue", R"({"SecretId":")" + id + "\"}"));
  };
  const std::string base = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";
  EXPECT_EQ(secret("prod/db"), Pairs{base + "prod/db-??????"});
  EXPECT_EQ(secret(base + "prod/db"), Pairs{base + "prod/db-??????"});
  EXPECT_EQ(secret(base + "prod/db-Ab3dEf"), Pairs{base + "prod/db-Ab3dEf"});
  EXPECT_EQ(secret(base + "prod/my-secret"), Pairs{base + "prod/my-secret|" + base + "prod/my-secret-??????"});
}

TEST(ResourceSpelling, names_that_do_not_count_case_are_in_lower_case) {
  const std::string place = ":eu-west-1:123456789012:";
  for (const char* const id : {"PROD-db", "prod-db", "arn:aws:rds:eu-west-1:123456789012:db:Prod-DB"}) {
    EXPECT_EQ(resources(form_call("rds",
                                  "Action=RebootDBInstance&Version=2014-10-31&DBInstanceIdentifier=" + uri_encode(id))),
              Pairs{"arn:aws:rds" + place + "db:prod-db"});
  }
  EXPECT_EQ(resources(form_call("redshift", "Action=RebootCluster&Version=2012-12-01&ClusterIdentifier=Prod")),
            Pairs{"arn:aws:redshift" + place + "cluster:prod"});
  std::vector<Requirement> user{{"redshift:GetClusterCredentials", "arn:aws:redshift" + place + "dbuser:c/Ann", {}}};
  spell_as_aws(user);
  EXPECT_EQ(user[0].resource, "arn:aws:redshift" + place + "dbuser:c/Ann");  // users' names do count it
}

TEST(ResourceSpelling, every_way_to_name_a_function_is_the_function) {
  const auto invoke = [](const std::string& name, const std::string& query = "") {
    return resources(
        rest_call("lambda", "POST", "/2015-03-31/functions/" + uri_encode(name) + "/invocations" + query, "{}"));
  };
  const std::string pay = "arn:aws:lambda:eu-west-1:123456789012:function:prod-pay";
  for (const char* const name :
       {"prod-pay", "function:prod-pay", "123456789012:prod-pay", "123456789012:function:prod-pay",
        "eu-west-1:123456789012:function:prod-pay", "arn:aws:lambda:eu-west-1:123456789012:function:prod-pay"})
    EXPECT_EQ(invoke(name), Pairs{pay}) << name;
  EXPECT_EQ(invoke("function:prod-pay:live"), Pairs{pay + ":live"});
  EXPECT_EQ(invoke("123456789012:function:prod-pay", "?Qualifier=7"), Pairs{pay + ":7"});
  EXPECT_EQ(invoke("prod-pay:$LATEST"), Pairs{pay + ":$LATEST"});
  EXPECT_EQ(invoke("function"), Pairs{"arn:aws:lambda:eu-west-1:123456789012:function:function"});
  EXPECT_EQ(invoke("999999999999:function:theirs"), Pairs{"arn:aws:lambda:eu-west-1:999999999999:function:theirs"});
  EXPECT_EQ(invoke("us-east-1:123456789012:function:prod-pay"),
            Pairs{"arn:aws:lambda:us-east-1:123456789012:function:prod-pay|" + pay});
  EXPECT_EQ(invoke("a:b:c:d"), Pairs{"arn:aws:lambda:eu-west-1:*:function:*"});
}

TEST(ResourceSpelling, a_parameters_version_and_label_are_no_part_of_its_name) {
  for (const char* const name :
       {"/prod/db", "/prod/db:3", "/prod/db:live", "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db:3"}) {
    EXPECT_EQ(resources(json_call("ssm", "AmazonSSM.GetParameter", std::string(R"({"Name":")") + name + "\"}")),
              Pairs{"arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db"})
        << name;
  }
}

TEST(ResourceSpelling, an_alias_may_be_any_key_whichever_member_names_it) {
  const std::string keys = "arn:aws:kms:eu-west-1:123456789012:key/";
  EXPECT_EQ(resources(json_call("kms", "TrentService.ReEncrypt",
                                R"({"CiphertextBlob":"AA==","SourceKeyId":"alias/prod","DestinationKeyId":"ABC-1"})")),
            (Pairs{keys + "*", keys + "abc-1"}));
  EXPECT_EQ(resources(json_call("kms", "TrentService.DeleteAlias", R"({"AliasName":"alias/prod"})")),
            (Pairs{"arn:aws:kms:eu-west-1:123456789012:alias/prod", keys + "*"}));
}

TEST(ResourceSpelling, a_name_of_iam_may_stand_below_any_path) {
  const auto iam = [](const std::string& rest) {
    return resources(form_call("iam", "Version=2010-05-08&Action=" + rest));
  };
  const std::string base = "arn:aws:iam::123456789012:";
  EXPECT_EQ(iam("DeleteRole&RoleName=deploy"), Pairs{base + "role/deploy|" + base + "role/*/deploy"});
  EXPECT_EQ(iam("CreateRole&RoleName=deploy&Path=%2Fprod%2F&AssumeRolePolicyDocument=%7B%7D"),
            Pairs{base + "role/prod/deploy"});
  EXPECT_EQ(iam("CreateRole&RoleName=deploy&AssumeRolePolicyDocument=%7B%7D"), Pairs{base + "role/deploy"});
  EXPECT_EQ(iam("DeletePolicy&PolicyArn=" + uri_encode(base + "policy/prod/p")), Pairs{base + "policy/prod/p"});
  EXPECT_EQ(iam("UpdateUser&UserName=ann&NewPath=%2Fadmin%2F&NewUserName=root"),
            (Pairs{base + "user/admin/root", base + "user/ann|" + base + "user/*/ann"}));
  EXPECT_EQ(iam("UpdateUser&UserName=ann&NewUserName=bob"),
            (Pairs{base + "user/ann|" + base + "user/*/ann", base + "user/bob|" + base + "user/*/bob"}));
}

TEST(ResourceSpelling, a_streams_name_and_arn_are_one_stream) {
  const auto put = [](const std::string& members) {
    return resources(
        json_call("kinesis", "Kinesis_20131202.PutRecord", R"({"Data":"AA==","PartitionKey":"1",)" + members + "}"));
  };
  const std::string base = "arn:aws:kinesis:eu-west-1:123456789012:stream/";
  EXPECT_EQ(put(R"("StreamName":"ok")"), Pairs{base + "ok"});
  EXPECT_EQ(put(R"("StreamARN":")" + base + "prod\""), Pairs{base + "prod"});
  EXPECT_EQ(put(R"("StreamName":"ok","StreamARN":")" + base + "ok\""), Pairs{base + "ok"});
  EXPECT_EQ(put(R"("StreamName":"ok","StreamARN":")" + base + "prod\""),
            Pairs{"StreamName and StreamARN name different streams"});
}

}  // namespace
}  // namespace holdpoint::aws
