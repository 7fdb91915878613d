// holdpoint configure aws: the lines that point a client at the gateway.
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::commands {
namespace {

struct ConfigureOptions {
  std::string endpoint;
  std::string role;
  std::string token_file = "/path/to/token";
  std::string region = "eu-west-1";
  bool web_identity = false;
};

/// For a POSIX shell, whatever the text holds.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// As told, else where this machine's gateways were started.
std::string endpoint_of(const Context& context, const ConfigureOptions& options) {
  if (!options.endpoint.empty()) return options.endpoint;
  const auto state = supervisor::read_left_state(context.layout());
  if (state && !state->gateway.empty()) return state->gateway;
  return "http://127.0.0.1:" + std::to_string(HOLDPOINT_GATEWAY_PORT);
}

/// One set that every client understands: old ones (Debian 12: AWS CLI 2.9, boto3 1.26) take --endpoint-url besides.
/// Never both ways at once: a client that does not know AWS_ENDPOINT_URL would take the token to the real STS.
Result<void> aws(const Context& context, const ConfigureOptions& options) {
  const std::string endpoint = endpoint_of(context, options);
  Json common = {{"AWS_ENDPOINT_URL", endpoint},
                 {"AWS_REGION", options.region},
                 {"AWS_DEFAULT_REGION", options.region},
                 {"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"}};
  Json web_identity = common;
  web_identity["AWS_ROLE_ARN"] = options.role;
  web_identity["AWS_WEB_IDENTITY_TOKEN_FILE"] = options.token_file;
  Json container = common;
  container["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = endpoint + "/credentials?role=" + uri_encode(options.role);
  if (context.json) {
    container["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "$(cat " + shell_quoted(options.token_file) + ")";
    print_json({{"web_identity", web_identity}, {"container", container}});
    return {};
  }
  std::cout
      << (options.web_identity
              ? "# For clients that know AWS_ENDPOINT_URL: boto3 from 1.28, AWS CLI from 1.29 and 2.13, current SDKs\n"
              : "# Clients that do not know AWS_ENDPOINT_URL (Debian 12's) take --endpoint-url besides\n");
  for (const auto& [name, value] : (options.web_identity ? web_identity : container).items())
    std::cout << "export " << name << "=" << shell_quoted(value.get<std::string>()) << "\n";
  if (!options.web_identity)
    std::cout << "export AWS_CONTAINER_AUTHORIZATION_TOKEN=\"$(cat " << shell_quoted(options.token_file) << ")\"\n";
  return {};
}

}  // namespace

void add_configure(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "configure", "How to point a client at the gateway",
                                "  holdpoint configure aws --role arn:aws:iam::123456789012:role/coding-agent");
  group->require_subcommand(1);
  auto options = std::make_shared<ConfigureOptions>();
  CLI::App* command =
      add_command(*group, "aws", "Lines for an agent's environment",
                  "  eval \"$(holdpoint configure aws --role arn:aws:iam::123456789012:role/coding-agent "
                  "--token-file token.jwt)\"\n"
                  "  holdpoint configure aws --role arn:aws:iam::123456789012:role/coding-agent "
                  "--web-identity");
  command->add_option("--role", options->role, "The role that the agent becomes")->required();
  command->add_option("--endpoint", options->endpoint,
                      "Where agents reach the gateway; default: where `up` started it");
  command->add_option("--token-file", options->token_file, "Where the agent finds its OIDC token")
      ->capture_default_str();
  command->add_option("--region", options->region)->capture_default_str();
  command->add_flag("--web-identity", options->web_identity,
                    "Log in by AssumeRoleWithWebIdentity: the token's file is read anew, for long-running agents");
  command->callback([&context, options] { context.action = [&context, options] { return aws(context, *options); }; });
}

}  // namespace holdpoint::commands
