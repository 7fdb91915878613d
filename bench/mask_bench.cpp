// The masking engine alone, on decoded bodies: bytes per second and the time of one small answer.
//
//   mask_bench [--benchmark_filter=…]
#include <benchmark/benchmark.h>

#include <string>

#include "masker/mask.hpp"

namespace {

using holdpoint::masker::MaskInput;

MaskInput input_for(const char* type, const char* service) {
  MaskInput input;
  input.content_type = type;
  input.service = service;
  input.operation = "Scan";
  return input;
}

/// DynamoDB items as an application keeps them: ids, names, times, amounts; every eighth holds a secret and a card.
std::string items(std::size_t bytes, bool clean) {
  std::string out = R"({"Count":1,"Items":[)";
  for (int i = 0; out.size() < bytes; ++i) {
    const std::string n = std::to_string(100000 + i);
    out += R"({"id":{"S":"4527eceb-d8ee-4006-8965-af2ae0)" + n +
           R"("},"created_at":{"S":"2025-09-15T23:49:55.900Z"},"status":{"S":"shipped"},)";
    out +=
        R"("amount":{"N":"1499"},"description":{"S":"Two boxes of the usual, left at the door of number 12"},"order_ref":{"S":"ORD-)" +
        n + R"("},)";
    out += R"("tags":{"L":[{"S":"blue"},{"S":"large"}]})";
    if (!clean && i % 8 == 0) {
      out +=
          R"(,"api_key":{"S":"jCQbO2hcI3aaCwdbwa4JiTyMiKocZdOh"},"card_number":{"S":"4111111111111111"},"email":{"S":"a.person@example.org"})";
    }
    out += "},";
  }
  out.back() = ']';
  return out + "}";
}

std::string log_lines(std::size_t bytes) {
  std::string out;
  for (int i = 0; out.size() < bytes; ++i) {
    const std::string n = std::to_string(100000 + i);
    out += "2025-11-27T13:00:39.491Z INFO 8a6145b8-00df-423a-b8dd-0af8c6" + n + " GET /api/v1/orders/" + n +
           " 200 12 ms user_agent=\"curl/8.5.0\"\n";
    if (i % 16 == 0)
      out +=
          "2025-11-27T13:00:39.500Z ERROR connect failed: postgres://app:hunter" + n + "@db.example.com:5432/orders\n";
  }
  return out;
}

void run(benchmark::State& state, const MaskInput& input, const std::string& body) {
  holdpoint::masker::prepare();
  for (auto _ : state) benchmark::DoNotOptimize(holdpoint::masker::mask(input, body));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

void json_mixed(benchmark::State& state) {
  run(state, input_for("application/x-amz-json-1.0", "dynamodb"),
      items(static_cast<std::size_t>(state.range(0)), false));
}
void json_clean(benchmark::State& state) {
  run(state, input_for("application/x-amz-json-1.0", "dynamodb"),
      items(static_cast<std::size_t>(state.range(0)), true));
}
void text_log(benchmark::State& state) {
  run(state, input_for("text/plain", "s3"), log_lines(static_cast<std::size_t>(state.range(0))));
}

BENCHMARK(json_mixed)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(json_clean)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(text_log)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);

}  // namespace

BENCHMARK_MAIN();
