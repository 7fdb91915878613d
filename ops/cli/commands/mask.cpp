// holdpoint mask: the masking engine offline, on a file or line by line.
#include "masker/mask.hpp"

#include <iostream>
#include <memory>
#include <optional>

#include "bus/base/json.hpp"
#include "masker/finding_json.hpp"
#include "masker/offline.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/mask_bench.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/deployment.hpp"
#include "ops/cli/deployment/masking.hpp"

namespace holdpoint::commands {
namespace {

struct MaskOptions {
  std::string file = "-";
  bool lines = false;
  bool explain = false;       ///< what was found and where, beside the text
  bool report_only = false;   ///< the same without the text
  std::string meta;           ///< JSON with service and operation, as the line protocol has it
  std::string configuration;  ///< whose rules are tried; empty: none
  std::string target;
  masker::MaskInput input;
  MaskBenchOptions bench;
};

using Trial = std::optional<deployment::MaskTrial>;

Result<Trial> read_trial(const MaskOptions& options) {
  if (options.configuration.empty()) {
    if (!options.target.empty()) return fail(Code::malformed, "--target: expected --config beside it");
    return Trial();
  }
  const auto document = deployment::read_configuration(options.configuration);
  if (!document) return document.error();
  if (!options.target.empty() && document->target(options.target) == nullptr)
    return fail(Code::malformed,
                "--target: " + options.configuration + " has no target " + display(options.target, 80));
  return Trial(deployment::MaskTrial(document->masking, options.target));
}

Result<void> mask_lines(const MaskOptions& options, Trial& trial) {
  masker::LineOptions how;
  how.report_only = options.report_only;
  if (trial) {
    how.rules = [&trial](std::string_view service, std::string_view operation) {
      return trial->rules_for(service, operation);
    };
    how.found = [&trial](const std::vector<masker::Finding>& findings) { trial->count(findings); };
  }
  auto done = answer_lines([&how](const std::string& line) { return masker::mask_line(line, how); });
  if (done && trial && options.report_only) std::cout << to_json({{"rules", trial->summary()}}) << "\n";
  return done;
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
  if (!options.bench.corpus.empty()) return bench_mask(context, options.bench);
  auto trial = read_trial(options);
  if (!trial) return trial.error();
  if (options.lines) return mask_lines(options, *trial);
  auto input = read_meta(options);
  if (!input) return input.error();
  if (*trial) {
    auto rules = (*trial)->rules_for(input->service, input->operation);
    if (!rules) return rules.error();
    input->rules = std::move(*rules);
  }
  auto bytes = read_input(options.file);
  if (!bytes) return bytes.error();
  const auto masked = masker::mask(*input, *bytes);
  if (!masked.blocked.empty()) return fail(Code::denied, "cannot be inspected: " + masked.blocked);
  if (!context.json && !options.explain && !options.report_only) {
    std::cout << masked.bytes;
    return {};
  }
  Json out{{"changed", masked.changed}, {"findings", masker::findings_json(masked.findings)}};
  if (*trial) {
    (*trial)->count(masked.findings);
    out["rules"] = (*trial)->summary();
  }
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
  CLI::App* command =
      add_command(app, "mask", "Mask a file or standard input, offline",
                  "  holdpoint mask answer.json --content-type application/json --service dynamodb\n"
                  "  holdpoint --json mask log.txt\n  holdpoint mask --report-only log.txt\n"
                  "  holdpoint mask --jsonl < bodies.jsonl\n"
                  "  holdpoint audit export | holdpoint mask --config holdpoint.yaml --jsonl --report-only\n"
                  "  holdpoint mask --bench bodies.jsonl.gz --workers 2");
  command->add_option("file", options->file, "- is standard input")->capture_default_str();
  CLI::Option* lines =
      command->add_flag("--jsonl", options->lines, "A JSON object per line of standard input, one per line out");
  command->add_option("--content-type", options->input.content_type)
      ->capture_default_str()
      ->envname("MASK_CONTENT_TYPE");
  command->add_option("--content-encoding", options->input.content_encoding, "gzip, deflate or zstd")
      ->envname("MASK_CONTENT_ENCODING");
  command->add_option("--service", options->input.service, "For the members that AWS models mark, e.g. dynamodb");
  command->add_option("--operation", options->input.operation, "e.g. GetItem");
  command->add_option("--meta", options->meta, "Both as JSON: {\"service\":…,\"operation\":…}")->envname("MASK_META");
  CLI::Option* explain =
      command->add_flag("--explain", options->explain,
                        "JSON: what was found by which rule, how often, and the bytes (decoded) that were replaced");
  CLI::Option* report =
      command->add_flag("--report-only", options->report_only, "JSON: what would be masked, without the text");
  CLI::Option* config = command->add_option("--config", options->configuration,
                                            "Also by this configuration's masking rules; what each found");
  command->add_option("--target", options->target, "With --config: the rules of this target; default those of all");
  command
      ->add_option("--bench", options->bench.corpus,
                   "Measure the engine on the bodies of this file (lines as for --jsonl, gzip or not)")
      ->excludes(lines)
      ->excludes(explain)
      ->excludes(report)
      ->excludes(config);
  command->add_option("--workers", options->bench.workers, "--bench: also with so many threads at once")
      ->capture_default_str();
  command->add_option("--seconds", options->bench.seconds, "--bench: of each measurement")->capture_default_str();
  command->callback([&context, options] { context.action = [&context, options] { return mask(context, *options); }; });
}

}  // namespace holdpoint::commands
