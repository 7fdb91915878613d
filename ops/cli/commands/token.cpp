// holdpoint token issue
#include <iostream>
#include <memory>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"

namespace holdpoint::commands {
namespace {

struct TokenOptions {
  std::string subject;
  std::vector<std::string> groups;
  std::string ttl = "1h";
  bool reviewer = false;
};

Result<void> issue_token(const Context& context, const TokenOptions& options) {
  const auto ttl = parse_duration(options.ttl);
  if (!ttl)
    return fail(Code::configuration, "--ttl " + options.ttl + " is not a duration (15m, 1h, 2d; ten years at most)");
  auto token = deployment::mint_token(
      context.layout(),
      {.subject = options.subject,
       .groups = options.groups,
       .audience = std::string(options.reviewer ? identity::kReviewAudience : identity::kAgentAudience),
       .ttl = *ttl});
  if (!token) return token.error();
  if (context.json) {
    print_json({{"token", *token}, {"expires_at", to_rfc3339(system_now() + *ttl)}});
  } else {
    std::cout << *token << "\n";
  }
  return {};
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "token", "Tokens of the embedded issuer",
                                "  holdpoint token issue --subject agent-7 --groups agents > token.jwt");
  group->require_subcommand(1);
  auto options = std::make_shared<TokenOptions>();
  CLI::App* issuing = add_command(*group, "issue", "A signed token, on standard output",
                                  "  holdpoint token issue --subject agent-7 --groups builders > token\n"
                                  "  holdpoint token issue --subject alice --groups sre --reviewer --ttl 8h");
  issuing->add_option("--subject", options->subject, "Who the bearer is")->required();
  issuing->add_option("--groups", options->groups, "Groups, separated by commas")->delimiter(',');
  issuing->add_option("--ttl", options->ttl, "How long it is good")->capture_default_str();
  issuing->add_flag("--reviewer", options->reviewer, "For votes, not for an agent's login");
  issuing->callback(
      [&context, options] { context.action = [&context, options] { return issue_token(context, *options); }; });
}

}  // namespace holdpoint::commands
