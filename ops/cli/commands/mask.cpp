// holdpoint mask: the masking engine offline, on a file or line by line.
#include "masker/mask.hpp"

#include <iostream>
#include <memory>

#include "masker/offline.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"

namespace holdpoint::commands {
namespace {

struct MaskOptions {
  std::string file = "-";
  bool lines = false;
  masker::MaskInput input;
};

Result<void> mask(const Context& context, const MaskOptions& options) {
  if (options.lines) return answer_lines(masker::mask_line);
  auto bytes = read_input(options.file);
  if (!bytes) return bytes.error();
  const auto masked = masker::mask(options.input, *bytes);
  if (!masked.blocked.empty()) return fail(Code::denied, "cannot be inspected: " + masked.blocked);
  if (!context.json) {
    std::cout << masked.bytes;
    return {};
  }
  Json findings = Json::array();
  for (const auto& finding : masked.findings) {
    findings.push_back({{"class", std::string(masker::name(finding.kind))},
                        {"rule", finding.rule},
                        {"path", finding.path},
                        {"count", finding.count}});
  }
  print_json({{"changed", masked.changed}, {"findings", findings}, {"text", text_json(masked.bytes)}});
  return {};
}

}  // namespace

void add_mask(CLI::App& app, Context& context) {
  auto options = std::make_shared<MaskOptions>();
  options->input.content_type = "text/plain";
  CLI::App* command = add_command(app, "mask", "Mask a file or standard input, offline",
                                  "  holdpoint mask answer.json --content-type application/json --service dynamodb\n"
                                  "  holdpoint --json mask log.txt\n  holdpoint mask --jsonl < bodies.jsonl");
  command->add_option("file", options->file, "- is standard input")->capture_default_str();
  command->add_flag("--jsonl", options->lines, "A JSON object per line of standard input, one per line out");
  command->add_option("--content-type", options->input.content_type)->capture_default_str();
  command->add_option("--service", options->input.service, "For the members that AWS models mark, e.g. dynamodb");
  command->add_option("--operation", options->input.operation, "e.g. GetItem");
  command->callback([&context, options] { context.action = [&context, options] { return mask(context, *options); }; });
}

}  // namespace holdpoint::commands
