// holdpoint revoke: the kill switch. Every gateway refuses what is named within a second, parked calls included.
#include <algorithm>
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/deployment.hpp"

namespace holdpoint::commands {
namespace {

struct RevokeOptions {
  std::string kind;
  std::string name;
  bool undo = false;
};

std::vector<std::string>& list_of(config::Revocations& revoked, const std::string& kind) {
  if (kind == "principal") return revoked.principals;
  if (kind == "session") return revoked.sessions;
  if (kind == "role") return revoked.roles;
  return revoked.targets;
}

Result<void> revoke(const Context& context, const RevokeOptions& options) {
  const auto layout = context.layout();
  auto version = deployment::issue(layout, [&](config::Document& document) -> Result<void> {
    auto& names = list_of(document.revoked_by_hand, options.kind);
    const auto found = std::find(names.begin(), names.end(), options.name);
    if (options.undo) {
      const auto& in_file = list_of(document.revoked_in_file, options.kind);
      if (std::find(in_file.begin(), in_file.end(), options.name) != in_file.end()) {
        return fail(Code::conflict, "the configuration file revokes the " + options.kind + " " + options.name +
                                        "; take it out there, under `revoked`");
      }
      if (found == names.end()) {
        return fail(Code::not_found, "the " + options.kind + " " + options.name + " is not revoked");
      }
      names.erase(found);
    } else if (found == names.end()) {
      names.push_back(options.name);
    }
    deployment::combine_revocations(document);
    return {};
  });
  if (!version) return version.error();
  auto distributed = deployment::distribute(layout);
  if (!distributed) return distributed.error();
  std::cout << "The " << options.kind << " " << options.name << (options.undo ? " is admitted again" : " is revoked")
            << ", version " << *version << ".\n";
  return {};
}

}  // namespace

void add_revoke(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "revoke", "Refuse a principal, session, role or target from now on",
                                "  holdpoint revoke principal local:agent-7\n  holdpoint revoke session 019a…\n"
                                "  holdpoint revoke principal local:agent-7 --undo");
  group->require_subcommand(1);
  for (const std::string kind : {"principal", "session", "role", "target"}) {
    auto options = std::make_shared<RevokeOptions>();
    options->kind = kind;
    CLI::App* command = add_command(*group, kind, "Refuse this " + kind);
    command->add_option("name", options->name, kind == "principal" ? "issuer:subject" : "As `list` shows it")
        ->required();
    command->add_flag("--undo", options->undo, "Admit it again");
    command->callback(
        [&context, options] { context.action = [&context, options] { return revoke(context, *options); }; });
  }
}

}  // namespace holdpoint::commands
