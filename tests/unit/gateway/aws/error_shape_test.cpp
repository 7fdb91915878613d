#include "gateway/aws/error_shape.hpp"

#include <gtest/gtest.h>

#include "bus/base/json.hpp"
#include "gateway/aws/cbor.hpp"
#include "gateway/aws/table.hpp"
#include "gateway/aws/xml.hpp"

namespace holdpoint::aws {
namespace {

std::string header(const ErrorAnswer& answer, std::string_view name) {
  return std::string(single_header(answer.headers, name).value_or(""));
}

struct Shape {
  Protocol protocol;
  Refusal refusal;
  int status;
  const char* code;
};

TEST(ErrorShape, FollowsTheScopeThatARequestClaimsEvenIfItIsWrong) {
  const auto signed_for = [](const char* authorization) {
    return claimed_service({"GET", "/", {{"Authorization", authorization}}});
  };
  EXPECT_EQ(signed_for("AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/lambda/aws4_request, SignedHeaders=host"),
            "lambda");
  EXPECT_EQ(signed_for("AWS4-HMAC-SHA256 Credential=A/x@y/s3/aws4_request"), "s3");
  EXPECT_EQ(claimed_service({"GET", "/?X-Amz-Credential=A%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&x=1", {}}), "s3");
  for (const char* nothing : {"", "Bearer x", "/aws4_request", "x/aws4_request", "//aws4_request"})
    EXPECT_EQ(signed_for(nothing), "") << nothing;
}

TEST(ErrorShape, EveryProtocolGetsTheCodeThatItsSdksKnow) {
  const Shape cases[] = {
      {Protocol::json10, Refusal::denied, 403, "AccessDeniedException"},
      {Protocol::json11, Refusal::denied, 403, "AccessDeniedException"},
      {Protocol::rest_json, Refusal::denied, 403, "AccessDeniedException"},
      {Protocol::rpc_v2_cbor, Refusal::denied, 403, "AccessDeniedException"},
      {Protocol::query, Refusal::denied, 403, "AccessDenied"},
      {Protocol::ec2, Refusal::denied, 403, "AccessDenied"},
      {Protocol::rest_xml, Refusal::denied, 403, "AccessDenied"},
      {Protocol::s3, Refusal::denied, 403, "AccessDenied"},
      {Protocol::json10, Refusal::unknown_key, 403, "UnrecognizedClientException"},
      {Protocol::query, Refusal::unknown_key, 403, "InvalidClientTokenId"},
      {Protocol::s3, Refusal::unknown_key, 403, "InvalidAccessKeyId"},
      {Protocol::json10, Refusal::bad_signature, 403, "InvalidSignatureException"},
      {Protocol::s3, Refusal::bad_signature, 403, "SignatureDoesNotMatch"},
      {Protocol::query, Refusal::expired_token, 403, "ExpiredToken"},
      {Protocol::json10, Refusal::overloaded, 400, "ThrottlingException"},
      {Protocol::query, Refusal::overloaded, 400, "Throttling"},
      {Protocol::s3, Refusal::overloaded, 503, "SlowDown"},
      {Protocol::json10, Refusal::unavailable, 403, "AccessDeniedException"},
      {Protocol::json10, Refusal::malformed, 400, "ValidationException"},
      {Protocol::s3, Refusal::outcome_unknown, 409, "OutcomeUnknown"},
  };
  for (const Shape& test : cases) {
    SCOPED_TRACE(std::string(name(test.protocol)) + " " + test.code);
    const ErrorAnswer answer =
        error_answer(test.refusal, "why & <what>", {"POST", "/", {}}, {test.protocol, false}, "id-1");
    EXPECT_EQ(answer.status, test.status);
    EXPECT_EQ(answer.code, test.code);
    std::string code;
    std::string message;
    switch (test.protocol) {
      case Protocol::json10:
      case Protocol::json11:
        code = parse_json(answer.body)->at("__type").get<std::string>();
        message = parse_json(answer.body)->at("message").get<std::string>();
        break;
      case Protocol::rest_json:
        code = header(answer, "x-amzn-errortype");
        message = parse_json(answer.body)->at("message").get<std::string>();
        break;
      case Protocol::rpc_v2_cbor:
        code = parse_cbor(answer.body)->at("__type").get<std::string>();
        message = parse_cbor(answer.body)->at("message").get<std::string>();
        break;
      default: {
        const Json xml = parse_xml(answer.body).value();
        const Json& root = xml.begin().value();
        const Json& error = test.protocol == Protocol::s3    ? root
                            : test.protocol == Protocol::ec2 ? root.at("Errors").at("Error")
                                                             : root.at("Error");
        code = error.at("Code").get<std::string>();
        message = error.at("Message").get<std::string>();
      }
    }
    EXPECT_EQ(code, test.code);
    EXPECT_EQ(message, "why & <what>");
  }
}

TEST(ErrorShape, ServicesThatOnceSpokeQueryNameTheOldCodeToo) {
  const ErrorAnswer answer = error_answer(Refusal::denied, "no", {"POST", "/", {{"x-amzn-query-mode", "true"}}},
                                          {Protocol::json10, true}, "id");
  EXPECT_EQ(header(answer, "x-amzn-query-error"), "AccessDenied;Sender");
  const ErrorAnswer plain = error_answer(Refusal::denied, "no", {"POST", "/", {}}, {Protocol::json10, true}, "id");
  EXPECT_EQ(header(plain, "x-amzn-query-error"), "");
}

TEST(ErrorShape, HeadRequestsGetNoBody) {
  EXPECT_TRUE(error_answer(Refusal::denied, "no", {"HEAD", "/b/k", {}}, {Protocol::s3, false}, "id").body.empty());
}

TEST(ErrorShape, WhatAgentsControlIsEscapedInEveryMessage) {
  for (const Protocol protocol : {Protocol::json10, Protocol::query, Protocol::s3, Protocol::rpc_v2_cbor}) {
    const ErrorAnswer answer = error_answer(Refusal::denied, "bad \xe2\x80\xae\r\n\x1b[31m\xff", {"POST", "/", {}},
                                            {protocol, false}, "i\r\nd");
    EXPECT_EQ(answer.body.find('\x1b'), std::string::npos);
    EXPECT_EQ(answer.body.find("\xe2\x80\xae"), std::string::npos);
    for (const auto& [name, value] : answer.headers) EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
  }
}

TEST(ErrorShape, TheProtocolIsGuessedFromTheHeadBeforeClassification) {
  EXPECT_EQ(error_context({"POST", "/", {{"X-Amz-Target", "A.B"}, {"Content-Type", "application/x-amz-json-1.1"}}}, "")
                .protocol,
            Protocol::json11);
  EXPECT_EQ(error_context({"GET", "/b", {}}, "s3").protocol, Protocol::s3);
  EXPECT_EQ(error_context({"POST", "/", {}}, "ec2").protocol, Protocol::ec2);
  EXPECT_EQ(error_context({"POST", "/", {}}, "sqs").protocol, Protocol::query);
  EXPECT_EQ(error_context({"PUT", "/", {}}, "dynamodb").protocol, Protocol::json10);
  EXPECT_EQ(error_context({"GET", "/", {}}, "lambda").protocol, Protocol::rest_json);
  EXPECT_TRUE(
      error_context({"POST", "/", {{"X-Amz-Target", "AmazonSQS.B"}, {"Content-Type", "application/x-amz-json-1.0"}}},
                    "sqs")
          .query_compatible);
}

}  // namespace
}  // namespace holdpoint::aws
