#include "gateway/aws/upstream_request.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "gateway/aws/decode.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

Json shared_json(const std::string& file) {
  std::ifstream in(std::string(HOLDPOINT_SHARED_DIR) + "/aws/" + file);
  std::stringstream text;
  text << in.rdbuf();
  return parse_json(text.str()).value();
}

std::string header(const HttpHead& head, std::string_view name) {
  return std::string(single_header(head.headers, name).value_or(""));
}

TEST(Endpoint, HostsAndScopesAreThoseThatAwsPublishes) {
  const Json services = shared_json("services.json").at("services");
  const Json endpoints = shared_json("endpoints.json").at("services");
  int compared = 0;
  std::vector<std::string> differing;
  for (const auto& [key, known] : endpoints.items()) {
    if (!services.contains(key)) continue;
    std::string id = to_lower(services.at(key).at("service_id").get<std::string>());
    std::replace(id.begin(), id.end(), ' ', '-');
    for (const char* const region : {"us-east-1", "eu-west-1"}) {
      if (!known.contains(region) || !known.at(region).contains("host")) continue;
      const auto found = endpoint(id, region, {});
      if (!found) continue;
      ++compared;
      const Json& wanted = known.at(region);
      // Two services sign with a bearer token or an older signature; for them the host alone counts.
      const Json& scope = wanted.at("scope");
      const std::string published =
          wanted.at("host").get<std::string>() +
          (scope.is_null() || scope.at(0).is_null() ? std::string() : " " + scope.at(0).get<std::string>());
      const std::string got = found->host + " " + found->signing_region;
      if (!got.starts_with(published)) differing.push_back(id + " " + region + ": " + got + ", not " + published);
    }
  }
  EXPECT_GT(compared, 500);
  // S3 in us-east-1 has two names; a handful of others moved since that list was made.
  EXPECT_LT(differing.size(), 25u);
  for (const std::string& line : differing) {
    for (const char* const core : {"dynamodb ", "s3 eu", "sts ", "sqs ", "iam ", "ec2 ", "lambda ", "kms ", "ssm ",
                                   "route-53 ", "organizations ", "cloudfront "}) {
      EXPECT_FALSE(line.starts_with(core)) << line;
    }
    RecordProperty("differs", line);
    if (::testing::UnitTest::GetInstance()->current_test_info() != nullptr) std::cout << line << "\n";
  }
}

TEST(Endpoint, NothingButAKnownRegionOrTheOperatorNamesAHost) {
  for (const char* const region : {"evil.com/", "eu-west-1.evil.com#", "", "eu-west-1@", "eu_west_1", "EU-WEST-1",
                                   "us-iso-east-1", "..", "eu-west-10x", "eu--west-1"}) {
    EXPECT_FALSE(endpoint("dynamodb", region, {})) << region;
  }
  EXPECT_EQ(endpoint("dynamodb", "cn-north-1", {})->host, "dynamodb.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(endpoint("iam", "eu-west-1", {})->authority(), "iam.amazonaws.com");
  EXPECT_EQ(endpoint("iam", "eu-west-1", {})->signing_region, "us-east-1");
  const auto own = endpoint("dynamodb", "eu-west-1", {{"dynamodb", "http://127.0.0.1:8000"}});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->authority(), "127.0.0.1:8000");
  EXPECT_FALSE(own->tls);
  for (const char* const url :
       {"http://169.254.169.254", "http://169.254.170.2:80", "http://[fe80::1]", "http://[fd00:ec2::254]", "ftp://x",
        "http://", "http://u:p@h", "http://h/path", "http://h:0", "http://h:99999", "http://h:80x", "http://h?x",
        "http://[::1", "http://[::ffff:169.254.169.254]"}) {
    EXPECT_FALSE(parse_endpoint_url(url)) << url;
  }
  EXPECT_EQ(parse_endpoint_url("https://[::1]:8443/")->authority(), "[::1]:8443");
}

Classified classified(const HttpHead& head, std::string_view service, std::string_view body = {}) {
  static const std::vector<std::string> hosts{"gw.example"};
  return classify(head, {std::string(service), "eu-west-1", "123456789012", hosts}, body).value();
}

TEST(UpstreamRequest, APresignedPostOfTheQueryProtocolIsSentAsItWasDecidedOn) {
  const HttpHead head{
      "POST", "/?Action=ListTopics&Version=2010-03-31&X-Amz-Date=20261101T120000Z", {{"Host", "gw.example"}}};
  const Classified call = classified(head, "sns");
  const Endpoint target = endpoint("sns", "eu-west-1", {}).value();
  const auto sent = upstream_head(head, call, target, BodyTransfer::verbatim, {"AKIDREAL", "", {}},
                                  to_hex(view(sha256(""))), *from_rfc3339("2026-11-01T12:00:00Z"));
  ASSERT_TRUE(sent) << sent.error().context;
  EXPECT_EQ(sent->target, "/?Action=ListTopics&Version=2010-03-31");
}

