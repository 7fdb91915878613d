#include "gateway/aws/route.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "gateway/aws/classify.hpp"
#include "gateway/aws/content_coding.hpp"

namespace holdpoint::aws {
namespace {

struct Sent {
  const char* name;
  std::string scope;
  std::string method;
  std::string target;
  std::string operation;           ///< "service:Operation"
  std::vector<std::string> twins;  ///< what it may be as well
  Headers headers = {};
  std::string body = {};
};

Result<Classified> run(const Sent& sent) {
  HttpHead head{sent.method, sent.target, sent.headers};
  head.headers.emplace_back("Host", "127.0.0.1:7400");
  return classify(head, {sent.scope, "eu-west-1", "123456789012", {}}, sent.body);
}

std::string named(const Classified& call) { return call.operation.service + ":" + call.operation.operation; }

TEST(Route, TheMostSpecificRouteWins) {
  const std::string portal = "/portals/arn%3Aaws%3Aworkspaces-web%3Aeu-west-1%3A123456789012%3Aportal%2Fp";
  const Sent cases[] = {
      {"a greedy label alone", "workspaces-web", "GET", portal, "workspaces-web:GetPortal", {}},
      {"a literal after a greedy label",
       "workspaces-web",
       "PUT",
       portal + "/browserSettings?browserSettingsArn=arn%3Ax",
       "workspaces-web:AssociateBrowserSettings",
       {}},
      {"a listing below a greedy label",
       "workspaces-web",
       "GET",
       portal + "/identityProviders?maxResults=7",
       "workspaces-web:ListIdentityProviders",
       {}},
      {"two services with one route, told apart by a query key",
       "lex",
       "DELETE",
       "/bots/b?skipResourceInUseCheck=true",
       "lex-models-v2:DeleteBot",
       {}},
      {"S3 on Outposts beside S3",
       "s3-outposts",
       "GET",
       "/S3Outposts/ListEndpoints?maxResults=7",
       "s3outposts:ListEndpoints",
       {}},
      {"S3's control plane under the scope of directory buckets",
       "s3express",
       "GET",
       "/v20180820/accesspointfordirectory",
       "s3-control:ListAccessPointsForDirectoryBuckets",
       {},
       {{"x-amz-account-id", "123456789012"}}},
      {"an answer to Object Lambda",
       "s3-object-lambda",
       "POST",
       "/WriteGetObjectResponse",
       "s3:WriteGetObjectResponse",
       {},
       {{"x-amz-request-route", "r"}, {"x-amz-request-token", "t"}}},
  };
  for (const Sent& sent : cases) {
    SCOPED_TRACE(sent.name);
    const auto call = run(sent);
    ASSERT_TRUE(call) << call.error().context;
    EXPECT_EQ(named(*call), sent.operation);
    EXPECT_EQ(call->operation.candidates, sent.twins);
  }
  EXPECT_FALSE(run({"", "s3", "POST", "/WriteGetObjectResponse", "", {}}));
  EXPECT_TRUE(run({"", "importexport", "GET", "/?Action=ListJobs&Operation=ListJobs&Version=2010-06-01", "", {}}));
  EXPECT_FALSE(run({"", "importexport", "GET", "/?Action=ListJobs&Operation=CancelJob&Version=2010-06-01", "", {}}));
}

TEST(Route, WhatTwoServicesUnderstandAlikeIsReportedAsBoth) {
  const Sent cases[] = {
      {"a renamed service", "wisdom", "GET", "/assistants/a", "wisdom:GetAssistant", {"qconnect:GetAssistant"}},
      {"two generations",
       "greengrass",
       "GET",
       "/greengrass/servicerole",
       "greengrass:GetServiceRoleForAccount",
       {"greengrassv2:GetServiceRoleForAccount"}},
      {"an SDK's older name of a service",
       "events",
       "POST",
       "/",
       "eventbridge:PutEvents",
       {"cloudwatch-events:PutEvents"},
       {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", "AWSEvents.PutEvents"}},
       R"({"Entries":[]})"},
      {"databases",
       "rds",
       "POST",
       "/",
       "rds:DeleteDBCluster",
       {"docdb:DeleteDBCluster", "neptune:DeleteDBCluster"},
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       "Action=DeleteDBCluster&Version=2014-10-31&DBClusterIdentifier=c"},
      {"an older name of the same operation",
       "s3",
       "GET",
       "/data?lifecycle",
       "s3:GetBucketLifecycleConfiguration",
       {"s3:GetBucketLifecycle"}},
  };
  for (const Sent& sent : cases) {
    SCOPED_TRACE(sent.name);
    const auto call = run(sent);
    ASSERT_TRUE(call) << call.error().context;
    EXPECT_EQ(named(*call), sent.operation);
    EXPECT_EQ(call->operation.candidates, sent.twins);
    // Whichever of them it is to AWS, its own action must be permitted.
    for (const OperationModel* twin : call->route.twins) {
      const auto& needed = call->operation.requirements;
      EXPECT_TRUE(std::any_of(needed.begin(), needed.end(), [&](const Requirement& requirement) {
        return requirement.action.ends_with(":" + std::string(twin->name)) || twin->service->id == "s3";
      })) << twin->service->id;
      EXPECT_GE(call->operation.access, twin->access);
    }
  }
}

TEST(Route, OlderClientsAreUnderstood) {
  const Sent cases[] = {
      {"a route that newer SDKs no longer take", "ses", "GET", "/v2/email/identities", "sesv2:ListEmailIdentities", {}},
      {"the route that they take",
       "ses",
       "POST",
       "/v2/email/list-identities",
       "sesv2:ListEmailIdentities",
       {},
       {},
       "{}"},
      {"an operation's earlier path", "geo-routes", "POST", "/routes", "geo-routes:CalculateRoutes", {}, {}, "{}"},
      {"speech by a presigned link",
       "polly",
       "GET",
       "/v1/speech?OutputFormat=mp3&Text=hello&VoiceId=Amy&LexiconNames=a&LexiconNames=b",
       "polly:SynthesizeSpeech",
       {}},
      {"IoT under the scope of its data plane", "execute-api", "GET", "/things", "iot:ListThings", {}},
      {"Import/Export's own scope and second name",
       "IngestionService",
       "POST",
       "/?Operation=ListJobs",
       "importexport:ListJobs",
       {},
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       "Action=ListJobs&Version=2010-06-01"},
      {"Glacier's tree hash",
       "glacier",
       "PUT",
       "/-/vaults/v/notification-configuration",
       "glacier:SetVaultNotifications",
       {},
       {{"x-amz-sha256-tree-hash", "0"}, {"x-amz-glacier-version", "2012-06-01"}},
       "{}"},
      {"S3 Control's checksum of no body",
       "s3",
       "GET",
       "/v20180820/accessgrantsinstance",
       "s3-control:GetAccessGrantsInstance",
       {},
       {{"x-amz-account-id", "123456789012"}, {"x-amz-checksum-crc32", "AAAAAA=="}}},
  };
  for (const Sent& sent : cases) {
    SCOPED_TRACE(sent.name);
    const auto call = run(sent);
    ASSERT_TRUE(call) << call.error().context;
    EXPECT_EQ(named(*call), sent.operation);
    EXPECT_EQ(call->operation.candidates, sent.twins);
  }
  Sent contradicting = cases[5];
  contradicting.target = "/?Operation=CancelJob";
  EXPECT_FALSE(run(contradicting));
  contradicting.target = "/?Operation=ListJobs&Operation=ListJobs";
  EXPECT_FALSE(run(contradicting));
}

TEST(Route, BooleansOfOlderBotocoresAreTheSameParameters) {
  const auto bypass = [](const char* value) {
    const auto call = run({"", "s3", "DELETE", "/data/k", "", {}, {{"x-amz-bypass-governance-retention", value}}});
    return call ? call->operation.parameters : Json();
  };
  EXPECT_EQ(bypass("True"), bypass("true"));
  EXPECT_EQ(bypass("true").at("BypassGovernanceRetention"), true);
  EXPECT_EQ(bypass("False").at("BypassGovernanceRetention"), false);
  EXPECT_TRUE(bypass("TRUE").is_null());
}

TEST(Route, EveryHostOfS3SaysWhoseDataItIs) {
  const struct {
    const char* scope;
    const char* host;
    const char* target;
    const char* bucket;
    const char* requirement;
  } cases[] = {
      {"s3", "data.s3.eu-west-1.amazonaws.com", "/a/b", "data", "s3:GetObject arn:aws:s3:::data/a/b"},
      {"s3", "data.s3.amazonaws.com", "/a/b", "data", "s3:GetObject arn:aws:s3:::data/a/b"},
      {"s3", "my.s3.data.s3-eu-west-1.amazonaws.com:443", "/k", "my.s3.data", "s3:GetObject arn:aws:s3:::my.s3.data/k"},
      {"s3", "data.s3.dualstack.eu-west-1.amazonaws.com", "/k", "data", "s3:GetObject arn:aws:s3:::data/k"},
      {"s3", "data.s3-fips.dualstack.us-east-1.amazonaws.com", "/k", "data", "s3:GetObject arn:aws:s3:::data/k"},
      {"s3", "data.s3-accelerate.amazonaws.com", "/k", "data", "s3:GetObject arn:aws:s3:::data/k"},
      {"s3", "data.s3.cn-north-1.amazonaws.com.cn", "/k", "data", "s3:GetObject arn:aws:s3:::data/k"},
      {"s3", "s3.dualstack.eu-west-1.amazonaws.com", "/data/k", "data", "s3:GetObject arn:aws:s3:::data/k"},
      {"s3express", "d--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "/k", "d--use1-az4--x-s3",
       "s3:GetObject arn:aws:s3:::d--use1-az4--x-s3/k"},
      {"s3", "my-ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "/k",
       "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-ap",
       "s3:GetObject arn:aws:s3:eu-west-1:123456789012:accesspoint/my-ap/object/k"},
      {"s3-object-lambda", "my-ol-123456789012.s3-object-lambda.eu-west-1.amazonaws.com", "/k",
       "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-ol",
       "s3-object-lambda:GetObject arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-ol/object/k"},
      {"s3-outposts", "my-ap-123456789012.op-0123.s3-outposts.eu-west-1.amazonaws.com", "/k",
       "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-0123/accesspoint/my-ap",
       "s3-outposts:GetObject arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-0123/accesspoint/my-ap/object/k"},
      {"s3", "data.s3.eu-west-1.amazonaws.com.evil.example", "/other/k", "other", "s3:GetObject arn:aws:s3:::other/k"},
  };
  for (const auto& wanted : cases) {
    SCOPED_TRACE(wanted.host);
    const auto call =
        classify({"GET", wanted.target, {{"Host", wanted.host}}}, {wanted.scope, "eu-west-1", "123456789012", {}}, {});
    ASSERT_TRUE(call) << call.error().context;
    EXPECT_EQ(named(*call), "s3:GetObject");
    EXPECT_EQ(call->operation.parameters.at("Bucket"), wanted.bucket);
    ASSERT_EQ(call->operation.requirements.size(), 1u);
    const Requirement& needed = call->operation.requirements.front();
    EXPECT_EQ(needed.action + " " + needed.resource, wanted.requirement);
  }
  for (const char* const host :
       {"my-ap.s3-accesspoint.eu-west-1.amazonaws.com", "-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
        "my-ap-123456789012.x.s3-accesspoint.eu-west-1.amazonaws.com",
        "my-ap-123456789012.s3-outposts.eu-west-1.amazonaws.com"}) {
    EXPECT_FALSE(classify({"GET", "/data/k", {{"Host", host}}}, {"s3", "eu-west-1", "123456789012", {}}, {})) << host;
  }
}

TEST(Route, PresignedCallsOfTheQueryProtocolHaveEverythingInTheQuery) {
  const std::string signing = "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0";
  Sent sent{"", "sts", "POST", "/?Action=GetCallerIdentity&Version=2011-06-15" + signing, "", {}};
  for (const char* const method : {"GET", "POST"}) {
    sent.method = method;
    const auto call = run(sent);
    ASSERT_TRUE(call) << call.error().context;
    EXPECT_EQ(named(*call), "sts:GetCallerIdentity");
    const auto plan = needs_body({sent.method, sent.target, {}}, {"sts", "eu-west-1", "123456789012", {}});
    EXPECT_TRUE(plan);
    sent.body = "Action=AssumeRole&Version=2011-06-15";
    EXPECT_FALSE(run(sent));
    sent.body.clear();
  }
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Sent metrics(const char* operation, std::string body) {
  return {"",
          "monitoring",
          "POST",
          "/",
          "",
          {},
          {{"Content-Type", "application/x-amz-json-1.0"},
           {"X-Amz-Target", std::string("GraniteServiceVersion20100801.") + operation},
           {"Content-Encoding", "gzip"}},
          std::move(body)};
}

TEST(Route, CompressedMetricsAreReadAndNothingElseIs) {
  const std::string plain = R"({"Namespace":"app","MetricData":[]})";
  const auto call = run(metrics("PutMetricData", gzip(plain)));
  ASSERT_TRUE(call) << call.error().context;
  EXPECT_EQ(named(*call), "cloudwatch:PutMetricData");
  EXPECT_EQ(call->operation.parameters.at("Namespace"), "app");

  EXPECT_FALSE(run(metrics("PutMetricData", plain)));
  EXPECT_FALSE(run(metrics("PutMetricData", gzip(plain) + "x")));
  EXPECT_FALSE(run(metrics("PutMetricData", gzip(plain).substr(0, 30))));
  EXPECT_FALSE(run(metrics("DeleteAlarms", gzip(R"({"AlarmNames":["a"]})"))));
  EXPECT_EQ(gunzip(gzip(std::string(100000, 'a')), 5000).error().code, Code::too_large);
}

}  // namespace
}  // namespace holdpoint::aws
