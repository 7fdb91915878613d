// holdpoint configure aws: the lines that point a client at the gateway.
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"

namespace holdpoint::commands {
namespace {

struct Options {
  std::string endpoint = "http://127.0.0.1:" + std::to_string(HOLDPOINT_GATEWAY_PORT);
  std::string role;
  std::string token_file = "/path/to/token";
  std::string region = "eu-west-1";
};

Result<void> aws(const Context& context, const Options& options) {
  Json web_identity = {{"AWS_ENDPOINT_URL", options.endpoint},
                       {"AWS_ROLE_ARN", options.role},
                       {"AWS_WEB_IDENTITY_TOKEN_FILE", options.token_file},
                       {"AWS_REGION", options.region},
                       {"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"}};
  Json container = {
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", options.endpoint + "/credentials?role=" + uri_encode(options.role)},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "$(cat " + options.token_file + ")"},
      {"AWS_DEFAULT_REGION", options.region}};
  if (context.json) {
    print_json({{"web_identity", web_identity}, {"container", container}});
    return {};
  }
  std::cout << "# Clients that know AWS_ENDPOINT_URL (boto3 from 1.28, AWS CLI from 1.29 and 2.13, JavaScript v3, Go "
               "v2, Java v2, Rust):\n";
  for (const auto& [name, value] : web_identity.items())
    std::cout << "export " << name << "=" << value.get<std::string>() << "\n";
  std::cout << "\n# Older clients (Debian 12: AWS CLI 2.9, boto3 1.26) log in here, and need --endpoint-url "
            << options.endpoint << " on each command:\n";
  for (const auto& [name, value] : container.items()) {
    std::cout << "export " << name << "=\"" << value.get<std::string>() << "\"\n";
  }
  return {};
}

}  // namespace

void add_configure(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "configure", "How to point a client at the gateway");
  group->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(*group, "aws", "Lines for an agent's environment",
                                  "  holdpoint configure aws --role arn:aws:iam::123456789012:role/coding-agent");
  command->add_option("--role", options->role, "The role that the agent becomes")->required();
  command->add_option("--endpoint", options->endpoint)->capture_default_str();
  command->add_option("--token-file", options->token_file, "Where the agent finds its OIDC token")
      ->capture_default_str();
  command->add_option("--region", options->region)->capture_default_str();
  command->callback([&context, options] { context.action = [&context, options] { return aws(context, *options); }; });
}

}  // namespace holdpoint::commands