TEST(UpstreamRequest, AnAnswerToObjectLambdaIsNotSentToABucketOfTheClientsChoice) {
  const HttpHead head{"POST",
                      "/WriteGetObjectResponse",
                      {{"Host", "gw.example"}, {"x-amz-request-route", "victim"}, {"x-amz-request-token", "t"}}};
  const Classified call = classified(head, "s3-object-lambda");
  const Endpoint target = endpoint("s3", "eu-west-1", {}).value();
  const auto sent = upstream_head(head, call, target, BodyTransfer::verbatim, {"AKIDREAL", "", {}}, "UNSIGNED-PAYLOAD",
                                  *from_rfc3339("2026-11-01T12:00:00Z"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::unsupported);
}

TEST(UpstreamRequest, TheHeadIsRebuiltFromTheParseAndSignedAnew) {
  const HttpHead head{"POST",
                      "/",
                      {{"Host", "gw.example"},
                       {"X-Amz-Target", "DynamoDB_20120810.ListTables"},
                       {"Content-Type", "application/x-amz-json-1.0"},
                       {"Authorization", "AWS4-HMAC-SHA256 Credential=LOCAL/x"},
                       {"X-Amz-Security-Token", "local-token"},
                       {"X-Amz-Date", "20260101T000000Z"},
                       {"Expect", "100-continue"},
                       {"Connection", "keep-alive, x-secret"},
                       {"X-Forwarded-For", "10.0.0.1"},
                       {"X-Secret", "y"},
                       {"Accept-Encoding", "gzip"},
                       {"amz-sdk-invocation-id", "z"}}};
  const Classified call = classified(head, "dynamodb", "{}");
  const Endpoint target = endpoint("dynamodb", "eu-west-1", {}).value();
  const Instant now = *from_rfc3339("2026-11-01T12:00:00Z");
  const auto sent =
      upstream_head(head, call, target, BodyTransfer::verbatim,
                    {"AKIDREAL", "real-token", derive_signing_key("real", "20261101", "eu-west-1", "dynamodb")},
                    to_hex(view(sha256("{}"))), now);
  ASSERT_TRUE(sent) << sent.error().context;
  EXPECT_EQ(header(*sent, "host"), "dynamodb.eu-west-1.amazonaws.com");
  EXPECT_EQ(header(*sent, "x-amz-security-token"), "real-token");
  EXPECT_EQ(header(*sent, "x-amz-target"), "DynamoDB_20120810.ListTables");
  EXPECT_EQ(header(*sent, "accept-encoding"), "identity");
  for (const char* const gone : {"expect", "connection", "x-forwarded-for", "x-secret", "amz-sdk-invocation-id"})
    EXPECT_EQ(count_headers(sent->headers, gone), 0u) << gone;
  for (const auto& [name, value] : sent->headers) EXPECT_EQ(value.find("local"), std::string::npos) << name;
  const auto parsed = parse_signature(*sent, now);
  ASSERT_TRUE(parsed) << parsed.error().context;
  EXPECT_TRUE(verify_signature(*parsed, *sent, derive_signing_key("real", "20261101", "eu-west-1", "dynamodb").reveal(),
                               sha256("{}")));
}

TEST(UpstreamRequest, TheOperationThatIsNamedUpstreamIsTheOneThatWasDecidedOn) {
  HttpHead head{"POST", "/", {{"Host", "gw"}, {"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", ""}}};
  for (const char* sent :
       {"DynamoDB_20120810.ListTables", "DynamoDB_20120810.DeleteTable.DynamoDB_20120810.ListTables"}) {
    head.headers.back().second = sent;
    const auto rebuilt = rebuild_head(head, classified(head, "dynamodb", "{}"),
                                      endpoint("dynamodb", "eu-west-1", {}).value(), BodyTransfer::verbatim);
    ASSERT_TRUE(rebuilt);
    EXPECT_EQ(header(*rebuilt, "x-amz-target"), "DynamoDB_20120810.ListTables") << sent;
  }
}

TEST(UpstreamRequest, TargetsComeOutInOneSpelling) {
  const Endpoint s3 = endpoint("s3", "eu-west-1", {}).value();
  const auto target = [&](HttpHead head, std::string_view service, const Endpoint& at) {
    const auto out = rebuild_head(head, classified(head, service), at, BodyTransfer::verbatim);
    return out ? out->target : out.error().context;
  };
  EXPECT_EQ(target({"GET", "/data/a%20b/%c3%a9?versionId=1&x-id=GetObject", {{"Host", "gw.example"}}}, "s3", s3),
            "/data/a%20b/%C3%A9?versionId=1&x-id=GetObject");
  EXPECT_EQ(target({"GET", "/a/b", {{"Host", "data.gw.example"}}}, "s3", s3), "/data/a/b");
  EXPECT_EQ(target({"GET", "/data?acl&X-Amz-Signature=00&X-Amz-Expires=60", {{"Host", "gw.example"}}}, "s3", s3),
            "/data?acl");
  EXPECT_NE(
      target({"GET", "/arn%3Aaws%3As3%3Aeu-west-1%3A1%3Aaccesspoint%2Fap/key", {{"Host", "gw.example"}}}, "s3", s3)
          .find("not supported"),
      std::string::npos);
  const Endpoint lambda = endpoint("lambda", "eu-west-1", {}).value();
  EXPECT_EQ(target({"GET", "/2015-03-31/functions/arn%3aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af", {{"Host", "h"}}},
                   "lambda", lambda),
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af");
  const Endpoint ec2 = endpoint("ec2", "eu-west-1", {}).value();
  EXPECT_EQ(target({"GET", "/?Action=DescribeInstances&Version=2016-11-15&X-Amz-Date=x", {{"Host", "h"}}}, "ec2", ec2),
            "/?Action=DescribeInstances&Version=2016-11-15");
}

TEST(UpstreamRequest, ChunksThatWereVerifiedGoOnWithoutTheirEnvelope) {
  const HttpHead head{"PUT",
                      "/data/key",
                      {{"Host", "gw.example"},
                       {"Content-Encoding", "aws-chunked,gzip"},
                       {"x-amz-decoded-content-length", "5"},
                       {"x-amz-trailer", "x-amz-checksum-crc32"}}};
  const Endpoint s3 = endpoint("s3", "eu-west-1", {}).value();
  const auto decoded = rebuild_head(head, classified(head, "s3"), s3, BodyTransfer::decoded);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(header(*decoded, "content-encoding"), "gzip");
  EXPECT_EQ(count_headers(decoded->headers, "x-amz-decoded-content-length") +
                count_headers(decoded->headers, "x-amz-trailer"),
            0u);
  const auto verbatim = rebuild_head(head, classified(head, "s3"), s3, BodyTransfer::verbatim);
  EXPECT_EQ(header(*verbatim, "content-encoding"), "aws-chunked,gzip");
  EXPECT_EQ(header(*verbatim, "x-amz-trailer"), "x-amz-checksum-crc32");
}

TEST(UpstreamRequest, HostLabelsAreHostLabels) {
  const HttpHead good{
      "GET", "/v20180820/configuration/publicAccessBlock", {{"Host", "h"}, {"x-amz-account-id", "123456789012"}}};
  const Endpoint target = endpoint("s3-control", "eu-west-1", {}).value();
  const auto sent = rebuild_head(good, classified(good, "s3"), target, BodyTransfer::verbatim);
  ASSERT_TRUE(sent) << sent.error().context;
  EXPECT_EQ(header(*sent, "host"), "123456789012.s3-control.eu-west-1.amazonaws.com");
  const HttpHead bad{
      "GET", "/v20180820/configuration/publicAccessBlock", {{"Host", "h"}, {"x-amz-account-id", "evil.com#"}}};
  EXPECT_EQ(rebuild_head(bad, classified(bad, "s3"), target, BodyTransfer::verbatim).error().code, Code::denied);
}

TEST(Decode, ALineInIsALineOut) {
  const std::string line =
      R"({"id":7,"method":"POST","target":"/","headers":[["Host","h"],["Content-Type","application/x-amz-json-1.0"],["X-Amz-Target","DynamoDB_20120810.GetItem"],["Authorization","AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"]],"body":"eyJUYWJsZU5hbWUiOiJ0IiwiS2V5Ijp7fX0="})";
  EXPECT_EQ(
      decode_line(line, "123456789012"),
      R"({"access":"Read","actions":["dynamodb:GetItem"],"ambiguous":[],"id":7,"operation":"GetItem","parameters":{"Key":{},"TableName":"t"},"resources":["arn:aws:dynamodb:eu-west-1:123456789012:table/t"],"service":"dynamodb"})");
  for (const char* const bad :
       {"", "[]", "{\"id\":1}", "{\"id\":1,\"method\":\"GET\",\"target\":\"/\",\"headers\":[[1]]}"}) {
    EXPECT_TRUE(parse_json(decode_line(bad, "1"))->contains("error")) << bad;
  }
}

}  // namespace
}  // namespace holdpoint::aws
