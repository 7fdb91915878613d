#include "gateway/aws/classify.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/aws/parameters.hpp"
#include "gateway/aws/xml.hpp"

namespace holdpoint::aws {
namespace {

struct Request {
  std::string service;
  HttpHead head;
  std::string body;
};

const std::vector<std::string> kHosts{"gw.example"};

/// Twice: by itself, and with what the head alone said, as the gateway does. Both say the same of any call.
Result<Classified> run(const Request& request) {
  const CallScope scope{request.service, "eu-west-1", "123456789012", kHosts};
  auto alone = classify(request.head, scope, request.body);
  auto plan = needs_body(request.head, scope);
  const Result<Classified> planned =
      plan ? classify(request.head, scope, request.body, plan->route) : Result<Classified>(plan.error());
  EXPECT_EQ(alone.has_value(), planned.has_value());
  if (alone && planned) {
    EXPECT_EQ(alone->operation.operation, planned->operation.operation);
    EXPECT_EQ(alone->operation.parameters, planned->operation.parameters);
    EXPECT_EQ(alone->operation.requirements.size(), planned->operation.requirements.size());
    EXPECT_EQ(alone->route.query, planned->route.query);
    EXPECT_EQ(alone->route.labels, planned->route.labels);
    EXPECT_EQ(alone->route.path, planned->route.path);
  } else if (!alone && !planned) {
    EXPECT_EQ(alone.error().context, planned.error().context);
  }
  return alone;
}

Request json(std::string service, std::string target, std::string body) {
  return {
      std::move(service),
      {"POST",
       "/",
       {{"Host", "gw.example"}, {"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", std::move(target)}}},
      std::move(body)};
}
Request dynamodb(const std::string& operation, std::string body) {
  return json("dynamodb", "DynamoDB_20120810." + operation, std::move(body));
}
Request form(std::string service, std::string body) {
  return {std::move(service),
          {"POST", "/", {{"Host", "gw.example"}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}},
          std::move(body)};
}
Request rest(std::string service, std::string method, std::string target, std::string body = "", Headers headers = {}) {
  headers.emplace_back("Host", "gw.example");
  return {std::move(service), {std::move(method), std::move(target), std::move(headers)}, std::move(body)};
}

std::vector<std::string> pairs(const Operation& operation) {
  std::vector<std::string> out;
  for (const Requirement& requirement : operation.requirements)
    out.push_back(requirement.action + " " + requirement.resource);
  std::sort(out.begin(), out.end());
  return out;
}

struct Understood {
  const char* name;
  Request request;
  const char* operation;
  std::vector<std::string> pairs;
};

TEST(Classify, ACallYieldsEveryActionAndResourceThatItNeeds) {
  const std::string table = "arn:aws:dynamodb:eu-west-1:123456789012:table/";
  const Understood cases[] = {
      {"one item",
       dynamodb("GetItem", R"({"TableName":"orders","Key":{"id":{"S":"1"}}})"),
       "dynamodb:GetItem",
       {"dynamodb:GetItem " + table + "orders"}},
      {"a table by ARN",
       dynamodb("DeleteTable", R"({"TableName":"arn:aws:dynamodb:us-east-1:999999999999:table/x"})"),
       "dynamodb:DeleteTable",
       {"dynamodb:DeleteTable arn:aws:dynamodb:us-east-1:999999999999:table/x"}},
      {"an index",
       dynamodb("Query", R"({"TableName":"orders","IndexName":"by-day"})"),
       "dynamodb:Query",
       {"dynamodb:Query " + table + "orders/index/by-day"}},
      {"a batch over two tables",
       dynamodb("BatchGetItem", R"({"RequestItems":{"a":{"Keys":[]},"b":{"Keys":[]}}})"),
       "dynamodb:BatchGetItem",
       {"dynamodb:BatchGetItem " + table + "a", "dynamodb:BatchGetItem " + table + "b"}},
      {"a transaction",
       dynamodb("TransactWriteItems", R"({"TransactItems":[{"Put":{"TableName":"a"}},{"Delete":{"TableName":"b"}}]})"),
       "dynamodb:TransactWriteItems",
       {"dynamodb:DeleteItem " + table + "b", "dynamodb:PutItem " + table + "a"}},
      {"PartiQL",
       dynamodb("ExecuteStatement", R"({"Statement":"dElEtE FrOm \"orders\" WHERE id='x'"})"),
       "dynamodb:ExecuteStatement",
       {"dynamodb:PartiQLDelete " + table + "orders"}},
      {"PartiQL with a comment",
       dynamodb("ExecuteStatement", R"({"Statement":"SELECT * FROM /* x */ \"orders\""})"),
       "dynamodb:ExecuteStatement",
       {"dynamodb:PartiQLDelete " + table + "*", "dynamodb:PartiQLInsert " + table + "*",
        "dynamodb:PartiQLSelect " + table + "*", "dynamodb:PartiQLUpdate " + table + "*"}},
      {"PartiQL with a backtick",
       dynamodb("ExecuteStatement", R"({"Statement":"SELECT `x from public where \"` FROM secret WHERE a=\"b"})"),
       "dynamodb:ExecuteStatement",
       {"dynamodb:PartiQLDelete " + table + "*", "dynamodb:PartiQLInsert " + table + "*",
        "dynamodb:PartiQLSelect " + table + "*", "dynamodb:PartiQLUpdate " + table + "*"}},
      {"an object", rest("s3", "GET", "/data/a/b.txt"), "s3:GetObject", {"s3:GetObject arn:aws:s3:::data/a/b.txt"}},
      {"an object's version",
       rest("s3", "GET", "/data/a?versionId=v"),
       "s3:GetObject",
       {"s3:GetObjectVersion arn:aws:s3:::data/a"}},
      {"virtual host style",
       {"s3", {"GET", "/a/b.txt", {{"Host", "data.gw.example:7400"}}}, ""},
       "s3:GetObject",
       {"s3:GetObject arn:aws:s3:::data/a/b.txt"}},
      {"a copy",
       rest("s3", "PUT", "/data/new", "", {{"x-amz-copy-source", "/other/old%20one?versionId=3"}}),
       "s3:CopyObject",
       {"s3:GetObjectVersion arn:aws:s3:::other/old one", "s3:PutObject arn:aws:s3:::data/new"}},
      {"a public object",
       rest("s3", "PUT", "/data/new", "", {{"x-amz-acl", "public-read"}}),
       "s3:PutObject",
       {"s3:PutObject arn:aws:s3:::data/new", "s3:PutObjectAcl arn:aws:s3:::data/new"}},
      {"many objects",
       rest("s3", "POST", "/data?delete",
            "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>1</VersionId></Object></Delete>"),
       "s3:DeleteObjects",
       {"s3:DeleteObject arn:aws:s3:::data/a", "s3:DeleteObjectVersion arn:aws:s3:::data/b"}},
      {"a listing, JavaScript's spelling",
       rest("s3", "GET", "/data/?list-type=2&prefix=x%2F&x-id=ListObjectsV2"),
       "s3:ListObjectsV2",
       {"s3:ListBucket arn:aws:s3:::data"}},
      {"all buckets", rest("s3", "GET", "/"), "s3:ListBuckets", {"s3:ListAllMyBuckets *"}},
      {"three instances",
       form("ec2", "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i-2&InstanceId.3=i-3"),
       "ec2:TerminateInstances",
       {"ec2:TerminateInstances arn:aws:ec2:eu-west-1:123456789012:instance/i-1",
        "ec2:TerminateInstances arn:aws:ec2:eu-west-1:123456789012:instance/i-2",
        "ec2:TerminateInstances arn:aws:ec2:eu-west-1:123456789012:instance/i-3"}},
      {"a queue, old client",
       form("sqs", "Action=DeleteQueue&Version=2012-11-05&QueueUrl=http%3A%2F%2Fgw%2F123456789012%2Fjobs"),
       "sqs:DeleteQueue",
       {"sqs:DeleteQueue arn:aws:sqs:eu-west-1:123456789012:jobs"}},
      {"a queue, new client",
       json("sqs", "AmazonSQS.DeleteQueue", R"({"QueueUrl":"http://gw/123456789012/jobs"})"),
       "sqs:DeleteQueue",
       {"sqs:DeleteQueue arn:aws:sqs:eu-west-1:123456789012:jobs"}},
      {"a role's policy",
       form("iam",
            "Action=AttachRolePolicy&Version=2010-05-08&RoleName=ci&PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%"
            "2FAdministratorAccess"),
       "iam:AttachRolePolicy",
       {"iam:AttachRolePolicy arn:aws:iam::123456789012:role/ci"}},
      {"a function",
       rest("lambda", "POST", "/2015-03-31/functions/charge/invocations", "{}"),
       "lambda:Invoke",
       {"lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:charge"}},
      {"a function's alias",
       rest("lambda", "POST", "/2015-03-31/functions/charge/invocations?Qualifier=live", "{}"),
       "lambda:Invoke",
       {"lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:charge:live"}},
      {"a secret by name",
       json("secretsmanager", "secretsmanager.GetSecretValue", R"({"SecretId":"db"})"),
       "secrets-manager:GetSecretValue",
       {"secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-??????"}},
      {"two parameters",
       json("ssm", "AmazonSSM.GetParameters", R"({"Names":["/a/b","c"]})"),
       "ssm:GetParameters",
       {"ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/a/b",
        "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/c"}},
      {"rpc-v2-cbor",
       {"monitoring",
        {"POST",
         "/service/GraniteServiceVersion20100801/operation/ListMetrics",
         {{"Host", "h"}, {"smithy-protocol", "rpc-v2-cbor"}}},
        "\xa1\x69Namespace\x61x"},
       "cloudwatch:ListMetrics",
       {"cloudwatch:ListMetrics arn:aws:cloudwatch:eu-west-1:123456789012:dataset/*"}},
  };
  for (const Understood& test : cases) {
    SCOPED_TRACE(test.name);
    const auto classified = run(test.request);
    if (!classified) {
      ADD_FAILURE() << classified.error().context;
      continue;
    }
    EXPECT_EQ(classified->operation.service + ":" + classified->operation.operation, test.operation);
    EXPECT_EQ(pairs(classified->operation), test.pairs);
  }
}

