// holdpoint audit verify|prove|check|export: the log, judged by code that shares next to nothing with its writer.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>

#include "auditor/verify/verify.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/deployment.hpp"
#include "ops/cli/supervisor/postgres.hpp"

namespace holdpoint::commands {
namespace {

namespace fs = std::filesystem;
using auditor::verify::KeptNote;
using auditor::verify::Problem;
using auditor::verify::Report;

struct AuditOptions {
  std::string database;
  std::vector<std::string> checkpoints;
  std::vector<std::string> keys;
  std::string deployment;
  std::uint64_t index = 0;
  std::uint64_t first = 0;
  std::string entry;
  std::string proof;
};

/// What the auditors of this machine have kept beside the database, in var/auditor-*/checkpoints: who can write to the
/// database alone cannot make these fit.
Result<void> add_kept(const supervisor::Layout& layout, std::vector<KeptNote>& notes) {
  std::error_code error;
  for (const auto& auditor : fs::directory_iterator(layout.var, error)) {
    if (!auditor.path().filename().string().starts_with("auditor-")) continue;
    std::error_code none;
    for (const auto& file : fs::directory_iterator(auditor.path() / "checkpoints", none)) {
      // What is being written has a "." in its name.
      if (file.path().has_extension() || !file.is_regular_file(none)) continue;
      auto note = read_input(file.path().string());
      if (!note) return note.error();
      notes.push_back({"the checkpoint in " + file.path().string(), std::move(*note)});
    }
  }
  return {};
}

/// From the options alone where they say enough, so that an auditor needs no access to var/; else from the deployment.
Result<auditor::verify::Options> options_of(const Context& context, const AuditOptions& given) {
  auditor::verify::Options options;
  for (const auto& key : given.keys) {
    auto bytes = from_base64(key);
    if (!bytes || bytes->size() != 32) return fail(Code::configuration, "--key takes 32 bytes in base64");
    options.public_keys.push_back(std::move(*bytes));
  }
  options.deployment = given.deployment;
  options.database = given.database;
  for (const auto& file : given.checkpoints) {
    auto note = read_input(file);
    if (!note) return note.error();
    options.earlier.push_back({"the checkpoint in " + file, std::move(*note)});
  }
  const auto layout = context.layout();
  if (options.public_keys.empty() || options.deployment.empty()) {
    auto document = deployment::current(layout);
    if (!document) return document.error();
    options.deployment = document->deployment;
    if (auto kept = add_kept(layout, options.earlier); !kept) return kept.error();
    for (const auto& key : document->keys) {
      options.key_names[key.key_id] = key.name;
      if (key.role == wire::Role::auditor) options.public_keys.push_back(key.sign_public);
    }
  }
  if (options.database.empty()) options.database = supervisor::database_dsn(layout, "holdpoint_reader");
  return options;
}

Json problem_json(const Problem& problem) {
  Json json = {{"where", problem.where},
               {"stored", text_json(problem.stored)},
               {"computed", text_json(problem.computed)},
               {"text", problem.text}};
  if (problem.index) json["index"] = *problem.index;
  if (!problem.type.empty()) json["type"] = problem.type;
  if (!problem.operation.empty()) json["operation"] = problem.operation;
  return json;
}

void print_report(const Report& report) {
  std::cout << report.entries << " entries of " << report.sources << " sources, " << report.checkpoints
            << " checkpoints, the last at " << report.checkpoint_size << "\nroot " << to_base64(view(report.root))
            << "\n";
  if (report.quarantined > 0) std::cout << report.quarantined << " entries are in quarantine, no view shows them\n";
  for (const auto& entry : report.quarantine) {
    std::cout << "quarantine: entry " << entry.index << " " << entry.type << " of operation " << entry.operation << ": "
              << entry.reason << "\n";
  }
  if (report.dropped > 0) std::cout << report.dropped << " entries were removed by retention; their hashes hold\n";
  for (const auto& removal : report.removals) std::cout << "removed: " << removal << "\n";
  for (const auto& note : report.notes) std::cout << "note: " << display(note) << "\n";
  for (const auto& problem : report.problems) {
    std::cout << "ALTERED";
    if (problem.index) std::cout << " entry " << *problem.index;
    if (!problem.type.empty()) std::cout << " " << problem.type;
    if (!problem.operation.empty()) std::cout << " of operation " << problem.operation;
    std::cout << " (" << problem.where << "): " << problem.text << "\n";
  }
  if (report.intact()) std::cout << "The log is intact.\n";
}

Result<void> verify(const Context& context, const AuditOptions& given) {
  auto options = options_of(context, given);
  if (!options) return options.error();
  auto report = auditor::verify::verify(*options);
  if (!report) return report.error();
  if (context.json) {
    Json problems = Json::array();
    for (const auto& problem : report->problems) problems.push_back(problem_json(problem));
    Json quarantine = Json::array();
    for (const auto& entry : report->quarantine) {
      quarantine.push_back(
          Json{{"index", entry.index}, {"type", entry.type}, {"operation", entry.operation}, {"reason", entry.reason}});
    }
    print_json({{"intact", report->intact()},
                {"entries", report->entries},
                {"root", to_base64(view(report->root))},
                {"checkpoints", report->checkpoints},
                {"checkpoint_size", report->checkpoint_size},
                {"sources", report->sources},
                {"quarantined", report->quarantined},
                {"quarantine", quarantine},
                {"dropped", report->dropped},
                {"removals", report->removals},
                {"problem_count", report->problem_count},
                {"problems", problems},
                {"notes", report->notes}});
  } else {
    print_report(*report);
  }
  if (report->intact()) return {};
  return fail(Code::tampered, "the log is not what was written: " + std::to_string(report->problem_count) +
                                  " things do not fit. Keep this database as evidence, and compare with a backup.");
}

Result<void> prove(const Context& context, const AuditOptions& given) {
  auto options = options_of(context, given);
  if (!options) return options.error();
  auto proof = auditor::verify::prove(*options, given.index);
  if (!proof) return proof.error();
  std::cout << auditor::verify::proof_to_text(*proof);
  if (given.entry.empty()) return {};
  std::ofstream file(given.entry, std::ios::binary | std::ios::trunc);
  file << proof->entry;
  file.close();
  if (!file) return fail(Code::configuration, given.entry + " cannot be written");
  return {};
}

Result<void> check(const Context& context, const AuditOptions& given) {
  auto options = options_of(context, given);
  if (!options) return options.error();
  auto proof = read_input(given.proof);
  if (!proof) return proof.error();
  auto entry = read_input(given.entry);
  if (!entry) return entry.error();
  if (auto fits = auditor::verify::check_proof(*proof, *entry, options->public_keys); !fits) return fits.error();
  std::cout << "The entry is in the log, under a checkpoint that an auditor of this deployment signed.\n";
  return {};
}

Result<void> export_log(const Context& context, const AuditOptions& given) {
  auto options = options_of(context, given);
  if (!options) return options.error();
  auto count = auditor::verify::export_entries(*options, given.first, [](std::string_view line) {
    std::cout << line << "\n";
    return static_cast<bool>(std::cout);
  });
  if (!count) return count.error();
  std::cerr << *count << " entries\n";
  return {};
}

}  // namespace

void add_audit(CLI::App& app, Context& context) {
  CLI::App* group = add_command(
      app, "audit", "The log: is it intact, what is in it",
      "  holdpoint audit verify\n"
      "  holdpoint audit verify --database 'host=… user=holdpoint_reader' --deployment 019a… \\\n"
      "                         --key BASE64 --checkpoint kept.note     # without access to var/\n"
      "  holdpoint audit prove 42 --entry entry.json > entry.proof\n"
      "  holdpoint audit export --first 1000 > log.jsonl\n\n"
      "verify proves, up to the last signed checkpoint, that no entry was altered, left out, put in, exchanged\n"
      "or cut off, and that the views show what the log holds. It compares with the checkpoints in the\n"
      "database, those in var/auditor-*/checkpoints, and --checkpoint. It cannot prove what came after the\n"
      "last checkpoint, who put an entry at the end while no auditor was writing, received_at, or that what\n"
      "is listed as removed by retention or as quarantined was that.");
  group->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();
  using Action = Result<void> (*)(const Context&, const AuditOptions&);
  const auto command = [&](const std::string& name, const std::string& what, Action action) {
    CLI::App* made = add_command(*group, name, what);
    made->add_option("--database", options->database, "Connection string; default: the private cluster");
    made->add_option("--key", options->keys, "An auditor's public key, base64; default: the deployment's");
    made->add_option("--deployment", options->deployment, "Its id; default: the one in var/");
    made->callback([&context, options, action] {
      context.action = [&context, options, action] { return action(context, *options); };
    });
    return made;
  };
  CLI::App* verifying =
      command("verify", "Recompute everything; names what was altered, by index, type and operation", verify);
  verifying->add_option("--checkpoint", options->checkpoints,
                        "A checkpoint kept elsewhere: shows a log cut off or written anew");
  CLI::App* proving = command("prove", "A proof that one entry is in the log", prove);
  proving->add_option("index", options->index, "As audit.entries counts, from 0")
      ->required()
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  proving->add_option("--entry", options->entry, "Also write the entry's bytes to this file");
  CLI::App* checking = command("check", "Check a proof, with nothing but the public key", check);
  checking->add_option("proof", options->proof)->required();
  checking->add_option("entry", options->entry)->required();
  CLI::App* exporting = command("export", "Entries as JSON lines", export_log);
  exporting->add_option("--first", options->first, "Index to begin at")->capture_default_str();
}

}  // namespace holdpoint::commands
