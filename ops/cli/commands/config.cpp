// holdpoint config lint|apply|show|tls, holdpoint targets list
#include <iostream>
#include <memory>

#include "bus/config/private_file.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/certificate.hpp"
#include "ops/cli/deployment/deployment.hpp"
#include "ops/cli/deployment/masking.hpp"

namespace holdpoint::commands {
namespace {

struct ConfigOptions {
  std::string file;
  bool self_signed = false;
  std::vector<std::string> names{"localhost", "127.0.0.1"};
  std::string folder;
};

/// The file given, else the one that the supervisor runs with.
Result<std::filesystem::path> configuration_file(const Context& context, const ConfigOptions& options) {
  if (!options.file.empty()) return std::filesystem::path(options.file);
  if (auto allowed = deployment::check_access(context.layout()); !allowed && allowed.error().code == Code::denied)
    return allowed.error();
  if (auto text = config::read_private_file(context.layout().state())) {
    if (auto state = parse_json(*text)) {
      const std::string file = string_or(*state, "configuration");
      if (!file.empty()) return std::filesystem::path(file);
    }
  }
  return fail(Code::configuration, "which file? Nothing runs that would tell: holdpoint config … FILE");
}

Result<void> lint_config(const Context& context, const ConfigOptions& options) {
  auto file = configuration_file(context, options);
  if (!file) return file.error();
  auto document = deployment::read_configuration(*file);
  if (!document) return document.error();
  std::cout << file->string() << ": no errors (" << document->targets.size() << " targets, " << document->roles.size()
            << " roles, " << document->reviewers.size() << " groups of reviewers)\n";
  for (const auto& rule : deployment::all_mask_rules(document->masking))
    std::cout << "masks " << deployment::describe(rule) << "\n";
  return {};
}

Result<void> apply(const Context& context, const ConfigOptions& options) {
  auto file = configuration_file(context, options);
  if (!file) return file.error();
  const auto layout = context.layout();
  auto version = deployment::issue(layout, deployment::from_file(layout, *file));
  if (!version) return version.error();
  auto distributed = deployment::distribute(layout);
  if (!distributed) return distributed.error();
  std::cout << "Version " << *version << (*distributed ? " is in force.\n" : " is kept; nothing runs yet.\n");
  auto document = deployment::current(layout);
  if (!document) return document.error();
  for (const auto& warning : deployment::warnings(*document)) std::cerr << "warning: " << warning << "\n";
  return {};
}

/// As distributed, without what is sealed.
Result<void> show_config(const Context& context) {
  auto document = deployment::current(context.layout());
  if (!document) return document.error();
  for (auto& credential : document->sealed_credentials) credential.second = "sealed";
  for (auto& key : document->session_keys) key.sealed = "sealed";
  auto json = parse_json(config::document_to_json(*document));
  if (!json) return json.error();
  print_json(*json);
  return {};
}

Result<void> tls(const Context& context, const ConfigOptions& options) {
  if (!options.self_signed) {
    return fail(Code::configuration,
                "only --self-signed is made here; name a certificate of your own in the file: gateway.tls");
  }
  const std::filesystem::path folder =
      options.folder.empty() ? context.layout().var / "tls" : std::filesystem::path(options.folder);
  if (auto layout = context.layout(); options.folder.empty()) {
    if (auto allowed = deployment::check_access(layout); !allowed) return allowed.error();
  }
  auto made = deployment::make_self_signed(folder, options.names);
  if (!made) return made.error();
  std::cout << "certificate  " << made->certificate.string() << "\nkey          " << made->key.string()
            << "\n\nIn the configuration file:\n  gateway: { tls: { certificate: " << made->certificate.string()
            << ", key: " << made->key.string()
            << " } }\n\nClients trust it by a copy that they can read:\n  install -m 644 " << made->certificate.string()
            << " /usr/local/share/ca-certificates/holdpoint.crt\n"
            << "  export AWS_CA_BUNDLE=/usr/local/share/ca-certificates/holdpoint.crt   # Node: NODE_EXTRA_CA_CERTS\n";
  return {};
}

Result<void> list_targets(const Context& context) {
  auto document = deployment::current(context.layout());
  if (!document) return document.error();
  Json rows_json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& target : document->targets) {
    const bool set = document->sealed_credentials.contains(target.credentials);
    Json endpoints = Json::object();
    for (const auto& [service, url] : target.endpoints) endpoints[service] = url;
    Json row = {{"name", target.name},       {"type", target.type},     {"account", target.account},
                {"regions", target.regions}, {"assume", target.assume}, {"credentials", target.credentials},
                {"credentials_set", set},    {"endpoints", endpoints}};
    rows.push_back({target.name, target.type, target.account, cell(row, "regions"),
                    target.credentials + (set ? "" : " (not set)"),
                    target.endpoints.empty() ? "AWS" : cell(row, "endpoints")});
    rows_json.push_back(std::move(row));
  }
  if (context.json) {
    print_json(rows_json);
  } else {
    print_table({"TARGET", "TYPE", "ACCOUNT", "REGIONS", "CREDENTIALS", "ENDPOINTS"}, rows, "No targets.");
  }
  return {};
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "config", "The configuration file",
                                "  holdpoint config lint holdpoint.yaml\n  holdpoint config apply");
  group->require_subcommand(1);
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* linting = add_command(*group, "lint", "Every error, with file, line and what was expected",
                                  "  holdpoint config lint holdpoint.yaml");
  linting->add_option("file", options->file);
  linting->callback(
      [&context, options] { context.action = [&context, options] { return lint_config(context, *options); }; });
  CLI::App* applying = add_command(*group, "apply", "Sign it as the next version and put it in force",
                                   "  holdpoint config apply holdpoint.yaml");
  applying->add_option("file", options->file);
  applying->callback(
      [&context, options] { context.action = [&context, options] { return apply(context, *options); }; });
  CLI::App* showing = add_command(*group, "show", "The document in force", "  holdpoint --json config show");
  showing->callback([&context] { context.action = [&context] { return show_config(context); }; });
  CLI::App* certificates = add_command(*group, "tls", "A certificate for the gateway",
                                       "  holdpoint config tls --self-signed --names gateway.internal,10.0.0.5");
  certificates->add_flag("--self-signed", options->self_signed);
  certificates->add_option("--names", options->names, "Host names and addresses")
      ->delimiter(',')
      ->capture_default_str();
  certificates->add_option("--folder", options->folder, "Where to write; default var/tls");
  certificates->callback(
      [&context, options] { context.action = [&context, options] { return tls(context, *options); }; });

  CLI::App* targets = add_command(app, "targets", "Systems that the gateway reaches", "  holdpoint targets list");
  targets->require_subcommand(1);
  CLI::App* listing =
      add_command(*targets, "list", "Targets of the configuration in force", "  holdpoint targets list");
  listing->callback([&context] { context.action = [&context] { return list_targets(context); }; });
}

}  // namespace holdpoint::commands
