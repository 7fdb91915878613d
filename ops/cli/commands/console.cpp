// holdpoint console: a link that opens the console once.
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/bus_client.hpp"
#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::commands {
namespace {

struct ConsoleOptions {
  std::string reviewer;
  std::vector<std::string> groups{"sre"};
  std::string address;
  std::string token_file;
};

/// As told, else where this machine's console was started.
std::string address_of(const supervisor::Layout& layout, const ConsoleOptions& options) {
  if (!options.address.empty()) return options.address;
  const auto state = supervisor::read_left_state(layout);
  if (state && !state->console.empty()) return state->console;
  return "127.0.0.1:" + std::to_string(HOLDPOINT_CONSOLE_PORT);
}

Result<void> link(const Context& context, const ConsoleOptions& options) {
  const auto layout = context.layout();
  Result<std::string> token = fail(Code::configuration, "say who opens it: --as NAME, or --token-file FILE");
  if (!options.token_file.empty()) {
    token = read_input(options.token_file);
    while (token && !token->empty() && token->back() == '\n') token->pop_back();
  } else if (!options.reviewer.empty()) {
    token = deployment::mint_token(layout, {.subject = options.reviewer,
                                            .groups = options.groups,
                                            .audience = std::string(identity::kReviewAudience),
                                            .ttl = std::chrono::minutes(2)});
  }
  if (!token) return token.error();
  auto answer = deployment::ask_bus(layout, "reviews", {"ConsoleLinkRequested", {{"token", *token}}});
  if (!answer) return answer.error();
  const std::string url = "http://" + address_of(layout, options) + string_or(answer->body, "path");
  if (context.json) {
    print_json({{"url", url}});
  } else {
    std::cout << url << "\n";
  }
  return {};
}

}  // namespace

void add_console(CLI::App& app, Context& context) {
  auto options = std::make_shared<ConsoleOptions>();
  CLI::App* command = add_command(app, "console", "A link that opens the console in a browser, once",
                                  "  holdpoint console --as alice\n  holdpoint console --as bob --groups sre,oncall");
  command->add_option("--as", options->reviewer, "A subject of the embedded issuer (needs its key)");
  command->add_option("--groups", options->groups, "Groups of --as")->delimiter(',')->capture_default_str();
  command->add_option("--token-file", options->token_file, "A token of your identity provider");
  command->add_option("--address", options->address, "Where the console listens; default: where `up` started it");
  command->callback([&context, options] { context.action = [&context, options] { return link(context, *options); }; });
}

}  // namespace holdpoint::commands