struct Hostile {
  const char* name;
  Request request;
  Code code;
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Classify, WhatCouldBeReadInTwoWaysIsRefused) {
  const Hostile cases[] = {
      {"a scope that contradicts the target", json("s3", "DynamoDB_20120810.GetItem", "{}"), Code::denied},
      {"a scope of another json service", json("kms", "DynamoDB_20120810.GetItem", "{}"), Code::denied},
      {"an unknown scope", json("nosuch", "DynamoDB_20120810.GetItem", "{}"), Code::unsupported},
      {"an unknown operation", dynamodb("DropEverything", "{}"), Code::not_found},
      {"a duplicate key", dynamodb("GetItem", R"({"TableName":"a","TableName":"b"})"), Code::malformed},
      {"a duplicate key deep inside", dynamodb("GetItem", R"({"TableName":"a","Key":{"id":{"S":"1","S":"2"}}})"),
       Code::malformed},
      {"a member that differs by case", dynamodb("GetItem", R"({"TableName":"a","tablename":"b","Key":{}})"),
       Code::malformed},
      {"bytes behind a NUL", dynamodb("GetItem", std::string(R"({"TableName":"a"})") + '\0' + "x"), Code::malformed},
      {"a number that a double does not hold", dynamodb("ListTables", R"({"Limit":0.10000000000000000001})"),
       Code::malformed},
      {"bytes after the document", dynamodb("GetItem", R"({"TableName":"a"}{"TableName":"b"})"), Code::malformed},
      {"nested deeper than anything", dynamodb("GetItem", R"({"TableName":)" + nested(70) + "}"), Code::too_large},
      {"invalid UTF-8", dynamodb("GetItem", "{\"TableName\":\"\xff\"}"), Code::malformed},
      {"an array for a body", dynamodb("GetItem", "[]"), Code::malformed},
      {"a query beside a target",
       {"dynamodb",
        {"POST",
         "/?Action=DeleteTable",
         {{"Host", "h"},
          {"Content-Type", "application/x-amz-json-1.0"},
          {"X-Amz-Target", "DynamoDB_20120810.ListTables"}}},
        "{}"},
       Code::malformed},
      {"two targets",
       {"dynamodb",
        {"POST",
         "/",
         {{"Host", "h"},
          {"X-Amz-Target", "DynamoDB_20120810.ListTables"},
          {"x-amz-target", "DynamoDB_20120810.DeleteTable"}}},
        "{}"},
       Code::malformed},
      {"a target with a form's type",
       {"dynamodb",
        {"POST",
         "/",
         {{"Host", "h"},
          {"Content-Type", "application/x-www-form-urlencoded"},
          {"X-Amz-Target", "DynamoDB_20120810.ListTables"}}},
        "{}"},
       Code::malformed},
      {"a duplicate form field",
       form("ec2", "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.1=i-2"), Code::malformed},
      {"two actions that differ by case",
       form("ec2", "Action=DescribeInstances&action=TerminateInstances&Version=2016-11-15"), Code::malformed},
      {"two actions", form("ec2", "Action=DescribeInstances&Action=TerminateInstances&Version=2016-11-15"),
       Code::malformed},
      {"a second name of an index",
       form("ec2", "Action=TerminateInstances&Version=2016-11-15&InstanceId=i-0&InstanceId.1=i-1"), Code::malformed},
      {"a form member that differs by case",
       form("ec2", "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&instanceid.2=i-2"), Code::malformed},
      {"an action in the query and in the form",
       {"ec2",
        {"POST", "/?Action=TerminateInstances", {{"Host", "h"}, {"Content-Type", "application/x-www-form-urlencoded"}}},
        "Action=DescribeInstances&Version=2016-11-15"},
       Code::malformed},
      {"another version", form("ec2", "Action=TerminateInstances&Version=2006-01-01"), Code::not_found},
      {"an unmodelled x-amz header", rest("s3", "GET", "/data/key", "", {{"x-amz-acl", "public-read"}}), Code::denied},
      {"a method override", rest("s3", "GET", "/data/key", "", {{"X-HTTP-Method-Override", "DELETE"}}), Code::denied},
      {"an unmodelled subresource", rest("s3", "GET", "/data?newthing"), Code::denied},
      {"a hoisted header", rest("s3", "PUT", "/data/key?X-Amz-Acl=public-read"), Code::denied},
      {"a hoisted header in lower case", rest("s3", "PUT", "/data/key?x-amz-acl=public-read"), Code::denied},
      {"a raw plus", rest("s3", "GET", "/data?prefix=a+b"), Code::malformed},
      {"an object key that climbs", rest("s3", "GET", "/data/../other/key"), Code::malformed},
      {"an object key that climbs, encoded", rest("s3", "GET", "/data/%2e%2e/other/key"), Code::malformed},
      {"a bucket with a slash", rest("s3", "GET", "/data%2Fkey"), Code::malformed},
      {"an empty bucket", rest("s3", "GET", "//key"), Code::malformed},
      {"a null byte", rest("s3", "GET", "/data/a%00b"), Code::malformed},
      {"a path that climbs", rest("lambda", "GET", "/2015-03-31/functions/a/../b"), Code::malformed},
      {"a path that climbs inside a label", rest("lambda", "GET", "/2015-03-31/functions/a%2F..%2Fb"), Code::malformed},
      {"an empty segment", rest("lambda", "GET", "/2015-03-31//functions/a"), Code::malformed},
      {"encoded twice", rest("lambda", "GET", "/2015-03-31/functions/a%252Fb"), Code::malformed},
      {"an incomplete escape", rest("lambda", "GET", "/2015-03-31/functions/a%2"), Code::malformed},
      {"a duplicate query key", rest("lambda", "GET", "/2015-03-31/functions/a?Qualifier=1&Qualifier=2"),
       Code::malformed},
      {"a body where none belongs", rest("s3", "DELETE", "/data/key", "surprise"), Code::denied},
      {"a path member in the body",
       rest("lambda", "PUT", "/2015-03-31/functions/a/configuration", R"({"FunctionName":"b"})"), Code::malformed},
      {"a compressed body",
       {"dynamodb",
        {"POST",
         "/",
         {{"Host", "h"},
          {"Content-Type", "application/x-amz-json-1.0"},
          {"X-Amz-Target", "DynamoDB_20120810.ListTables"},
          {"Content-Encoding", "gzip"}}},
        "{}"},
       Code::unsupported},
      {"a document type",
       rest("s3", "POST", "/data?delete",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><Delete><Object><Key>&a;</Key></Object></Delete>"),
       Code::malformed},
      {"a processing instruction",
       rest("s3", "POST", "/data?delete", "<Delete><?x y?><Object><Key>a</Key></Object></Delete>"), Code::malformed},
      {"XML in another encoding", rest("s3", "POST", "/data?delete", "<?xml version='1.0' encoding='UTF-7'?><Delete/>"),
       Code::malformed},
      {"text beside elements", rest("s3", "POST", "/data?delete", "<Delete>x<Object><Key>a</Key></Object></Delete>"),
       Code::malformed},
      {"a cbor path with another service",
       {"monitoring",
        {"POST",
         "/service/DynamoDB_20120810/operation/ListTables",
         {{"Host", "h"}, {"smithy-protocol", "rpc-v2-cbor"}}},
        ""},
       Code::denied},
      {"a duplicate cbor key",
       {"monitoring",
        {"POST",
         "/service/GraniteServiceVersion20100801/operation/ListMetrics",
         {{"Host", "h"}, {"smithy-protocol", "rpc-v2-cbor"}}},
        "\xa2\x61x\x01\x61x\x02"},
       Code::malformed},
      {"a cbor length beyond the end",
       {"monitoring",
        {"POST",
         "/service/GraniteServiceVersion20100801/operation/ListMetrics",
         {{"Host", "h"}, {"smithy-protocol", "rpc-v2-cbor"}}},
        "\x7b\xff\xff\xff\xff\xff\xff\xff\xff"},
       Code::malformed},
      {"no operation at all", rest("dynamodb", "POST", "/"), Code::malformed},
  };
  for (const Hostile& test : cases) {
    SCOPED_TRACE(test.name);
    const auto classified = run(test.request);
    ASSERT_TRUE(classified.has_error()) << classified->operation.service << ":" << classified->operation.operation
                                        << " " << to_json(classified->operation.parameters);
    EXPECT_EQ(classified.error().code, test.code) << classified.error().context;
  }
}

TEST(Classify, XmlNestedTooDeepIsRefused) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "<a>";
  EXPECT_EQ(parse_xml(text).error().code, Code::too_large);
  EXPECT_EQ(parse_xml("<a><b></a></b>").error().code, Code::malformed);
}

