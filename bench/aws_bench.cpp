// What the AWS side of one call costs: verify, classify, rebuild and sign. aws_bench --benchmark_filter=. prints µs.
#include <benchmark/benchmark.h>

#include "gateway/aws/decode.hpp"
#include "gateway/aws/upstream_request.hpp"

namespace {

using namespace holdpoint;
using namespace holdpoint::aws;

const Instant kNow = *from_rfc3339("2026-11-01T12:00:00Z");

struct Call {
  HttpHead head;
  std::string body;
  Secret key;
};

Call put_item() {
  Call call;
  call.body =
      R"({"TableName":"orders","Item":{"id":{"S":"order-1"},"customer":{"S":"someone@example.com"},"text":{"S":")" +
      std::string(900, 'x') + "\"}}}";
  call.head = {"POST",
               "/",
               {{"Host", "127.0.0.1:7400"},
                {"Content-Type", "application/x-amz-json-1.0"},
                {"X-Amz-Target", "DynamoDB_20120810.PutItem"},
                {"User-Agent", "Boto3/1.43 md/Botocore#1.43 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11"},
                {"amz-sdk-invocation-id", "7f8cd1e5-7b30-452a-be9a-a0152bc18c81"},
                {"amz-sdk-request", "attempt=1"}}};
  call.key = derive_signing_key("secret", "20261101", "eu-west-1", "dynamodb");
  auto added = sign(call.head, {"AKIDLOCAL", std::string(600, 't'), call.key.clone()}, {"eu-west-1", "dynamodb"},
                    to_hex(view(sha256(call.body))), kNow);
  for (auto& header : *added) call.head.headers.push_back(std::move(header));
  return call;
}

const std::vector<std::string> kHosts{"127.0.0.1"};

void verify(benchmark::State& state) {
  const Call call = put_item();
  for (auto _ : state) {
    const auto parsed = parse_signature(call.head, kNow);
    const Hash hash = sha256(call.body);
    benchmark::DoNotOptimize(verify_signature(*parsed, call.head, call.key.reveal(), hash));
  }
}
BENCHMARK(verify);

void classify_call(benchmark::State& state) {
  const Call call = put_item();
  const CallScope scope{"dynamodb", "eu-west-1", "123456789012", kHosts};
  for (auto _ : state) benchmark::DoNotOptimize(classify(call.head, scope, call.body));
}
BENCHMARK(classify_call);

void whole_call(benchmark::State& state) {
  const Call call = put_item();
  const CallScope scope{"dynamodb", "eu-west-1", "123456789012", kHosts};
  const SigningIdentity identity{"AKIDREAL", std::string(600, 'r'),
                                 derive_signing_key("real", "20261101", "eu-west-1", "dynamodb")};
  for (auto _ : state) {
    const auto parsed = parse_signature(call.head, kNow);
    const Hash hash = sha256(call.body);
    if (!verify_signature(*parsed, call.head, call.key.reveal(), hash)) state.SkipWithError("signature");
    const auto classified = classify(call.head, scope, call.body);
    const auto target = endpoint("dynamodb", "eu-west-1", {});
    benchmark::DoNotOptimize(
        upstream_head(call.head, *classified, *target, BodyTransfer::verbatim, identity, to_hex(view(hash)), kNow));
  }
}
BENCHMARK(whole_call);

// The service with the most routes to choose from.
void classify_s3(benchmark::State& state) {
  const HttpHead head{
      "GET", "/data/folder/some%20key.txt", {{"Host", "127.0.0.1:7400"}, {"x-amz-date", "20261101T120000Z"}}};
  const CallScope scope{"s3", "eu-west-1", "123456789012", kHosts};
  for (auto _ : state) benchmark::DoNotOptimize(classify(head, scope, {}));
}
BENCHMARK(classify_s3);

void load_table(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(table_text().find("\nS\tzz-none"));
}
BENCHMARK(load_table);

void decode(benchmark::State& state) {
  const std::string line =
      R"({"id":7,"method":"POST","target":"/","headers":[["Host","h"],["Content-Type","application/x-amz-json-1.0"],["X-Amz-Target","DynamoDB_20120810.GetItem"],["Authorization","AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"]],"body":"eyJUYWJsZU5hbWUiOiJ0IiwiS2V5Ijp7fX0="})";
  for (auto _ : state) benchmark::DoNotOptimize(decode_line(line, "123456789012"));
}
BENCHMARK(decode);

}  // namespace

BENCHMARK_MAIN();
