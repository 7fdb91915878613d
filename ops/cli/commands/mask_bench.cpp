#include "ops/cli/commands/mask_bench.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>
#include <vector>

#include "bus/base/encoding.hpp"
#include "bus/base/json.hpp"
#include "masker/mask.hpp"
#include "masker/offline.hpp"
#include "masker/structure/compress.hpp"
#include "masker/worker/answer.hpp"
#include "ops/cli/commands/output.hpp"

namespace holdpoint::commands {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kCorpusBytesMax = 1U << 30;  // unpacked; it is kept in memory
constexpr std::size_t kLineBytesMax = 96U << 20;   // as answer_lines
constexpr std::size_t kAnswerBytes = 64U << 10;    // the answer whose time has a budget
constexpr unsigned kWorkersMax = 256;
constexpr int kSecondsMax = 3600;

struct Document {
  masker::MaskInput input;
  std::string body;
  std::size_t bytes;  ///< without the content encoding
  std::string line;   ///< as the line protocol sends it
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Result<Document> read_document(std::string_view line) {
  const auto json = parse_json(line, {kLineBytesMax, 64});
  if (!json) return json.error();
  if (!json->is_object()) return fail(Code::malformed, "expected a JSON object");
  const bool labelled = json->contains("body");
  const bool text = labelled ? string_or(*json, "encoding", "utf-8") == "utf-8" : json->contains("text");
  const std::string body = string_or(*json, labelled ? "body" : text ? "text" : "b64");
  Document document;
  Json request = {{"id", 0}, {text ? "text" : "b64", body}};
  for (const char* member : {"content_type", "content_encoding", "meta"}) {
    if (const auto found = json->find(member); found != json->end() && !found->is_null()) request[member] = *found;
  }
  auto read = masker::read_line(request);
  if (!read) return read.error();
  document.input = std::move(read->input);
  document.body = std::move(read->body);
  document.bytes = document.body.size();
  if (document.input.content_encoding == "gzip") {
    const auto plain = masker::inflate(document.body, masker::document_bytes_max);
    if (!plain) return plain.error();
    document.bytes = plain->size();
  }
  document.line = to_json(request);
  return document;
}

Result<std::vector<Document>> read_corpus(const std::string& path) {
  auto text = read_input(path);
  if (!text) return text.error();
  if (text->starts_with("\x1f\x8b")) {
    auto plain = masker::inflate(*text, kCorpusBytesMax);
    if (!plain) return fail(Code::malformed, path + ": " + plain.error().context);
    text = std::move(*plain);
  }
  std::vector<Document> documents;
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    auto document = read_document(line);
    if (!document)
      return fail(Code::malformed, path + ", line " + std::to_string(number) + ": " + document.error().context);
    documents.push_back(std::move(*document));
  }
  if (documents.empty()) return fail(Code::malformed, path + " holds no document");
  return documents;
}

/// Whether the engine takes it for JSON and finds nothing in it.
bool is_clean_json(const Document& document) {
  if (document.input.content_type.find("json") == std::string::npos || !document.input.content_encoding.empty())
    return false;
  const auto masked = masker::mask(document.input, document.body);
  return masked.blocked.empty() && !masked.changed;
}

/// Calls `work` over and over for a while; million bytes per second of this thread's processor time.
template <class Work>
double rate(std::size_t bytes, double seconds, Work work) {
  work();  // caches and tables are warm in a running worker
  std::size_t done = 0;
  const double begin = thread_seconds();
  double end = begin;
  while (end - begin < seconds) {
    work();
    done += bytes;
    end = thread_seconds();
  }
  return static_cast<double>(done) / 1e6 / (end - begin);
}

double mask_rate(const std::vector<const Document*>& documents, double seconds) {
  std::size_t bytes = 0;
  for (const Document* document : documents) bytes += document->bytes;
  return rate(bytes, seconds, [&] {
    for (const Document* document : documents) (void)masker::mask(document->input, document->body);
  });
}

double line_rate(const std::vector<const Document*>& documents, double seconds) {
  std::size_t bytes = 0;
  for (const Document* document : documents) bytes += document->bytes;
  return rate(bytes, seconds, [&] {
    for (const Document* document : documents) (void)masker::mask_line(document->line);
  });
}

/// All workers together, by the clock.
double clock_rate(const std::vector<const Document*>& documents, unsigned workers, double seconds) {
  std::size_t bytes = 0;
  for (const Document* document : documents) bytes += document->bytes;
  std::vector<std::size_t> done(workers);
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  {
    std::vector<std::jthread> threads;
    for (unsigned worker = 0; worker < workers; ++worker) {
      threads.emplace_back([&documents, &done, worker, bytes, end] {
        do {
          for (const Document* document : documents) (void)masker::mask(document->input, document->body);
          done[worker] += bytes;
        } while (Clock::now() < end);
      });
    }
  }
  std::size_t total = 0;
  for (const std::size_t one : done) total += one;
  return static_cast<double>(total) / 1e6 / std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The corpus's own DynamoDB answers as items of one of 64 KiB; empty when it has none.
std::string large_answer(const std::vector<Document>& documents) {
  std::vector<const Document*> parts;
  for (const Document& document : documents) {
    if (document.input.service == "dynamodb" && document.body.starts_with('{')) parts.push_back(&document);
  }
  if (parts.empty()) return {};
  std::string out = R"({"Items":[)";
  for (std::size_t i = 0; out.size() < kAnswerBytes; ++i) out.append(parts[i % parts.size()]->body).push_back(',');
  out.back() = ']';
  return out + "}";
}

/// From request to answer as holdpoint-masker does it, microseconds. A refusal costs nothing and measures nothing.
Result<double> answer_time(const std::string& body, double seconds) {
  const wire::Message request{"MaskRequested",
                              {{"content_type", "application/x-amz-json-1.0"},
                               {"service", "dynamodb"},
                               {"operation", "Scan"},
                               {"protocol", "json"}},
                              {body}};
  const auto answered = masker::answer_mask_request(request);
  if (!answered) return answered.error();
  if (const std::string why = string_or(answered->body, "blocked"); !why.empty()) return fail(Code::denied, why);
  return static_cast<double>(body.size()) /
         rate(body.size(), seconds, [&] { (void)masker::answer_mask_request(request); });
}

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return text;
}

std::string verdict(bool met) { return met ? "met" : "missed"; }

}  // namespace

