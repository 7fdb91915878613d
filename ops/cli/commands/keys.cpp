// holdpoint keys issue|revoke|list: who may sit on the bus.
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/deployment.hpp"

namespace holdpoint::commands {
namespace {

struct KeysOptions {
  std::string role;
  std::string name;
  std::string bus;
  std::string file;
};

Result<void> announce(const supervisor::Layout& layout) {
  auto distributed = deployment::distribute(layout);
  if (!distributed) return distributed.error();
  return {};
}

Result<void> issue_key(const Context& context, const KeysOptions& options) {
  const auto role = wire::role_from_name(options.role);
  if (!role) return fail(Code::configuration, "no role is called " + options.role);
  const auto layout = context.layout();
  const std::string file = options.file.empty() ? options.name + ".json" : options.file;
  auto issued = deployment::issue_identity(layout, {*role, options.name}, options.bus, file);
  if (!issued) return issued.error();
  if (auto announced = announce(layout); !announced) return announced.error();
  std::cout << "Identity of " << options.name << " (" << options.role << "): " << issued->string()
            << "\nIt holds secret keys: copy it to the other host over a channel that you trust, mode 0600.\n";
  if (*role == wire::Role::frontend || *role == wire::Role::op) {
    std::cout << "Your program reads it and connects to the bus: bus/PROTOCOL.md, ops/examples/frontend.py.\n";
  } else {
    std::cout << "There: holdpoint-" << options.role << " --identity " << issued->filename().string() << "\n";
  }
  return {};
}

Result<void> revoke_key(const Context& context, const KeysOptions& options) {
  const auto layout = context.layout();
  auto version = deployment::issue(layout, [&](config::Document& document) -> Result<void> {
    bool found = false;
    for (auto& key : document.keys) {
      if (key.name != options.name && key.key_id != options.name) continue;
      key.revoked = true;
      found = true;
    }
    if (!found) return fail(Code::not_found, "no key is called " + options.name + ": holdpoint keys list");
    return {};
  });
  if (!version) return version.error();
  if (auto announced = announce(layout); !announced) return announced.error();
  std::cout << "Keys of " << options.name << " are revoked, version " << *version << ".\n";
  return {};
}

Result<void> list_keys(const Context& context) {
  auto document = deployment::current(context.layout());
  if (!document) return document.error();
  std::vector<std::vector<std::string>> rows;
  Json json = Json::array();
  for (const auto& key : document->keys) {
    const std::string role(wire::name(key.role));
    rows.push_back({key.key_id, key.name, role, key.revoked ? "revoked" : "valid"});
    json.push_back({{"key_id", key.key_id}, {"name", key.name}, {"role", role}, {"revoked", key.revoked}});
  }
  if (context.json) {
    print_json(json);
  } else {
    print_table({"KEY", "NAME", "ROLE", "STATE"}, rows, "No keys.");
  }
  return {};
}

}  // namespace

void add_keys(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "keys", "Who may sit on the bus",
                                "  holdpoint keys issue gateway gateway-2 --bus tcp://10.0.0.5:7440\n"
                                "  holdpoint keys revoke gateway-2\n  holdpoint keys list");
  group->require_subcommand(1);
  auto options = std::make_shared<KeysOptions>();
  CLI::App* issuing = add_command(*group, "issue", "The identity file of a process on another host, or of a plug-in",
                                  "  holdpoint keys issue gateway gateway-2 --bus tcp://10.0.0.5:7440");
  issuing->add_option("role", options->role)
      ->required()
      ->check(CLI::IsMember({"gateway", "approvals", "masker", "auditor", "frontend", "operator"}));
  issuing->add_option("name", options->name, "Unique in the deployment")->required();
  issuing->add_option("--bus", options->bus, "What it connects to; default: this machine's socket");
  issuing->add_option("--file", options->file, "Where to write; default NAME.json");
  issuing->callback(
      [&context, options] { context.action = [&context, options] { return issue_key(context, *options); }; });
  CLI::App* revoking =
      add_command(*group, "revoke", "A key is refused from now on", "  holdpoint keys revoke gateway-2");
  revoking->add_option("name", options->name, "Name or key id")->required();
  revoking->callback(
      [&context, options] { context.action = [&context, options] { return revoke_key(context, *options); }; });
  CLI::App* listing = add_command(*group, "list", "All keys", "  holdpoint keys list");
  listing->callback([&context] { context.action = [&context] { return list_keys(context); }; });
}

}  // namespace holdpoint::commands