TEST(Classify, ADeleteThatTwoReadersCouldReadDifferentlyIsRefused) {
  for (const char* body :
       {"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", "<Delete><Object><Key/></Object></Delete>",
        "<Delete><Object><VersionId>1</VersionId></Object></Delete>", "<Delete></Delete>", "<Other/>",
        "<Delete><Object><Key>a</Key></Object><Object>b</Object></Delete>",
        "<Delete><Object><Key>a</Key><VersionId>1</VersionId><VersionId>2</VersionId></Object></Delete>"}) {
    const auto classified = run(rest("s3", "POST", "/data?delete", body));
    ASSERT_FALSE(classified) << body;
    EXPECT_EQ(classified.error().code, Code::malformed) << body;
  }
}

TEST(Classify, AnObjectThatTwoReadersCouldTakeForAnotherIsRefusedWhereverItIsNamed) {
  for (const char* key : {"open/../secret/x", "./x", "open//x", "/x", "open/..", "open/."}) {
    SCOPED_TRACE(key);
    const std::string encoded = uri_encode(key);
    const Request requests[] = {
        rest("s3", "GET", std::string("/data/") + key),
        rest("s3", "GET", "/data/" + encoded),
        rest("s3", "PUT", "/data/new", "", {{"x-amz-copy-source", std::string("data/") + key}}),
        rest("s3", "PUT", "/data/new", "", {{"x-amz-copy-source", "/data/" + encoded}}),
        rest("s3", "PUT", "/data/new?partNumber=1&uploadId=u", "",
             {{"x-amz-copy-source", "data/" + encoded + "?versionId=1"}}),
        rest("s3", "PUT", "/data/new", "",
             {{"x-amz-copy-source", "arn:aws:s3:eu-west-1:123456789012:accesspoint/p/object/" + encoded}}),
        rest("s3", "POST", "/data?delete", "<Delete><Object><Key>" + std::string(key) + "</Key></Object></Delete>"),
        rest("s3", "POST", "/data?delete",
             "<Delete><Object><Key>ok</Key></Object><Object><Key>" + std::string(key) + "</Key></Object></Delete>"),
    };
    for (const Request& request : requests) {
      const auto classified = run(request);
      ASSERT_FALSE(classified) << request.head.target;
      EXPECT_EQ(classified.error().code, Code::malformed);
      EXPECT_NE(classified.error().context.find("the object key has a"), std::string::npos)
          << classified.error().context;
    }
  }
  EXPECT_TRUE(run(rest("s3", "PUT", "/data/folder/", "", {{"x-amz-copy-source", "data/folder/"}})));
}

