// holdpoint credentials set|list: what the gateways sign with upstream, sealed so that only they can open it.
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "bus/base/json.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/deployment.hpp"

namespace holdpoint::commands {
namespace {

struct CredentialsOptions {
  std::string name;
  std::string access_key_id;
};

/// One line of standard input, not shown while it is typed.
std::string read_secret(const std::string& prompt) {
  termios before{};
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    std::cerr << prompt << ": " << std::flush;
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  return line;
}

/// Standard input is a JSON object, or the secret access key (and then the session token, if any) line by line.
Result<Json> read_credentials(const CredentialsOptions& options) {
  std::string first = read_secret("secret access key");
  if (first.starts_with("{")) {
    std::string rest(std::istreambuf_iterator<char>(std::cin), {});
    return deployment::parse_credentials(first + "\n" + rest);
  }
  if (options.access_key_id.empty() || first.empty()) {
    return fail(Code::configuration,
                "give --access-key-id, and the secret access key on standard input; or a JSON object "
                "{\"access_key_id\",\"secret_access_key\",\"session_token\"} on standard input");
  }
  Json json = {{"access_key_id", options.access_key_id}, {"secret_access_key", first}};
  std::string token;
  if (::isatty(STDIN_FILENO) == 0 && std::getline(std::cin, token) && !token.empty()) json["session_token"] = token;
  return json;
}

Result<void> set(const Context& context, const CredentialsOptions& options) {
  auto credentials = read_credentials(options);
  if (!credentials) return credentials.error();
  const auto layout = context.layout();
  auto version = deployment::issue(layout, [&](config::Document& document) -> Result<void> {
    document.sealed_credentials[options.name] = seal_to(document.group_public, to_json(*credentials));
    return {};
  });
  if (!version) return version.error();
  auto distributed = deployment::distribute(layout);
  if (!distributed) return distributed.error();
  std::cout << "Credentials `" << options.name << "` are sealed to the gateways, version " << *version
            << (*distributed ? "; the next request uses them.\n" : ".\n");
  return {};
}

Result<void> list_credentials(const Context& context) {
  auto document = deployment::current(context.layout());
  if (!document) return document.error();
  std::vector<std::vector<std::string>> rows;
  Json json = Json::array();
  for (const auto& [name, box] : document->sealed_credentials) {
    rows.push_back({name});
    json.push_back({{"name", name}});
  }
  if (context.json) {
    print_json(json);
  } else {
    print_table({"CREDENTIALS"}, rows, "No credentials are set.");
  }
  return {};
}

}  // namespace

void add_credentials(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "credentials", "What the gateways sign with upstream",
                                "  holdpoint credentials set prod-gateway < keys.json\n  holdpoint credentials list");
  group->require_subcommand(1);
  auto options = std::make_shared<CredentialsOptions>();
  CLI::App* setting = add_command(*group, "set", "Seal credentials; the secret is read from standard input",
                                  "  holdpoint credentials set prod-gateway --access-key-id AKIA… < secret\n"
                                  "  aws-vault … | holdpoint credentials set prod-gateway      # a JSON object");
  setting->add_option("name", options->name, "As targets call them in the configuration")->required();
  setting->add_option("--access-key-id", options->access_key_id);
  setting->callback([&context, options] { context.action = [&context, options] { return set(context, *options); }; });
  CLI::App* listing =
      add_command(*group, "list", "Names of the credentials that are set", "  holdpoint credentials list");
  listing->callback([&context] { context.action = [&context] { return list_credentials(context); }; });
}

}  // namespace holdpoint::commands
