// Which resources a call touches where the request names them in more than one way, or leaves them open.
#include "gateway/aws/resources.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/aws/classify.hpp"

namespace holdpoint::aws {
namespace {

using Pairs = std::vector<std::string>;

const std::vector<std::string> kHosts{"gw.example"};

HttpHead head_of(std::string method, std::string target, Headers headers) {
  headers.emplace_back("Host", "gw.example");
  return {std::move(method), std::move(target), std::move(headers)};
}

Pairs pairs(const HttpHead& head, const std::string& service, std::string_view body) {
  const auto classified = classify(head, {service, "eu-west-1", "123456789012", kHosts}, body);
  if (!classified) return Pairs{classified.error().context};
  Pairs out;
  for (const Requirement& requirement : classified->operation.requirements) {
    std::string pair = requirement.action + " " + requirement.resource;
    for (const auto& [key, values] : requirement.context) pair += " " + key + "=" + values.front();
    out.push_back(std::move(pair));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Pairs json(const std::string& service, const std::string& target, std::string_view body) {
  return pairs(head_of("POST", "/", {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}}),
               service, body);
}
Pairs ecs(const std::string& operation, std::string_view body) {
  return json("ecs", "AmazonEC2ContainerServiceV20141113." + operation, body);
}
Pairs form(const std::string& service, std::string_view body) {
  return pairs(head_of("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}), service,
               body);
}
Pairs ec2(const std::string& body) { return form("ec2", "Version=2016-11-15&Action=" + body); }
Pairs rds(const std::string& body) { return form("rds", "Version=2014-10-31&Action=" + body); }
Pairs rest(const std::string& service, std::string method, std::string target, std::string_view body = "") {
  return pairs(head_of(std::move(method), std::move(target), {}), service, body);
}

const std::string kEcs = "arn:aws:ecs:eu-west-1:123456789012:";
const std::string kEc2 = "arn:aws:ec2:eu-west-1:123456789012:";
const std::string kRds = "arn:aws:rds:eu-west-1:123456789012:";
const std::string kRole = "arn:aws:iam::123456789012:role/";

TEST(Resources, EachPlaceholderIsFilledByItsOwnMember) {
  EXPECT_EQ(ecs("UpdateService", R"({"cluster":"prod","service":"dev"})"),
            (Pairs{"ecs:UpdateService " + kEcs + "service/prod/dev"}));
  EXPECT_EQ(rest("s3vectors", "POST", "/GetVectors", R"({"vectorBucketName":"secret","indexName":"mine","keys":[]})"),
            (Pairs{"s3vectors:GetVectors arn:aws:s3vectors:eu-west-1:123456789012:bucket/secret/index/mine"}));
  EXPECT_EQ(rest("mobiletargeting", "DELETE", "/v1/apps/SECRETAPP/segments/SEG"),
            (Pairs{"mobiletargeting:DeleteSegment "
                   "arn:aws:mobiletargeting:eu-west-1:123456789012:apps/SECRETAPP/segments/SEG"}));
}

TEST(Resources, APlaceholderThatTheRequestLeavesOutIsOpen) {
  EXPECT_EQ(ecs("UpdateService", R"({"service":"dev"})"), (Pairs{"ecs:UpdateService " + kEcs + "service/*/dev"}));
}

TEST(Resources, OfTwoFormatsTheOneThatTheMembersFillIsTaken) {
  EXPECT_EQ(rest("lex", "GET", "/bots/BOT12345/botaliases/ALIAS678/"),
            (Pairs{"lex:DescribeBotAlias arn:aws:lex:eu-west-1:123456789012:bot-alias/BOT12345/ALIAS678"}));
}

TEST(Resources, AnArnOfAnotherTypeFillsItsPlaceholderAlone) {
  const Pairs wanted{"ecs:UpdateServicePrimaryTaskSet " + kEcs + "service/prod/web"};
  EXPECT_EQ(ecs("UpdateServicePrimaryTaskSet",
                R"({"cluster":"arn:aws:ecs:eu-west-1:123456789012:cluster/prod","service":"web"})"),
            wanted);
  EXPECT_EQ(ecs("UpdateServicePrimaryTaskSet",
                R"({"cluster":"prod","service":"arn:aws:ecs:eu-west-1:123456789012:service/prod/web"})"),
            wanted);
  // The old form of a service's ARN has no cluster.
  EXPECT_EQ(ecs("UpdateServicePrimaryTaskSet",
                R"({"cluster":"prod","service":"arn:aws:ecs:eu-west-1:123456789012:service/web"})"),
            wanted);
}

TEST(Resources, AnArnThatContradictsTheOtherMembersIsAskedForBesideThem) {
  EXPECT_EQ(
      ecs("UpdateService", R"({"cluster":"dev","service":"arn:aws:ecs:eu-west-1:123456789012:service/prod/web"})"),
      (Pairs{"ecs:UpdateService " + kEcs + "service/dev/web", "ecs:UpdateService " + kEcs + "service/prod/web"}));
}

TEST(Resources, ARevisionThatTheValueBringsIsNotOpen) {
  EXPECT_EQ(ecs("RunTask", R"({"taskDefinition":"web:3"})"), (Pairs{"ecs:RunTask " + kEcs + "task-definition/web:3"}));
  EXPECT_EQ(ecs("RunTask", R"({"taskDefinition":"web"})"), (Pairs{"ecs:RunTask " + kEcs + "task-definition/web:*"}));
}

TEST(Resources, TagsOfEc2AreOnWhatTheIdentifierNames) {
  EXPECT_EQ(ec2("CreateTags&ResourceId.1=i-prod&ResourceId.2=ami-1&ResourceId.3=odd-1&Tag.1.Key=a&Tag.1.Value=b"),
            (Pairs{"ec2:CreateTags arn:aws:ec2:eu-west-1:*:*/odd-1", "ec2:CreateTags " + kEc2 + "instance/i-prod",
                   "ec2:CreateTags arn:aws:ec2:eu-west-1::image/ami-1"}));
  EXPECT_EQ(ec2("DeleteTags&ResourceId.1=vol-1"), (Pairs{"ec2:DeleteTags " + kEc2 + "volume/vol-1"}));
}

TEST(Resources, WhereNothingIsNamedAnyResourceOfTheTypesIsMeant) {
  EXPECT_EQ(ec2("DeleteKeyPair&KeyName=prod"), (Pairs{"ec2:DeleteKeyPair " + kEc2 + "key-pair/*"}));
  EXPECT_EQ(ec2("DescribeInstances"), (Pairs{"ec2:DescribeInstances *"}));  // has no resource types
}

TEST(Resources, TagsOfManyServicesAreOnTheArns) {
  EXPECT_EQ(json("tagging", "ResourceGroupsTaggingAPI_20170126.TagResources",
                 R"({"ResourceARNList":["arn:aws:ec2:eu-west-1:123456789012:instance/i-prod"],"Tags":{"a":"b"}})"),
            (Pairs{"tag:TagResources " + kEc2 + "instance/i-prod"}));
}

TEST(Resources, ARestoreNamesWhatItRestores) {
  const Pairs restored = rds("RestoreDBInstanceFromDBSnapshot&DBInstanceIdentifier=new&DBSnapshotIdentifier=prod-1");
  for (const char* const resource : {"db:new", "snapshot:prod-1"}) {
    EXPECT_EQ(std::count(restored.begin(), restored.end(), "rds:RestoreDBInstanceFromDBSnapshot " + kRds + resource), 1)
        << resource;
  }
  const Pairs exported =
      rds("StartExportTask&ExportTaskIdentifier=x&S3BucketName=b&KmsKeyId=k&IamRoleArn=arn:aws:iam::123456789012:role/r"
          "&SourceArn=arn:aws:rds:eu-west-1:123456789012:snapshot:prod-1");
  EXPECT_EQ(exported, (Pairs{"iam:PassRole " + kRole + "r", "rds:StartExportTask " + kRds + "snapshot:prod-1"}));
}

TEST(Resources, ARoleThatACallHandsOverMustBePassable) {
  const std::string lambda = " iam:passedtoservice=lambda.amazonaws.com";
  EXPECT_EQ(rest("lambda", "POST", "/2015-03-31/functions",
                 R"({"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/admin","Code":{}})"),
            (Pairs{"iam:PassRole " + kRole + "admin" + lambda,
                   "lambda:CreateFunction arn:aws:lambda:eu-west-1:123456789012:function:f"}));
  EXPECT_EQ(rest("lambda", "PUT", "/2015-03-31/functions/f/configuration", R"({"MemorySize":256})"),
            (Pairs{"lambda:UpdateFunctionConfiguration arn:aws:lambda:eu-west-1:123456789012:function:f"}));
  const std::string tasks = " iam:passedtoservice=ecs-tasks.amazonaws.com";
  EXPECT_EQ(ecs("RunTask", R"({"taskDefinition":"web:3","overrides":{
                  "taskRoleArn":"arn:aws:iam::123456789012:role/admin","executionRoleArn":"exec"}})"),
            (Pairs{"ecs:RunTask " + kEcs + "task-definition/web:3", "iam:PassRole " + kRole + "*exec" + tasks,
                   "iam:PassRole " + kRole + "admin" + tasks}));
  const Pairs stack = form(
      "cloudformation", "Version=2010-05-15&Action=CreateStack&StackName=s&RoleARN=arn:aws:iam::123456789012:role/x");
  EXPECT_EQ(std::count(stack.begin(), stack.end(),
                       "iam:PassRole " + kRole + "x iam:passedtoservice=cloudformation.amazonaws.com"),
            1);
  const Pairs targets = json("events", "AWSEvents.PutTargets",
                             R"({"Rule":"r","Targets":[{"Id":"1","Arn":"a"},
                                 {"Id":"2","Arn":"a","RoleArn":"arn:aws:iam::123456789012:role/x"}]})");
  EXPECT_EQ(targets, (Pairs{"events:PutTargets arn:aws:events:eu-west-1:123456789012:rule/r",
                            "iam:PassRole " + kRole + "x iam:passedtoservice=events.amazonaws.com"}));
}

TEST(Resources, ARoleBehindAnInstanceProfileMayBeAny) {
  const std::string any = "iam:PassRole " + kRole + "* iam:passedtoservice=ec2.amazonaws.com";
  EXPECT_EQ(ec2("AssociateIamInstanceProfile&InstanceId=i-1&IamInstanceProfile.Name=admin"),
            (Pairs{"ec2:AssociateIamInstanceProfile " + kEc2 + "instance/i-1", any}));
  const Pairs run =
      ec2("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&IamInstanceProfile.Arn=arn:aws:iam::"
          "123456789012:instance-profile/admin");
  EXPECT_EQ(std::count(run.begin(), run.end(), any), 1);
  const Pairs without = ec2("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1");
  EXPECT_TRUE(std::none_of(without.begin(), without.end(), [](const auto& pair) { return pair.starts_with("iam:"); }));
}

TEST(Resources, AParameterThatIsASecretNeedsTheSecret) {
  EXPECT_EQ(
      json("ssm", "AmazonSSM.GetParameter", R"({"Name":"/aws/reference/secretsmanager/prod/db"})"),
      (Pairs{"secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-??????",
             "ssm:GetParameter arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/prod/db"}));
}

}  // namespace
}  // namespace holdpoint::aws