Result<void> bench_mask(const Context& context, const MaskBenchOptions& options) {
  if (options.workers < 1 || options.workers > kWorkersMax)
    return fail(Code::configuration, "--workers: from 1 to " + std::to_string(kWorkersMax));
  if (!(options.seconds > 0 && options.seconds <= kSecondsMax))
    return fail(Code::configuration, "--seconds: above 0, to " + std::to_string(kSecondsMax));
  const auto prepared = Clock::now();
  masker::prepare();
  const double start_ms = std::chrono::duration<double, std::milli>(Clock::now() - prepared).count();
  const auto documents = read_corpus(options.corpus);
  if (!documents) return documents.error();
  std::vector<const Document*> all;
  std::vector<const Document*> clean;
  for (const Document& document : *documents) {
    all.push_back(&document);
    if (is_clean_json(document)) clean.push_back(&document);
  }
  constexpr double mixed_min = 150;
  constexpr double clean_min = 300;
  constexpr double answer_us_max = 600;
  Json out = {{"documents", all.size()}, {"clean_json_documents", clean.size()}, {"prepare_ms", start_ms}};
  std::vector<std::vector<std::string>> rows;
  const double mixed = mask_rate(all, options.seconds);
  out["mixed_mb_per_second"] = mixed;
  rows.push_back({"all documents", text_of(mixed) + " MB/s per core", "150: " + verdict(mixed >= mixed_min)});
  if (!clean.empty()) {
    const double plain = mask_rate(clean, options.seconds);
    out["clean_json_mb_per_second"] = plain;
    rows.push_back({"clean JSON", text_of(plain) + " MB/s per core", "300: " + verdict(plain >= clean_min)});
  }
  if (const std::string body = large_answer(*documents); !body.empty()) {
    const auto answer_us = answer_time(body, options.seconds);
    if (!answer_us) return fail(answer_us.error().code, "the DynamoDB answer of 64 KiB: " + answer_us.error().context);
    out["dynamodb_64_kib_us"] = *answer_us;
    rows.push_back({"DynamoDB answer of 64 KiB", text_of(*answer_us) + " us in the worker",
                    "600: " + verdict(*answer_us <= answer_us_max)});
  }
  const double lines = line_rate(all, options.seconds);
  out["line_protocol_mb_per_second"] = lines;
  rows.push_back({"line protocol", text_of(lines) + " MB/s per core", "-"});
  for (unsigned workers = 1; options.workers > 1; workers = std::min(workers * 2, options.workers)) {
    const double together = clock_rate(all, workers, options.seconds);
    out["workers"].push_back({{"workers", workers}, {"mb_per_second", together}});
    rows.push_back({std::to_string(workers) + (workers == 1 ? " worker" : " workers"),
                    text_of(together) + " MB/s by the clock", "-"});
    if (workers == options.workers) break;
  }
  rows.push_back({"patterns compiled in", text_of(start_ms) + " ms", "-"});
  if (context.json) {
    print_json(out);
  } else {
    print_table({"what", "measured", "budget"}, rows, {});
  }
  return {};
}

}  // namespace holdpoint::commands
