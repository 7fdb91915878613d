// Calls as botocore serialises and signs them (tests/golden/aws/make_calls.py) come back as what they were made from.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "bus/base/json.hpp"
#include "gateway/aws/classify.hpp"
#include "gateway/aws/sigv4.hpp"

namespace holdpoint::aws {
namespace {

struct Call {
  HttpHead head;
  std::string body;
  std::string service;
  std::string operation;
  Json parameters;
  ParsedSignature signature;
};

std::vector<Call> calls() {
  std::vector<Call> out;
  std::ifstream file(HOLDPOINT_SOURCE_DIR "/tests/golden/aws/calls.jsonl");
  for (std::string line; std::getline(file, line);) {
    const Json json = parse_json(line).value();
    Call call;
    call.head.method = json.at("method").get<std::string>();
    call.head.target = json.at("target").get<std::string>();
    for (const Json& header : json.at("headers"))
      call.head.headers.emplace_back(header[0].get<std::string>(), header[1].get<std::string>());
    call.body = from_base64(json.at("body").get<std::string>()).value();
    call.service = json.at("service").get<std::string>();
    call.operation = json.at("operation").get<std::string>();
    call.parameters = json.at("parameters");
    const std::string date(single_header(call.head.headers, "x-amz-date").value_or("20260101T000000Z"));
    const Instant now = *from_rfc3339(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 2) + "T" +
                                      date.substr(9, 2) + ":" + date.substr(11, 2) + ":" + date.substr(13, 2) + "Z");
    auto parsed = parse_signature(call.head, now);
    EXPECT_TRUE(parsed || call.head.headers.empty())
        << call.service << ":" << call.operation << " " << parsed.error().context;
    if (parsed) call.signature = *parsed;
    out.push_back(std::move(call));
  }
  return out;
}

void leaves(const Json& value, std::vector<std::string>& out) {
  if (value.is_structured()) {
    for (const Json& child : value) leaves(child, out);
  } else {
    out.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

bool is_time(const std::string& text) { return text.starts_with("2026-01-02T"); }

TEST(AwsGolden, EverySignatureOfBotocoreVerifies) {
  int seen = 0;
  for (const Call& call : calls()) {
    if (call.signature.signature.empty()) continue;
    ++seen;
    const ParsedSignature& parsed = call.signature;
    const Secret key = derive_signing_key("secret", parsed.date, parsed.region, parsed.service);
    const auto verified = verify_signature(parsed, call.head, key.reveal(), sha256(call.body));
    EXPECT_TRUE(verified) << call.service << ":" << call.operation << " " << verified.error().context;
  }
  EXPECT_GT(seen, 400);
}

TEST(AwsGolden, EveryCallIsClassifiedAsTheOperationItWasMadeFrom) {
  int seen = 0;
  for (const Call& call : calls()) {
    if (call.signature.signature.empty()) continue;
    SCOPED_TRACE(call.service + ":" + call.operation + " " + call.head.method + " " + call.head.target);
    const auto classified =
        classify(call.head, {call.signature.service, call.signature.region, "123456789012", {}}, call.body);
    if (!classified) {
      ADD_FAILURE() << classified.error().context;
      continue;
    }
    ++seen;
    const Operation& operation = classified->operation;
    const bool twin = std::find(operation.candidates.begin(), operation.candidates.end(),
                                call.service + ":" + call.operation) != operation.candidates.end();
    EXPECT_TRUE((operation.service == call.service && operation.operation == call.operation) || twin)
        << operation.service << ":" << operation.operation;
    EXPECT_FALSE(operation.requirements.empty());
    for (const Requirement& requirement : operation.requirements) {
      EXPECT_TRUE(requirement.resource == "*" || requirement.resource.starts_with("arn:"))
          << requirement.action << " " << requirement.resource;
    }
    std::vector<std::string> got;
    leaves(operation.parameters, got);
    for (const auto& [name, value] : call.parameters.items()) {
      const Member* member = classified->route.operation->member(name);
      if (member != nullptr && member->idempotency_token) {
        EXPECT_FALSE(operation.parameters.contains(name)) << name;
        continue;
      }
      if (name == "Body" || (member != nullptr && (member->type == 'X' || member->type == 'x'))) continue;
      std::vector<std::string> wanted;
      leaves(value, wanted);
      for (const std::string& leaf : wanted) {
        if (is_time(leaf)) continue;
        EXPECT_NE(std::find(got.begin(), got.end(), leaf), got.end()) << name << " = " << leaf << "\n"
                                                                      << to_json(operation.parameters);
      }
    }
  }
  EXPECT_GT(seen, 400);
}

}  // namespace
}  // namespace holdpoint::aws