TEST(Classify, ACopysSourceHasOneReading) {
  for (const char* source :
       {"data/secret/top+file", "data/a?versionId=1?versionId=2", "data/a?versionId=1&versionId=2",
        "data/a?versionId=", "data/a?other=1", "data/a#b", "data", "data/", "//data/a", "../data/a", "da/ta%2",
        "data/a%00b", "data/a%ff", "arn:aws:s3:::data", "arn:aws:s3:eu-west-1:123456789012:accesspoint/../object/a"}) {
    const auto classified = run(rest("s3", "PUT", "/data/new", "", {{"x-amz-copy-source", source}}));
    ASSERT_FALSE(classified) << source;
    EXPECT_EQ(classified.error().code, Code::malformed) << source;
  }
  const auto space = run(rest("s3", "PUT", "/data/new", "", {{"x-amz-copy-source", "data/secret/top%2Bfile"}}));
  ASSERT_TRUE(space);
  EXPECT_EQ(pairs(space->operation).front(), "s3:GetObject arn:aws:s3:::data/secret/top+file");
}

TEST(Classify, ARenameReadsAndDeletesItsSourceWhereverThatIs) {
  const auto good = run(rest("s3", "PUT", "/data/new?renameObject", "", {{"x-amz-rename-source", "old%20one"}}));
  ASSERT_TRUE(good) << good.error().context;
  const auto needed = pairs(good->operation);
  for (const char* pair : {"s3:GetObject arn:aws:s3:::data/*", "s3:DeleteObject arn:aws:s3:::data/*"})
    EXPECT_NE(std::find(needed.begin(), needed.end(), pair), needed.end()) << pair;
  EXPECT_FALSE(run(rest("s3", "PUT", "/data/new?renameObject", "", {{"x-amz-rename-source", "a/../b"}})));
}

