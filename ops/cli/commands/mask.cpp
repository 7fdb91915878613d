// holdpoint mask: the masking engine offline, on a file or line by line.
#include "masker/mask.hpp"

#include <iostream>
#include <memory>

#include "bus/base/json.hpp"
#include "masker/offline.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"

namespace holdpoint::commands {
namespace {

struct MaskOptions {
  std::string file = "-";
  bool lines = false;
  bool explain = false;      ///< what was found and where, beside the text
  bool report_only = false;  ///< the same without the text
  std::string meta;          ///< JSON with service and operation, as the line protocol has it
  masker::MaskInput input;
};

Json report(const masker::MaskOutput& masked) {
  Json findings = Json::array();
  for (const auto& finding : masked.findings) {
    findings.push_back({{"class", std::string(masker::name(finding.kind))},
                        {"rule", finding.rule},
                        {"path", finding.path},
                        {"count", finding.count}});
  }
  return {{"changed", masked.changed}, {"findings", std::move(findings)}};
}

Result<masker::MaskInput> read_meta(const MaskOptions& options) {
  masker::MaskInput input = options.input;
  if (options.meta.empty()) return input;
  const auto meta = parse_json(options.meta);
  if (!meta || !meta->is_object()) return fail(Code::malformed, "--meta: expected a JSON object");
  if (input.service.empty()) input.service = string_or(*meta, "service");
  if (input.operation.empty()) input.operation = string_or(*meta, "operation");
  return input;
}

Result<void> mask(const Context& context, const MaskOptions& options) {
  if (options.lines) return answer_lines(masker::mask_line);
  const auto input = read_meta(options);
  if (!input) return input.error();
  auto bytes = read_input(options.file);
  if (!bytes) return bytes.error();
  const auto masked = masker::mask(*input, *bytes);
  if (!masked.blocked.empty()) return fail(Code::denied, "cannot be inspected: " + masked.blocked);
  if (!context.json && !options.explain && !options.report_only) {
    std::cout << masked.bytes;
    return {};
  }
  Json out = report(masked);
  if (options.explain) {
    Json spans = Json::array();
    for (const auto& span : masked.spans) spans.push_back({{"begin", span.begin}, {"end", span.end}});
    out["spans"] = std::move(spans);
  }
  if (!options.report_only) out["text"] = text_json(masked.bytes);
  print_json(out);
  return {};
}

}  // namespace

void add_mask(CLI::App& app, Context& context) {
  auto options = std::make_shared<MaskOptions>();
  options->input.content_type = "text/plain";
  CLI::App* command = add_command(app, "mask", "Mask a file or standard input, offline",
                                  "  holdpoint mask answer.json --content-type application/json --service dynamodb\n"
                                  "  holdpoint --json mask log.txt\n  holdpoint mask --report-only log.txt\n"
                                  "  holdpoint mask --jsonl < bodies.jsonl");
  command->add_option("file", options->file, "- is standard input")->capture_default_str();
  command->add_flag("--jsonl", options->lines, "A JSON object per line of standard input, one per line out");
  command->add_option("--content-type", options->input.content_type)
      ->capture_default_str()
      ->envname("MASK_CONTENT_TYPE");
  command->add_option("--content-encoding", options->input.content_encoding, "gzip, deflate or zstd")
      ->envname("MASK_CONTENT_ENCODING");
  command->add_option("--service", options->input.service, "For the members that AWS models mark, e.g. dynamodb");
  command->add_option("--operation", options->input.operation, "e.g. GetItem");
  command->add_option("--meta", options->meta, "Both as JSON: {\"service\":…,\"operation\":…}")->envname("MASK_META");
  command->add_flag("--explain", options->explain,
                    "JSON: what was found by which rule, how often, and the bytes (decoded) that were replaced");
  command->add_flag("--report-only", options->report_only, "JSON: what would be masked, without the text");
  command->callback([&context, options] { context.action = [&context, options] { return mask(context, *options); }; });
}

}  // namespace holdpoint::commands
