// holdpoint revoke: the kill switch. Every gateway refuses what is named within a second, parked calls included.
#include <algorithm>
#include <iostream>
#include <memory>

#include "bus/base/id.hpp"
#include "bus/config/suggestion.hpp"
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

std::string example_of(const std::string& kind) {
  if (kind == "principal") return "local:agent-7";
  if (kind == "session") return "019a4c6e-4f43-7d55-8e0f-2b0c1d9d3f6a";
  return kind == "role" ? "arn:aws:iam::123456789012:role/coding-agent" : "prod";
}

/// A name that can mean nobody would be confirmed and do nothing: the kill switch says so instead.
Result<void> check_name(const config::Document& document, const RevokeOptions& options) {
  const auto known = [&](const auto& all, auto name_of, std::string_view listed) -> Result<void> {
    std::vector<std::string_view> names;
    for (const auto& each : all) names.push_back(name_of(each));
    if (std::find(names.begin(), names.end(), options.name) != names.end()) return {};
    return fail(Code::not_found, "no " + options.kind + " of the configuration is called " + display(options.name) +
                                     config::did_you_mean(options.name, names) + " " + std::string(listed));
  };
  if (options.kind == "role")
    return known(
        document.roles, [](const auto& role) { return std::string_view(role.arn); }, "(give its ARN)");
  if (options.kind == "target")
    return known(
        document.targets, [](const auto& target) { return std::string_view(target.name); }, "");
  if (options.kind == "session") {
    if (id_from_text(options.name)) return {};
    return fail(Code::configuration, display(options.name) + " is no session's id: holdpoint sessions list");
  }
  const auto colon = options.name.find(':');
  if (colon == std::string::npos || colon + 1 == options.name.size())
    return fail(Code::configuration, "a principal is issuer:subject, as in local:" + display(options.name));
  for (const auto& issuer : document.issuers) {
    if (options.name.starts_with(issuer.name + ":")) return {};
  }
  return fail(Code::not_found, "no issuer of the configuration begins " + display(options.name));
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
      if (auto meant = check_name(document, options); !meant) return meant;
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
    CLI::App* command =
        add_command(*group, kind, "Refuse this " + kind, "  holdpoint revoke " + kind + " " + example_of(kind));
    command->add_option("name", options->name, kind == "principal" ? "issuer:subject" : "As `list` shows it")
        ->required();
    command->add_flag("--undo", options->undo, "Admit it again");
    command->callback(
        [&context, options] { context.action = [&context, options] { return revoke(context, *options); }; });
  }
}

}  // namespace holdpoint::commands