TEST(Classify, ParametersAreOneFormForEveryProtocol) {
  const auto old_form =
      run(form("sqs", "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fgw%2F1%2Fq&MessageBody=a+b"));
  const auto new_form =
      run(json("sqs", "AmazonSQS.SendMessage", R"({"MessageBody":"a b","QueueUrl":"http://gw/1/q"})"));
  ASSERT_TRUE(old_form);
  ASSERT_TRUE(new_form);
  EXPECT_EQ(to_json(old_form->operation.parameters), to_json(new_form->operation.parameters));
  const auto typed = run(rest("lambda", "GET", "/2015-03-31/functions?MaxItems=5"));
  ASSERT_TRUE(typed);
  EXPECT_EQ(to_json(typed->operation.parameters), R"({"MaxItems":5})");
  const auto lists = run(form(
      "ec2",
      "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId=ami-1&InstanceType=t3.micro&ClientToken=x&"
      "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Team&TagSpecification.1.Tag.1.Value=a"));
  ASSERT_TRUE(lists) << lists.error().context;
  EXPECT_EQ(
      to_json(lists->operation.parameters),
      R"({"ImageId":"ami-1","InstanceType":"t3.micro","MaxCount":"1","MinCount":"1","TagSpecifications":[{"ResourceType":"instance","Tag":[{"Key":"Team","Value":"a"}]}]})");
  EXPECT_EQ(lists->operation.context.at("aws:requesttag/team"), std::vector<std::string>{"a"});
  EXPECT_EQ(lists->operation.context.at("aws:tagkeys"), std::vector<std::string>{"Team"});
  EXPECT_EQ(lists->operation.context.at("ec2:instancetype"), std::vector<std::string>{"t3.micro"});
}

TEST(Classify, TokensThatSdksMakeAndTransferChecksumsAreNotParameters) {
  const auto token =
      run(dynamodb("TransactWriteItems", R"({"TransactItems":[{"Put":{"TableName":"a"}}],"ClientRequestToken":"6f"})"));
  ASSERT_TRUE(token);
  EXPECT_FALSE(token->operation.parameters.contains("ClientRequestToken"));
  const auto put = run(rest("s3", "PUT", "/data/key", "",
                            {{"x-amz-sdk-checksum-algorithm", "CRC32"},
                             {"x-amz-checksum-crc32", "AAAAAA=="},
                             {"x-amz-meta-Owner", "me"},
                             {"Content-MD5", "x"}}));
  ASSERT_TRUE(put) << put.error().context;
  EXPECT_EQ(to_json(put->operation.parameters), R"({"Bucket":"data","Key":"key","Metadata":{"owner":"me"}})");
  EXPECT_TRUE(put->operation.body_is_data);
}

TEST(Classify, ConditionKeysOfDynamoDbHoldEveryValueThatMayLead) {
  const auto get = run(dynamodb(
      "GetItem",
      R"({"TableName":"t","Key":{"user":{"S":"u1"}},"ProjectionExpression":"#n, address.city","ExpressionAttributeNames":{"#n":"name"}})"));
  ASSERT_TRUE(get);
  EXPECT_EQ(get->operation.context.at("dynamodb:leadingkeys"), std::vector<std::string>{"u1"});
  EXPECT_EQ(get->operation.context.at("dynamodb:attributes"), (std::vector<std::string>{"user", "name", "address"}));
  const auto query = run(dynamodb(
      "Query",
      R"({"TableName":"t","KeyConditionExpression":"user = :u AND age > :a","ExpressionAttributeValues":{":u":{"S":"u2"},":a":{"N":"3"}}})"));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->operation.context.at("dynamodb:leadingkeys"), std::vector<std::string>{"u2"});
  const auto list = run(rest("s3", "GET", "/data?list-type=2&prefix=home%2Fme"));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->operation.context.at("s3:prefix"), std::vector<std::string>{"home/me"});
}

TEST(Classify, SensitiveMembersArePointedOut) {
  const auto call = run(json("ssm", "AmazonSSM.PutParameter", R"({"Name":"n","Value":"v"})"));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->operation.sensitive, std::vector<std::string>{"/Value"});
  const std::vector<std::string_view> paths{"A[].B", "M{}.C"};
  EXPECT_EQ(expand_paths(paths, Json::parse(R"({"A":[{"B":1},{"X":2},{"B":3}],"M":{"k/y":{"C":1}}})")),
            (std::vector<std::string>{"/A/0/B", "/A/2/B", "/M/k~1y/C"}));
}

TEST(Classify, TheHeadSaysWhichBodyIsNeeded) {
  const CallScope scope{"s3", "eu-west-1", "123456789012", {}};
  EXPECT_EQ(needs_body(rest("s3", "PUT", "/data/key").head, scope)->need, BodyNeed::stream);
  EXPECT_EQ(needs_body(rest("s3", "GET", "/data/key").head, scope)->need, BodyNeed::none);
  EXPECT_EQ(needs_body(rest("s3", "POST", "/data?delete").head, scope)->need, BodyNeed::parse);
  const auto batch = needs_body(dynamodb("BatchWriteItem", "").head, {"dynamodb", "eu-west-1", "", {}});
  EXPECT_EQ(batch->need, BodyNeed::parse);
  EXPECT_GE(batch->bytes_max, std::size_t{16} << 20);
  EXPECT_EQ(needs_body(form("ec2", "").head, {"ec2", "eu-west-1", "", {}})->need, BodyNeed::parse);
}

}  // namespace
}  // namespace holdpoint::aws
