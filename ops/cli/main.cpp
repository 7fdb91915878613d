// The command line `holdpoint`: parses, runs the chosen action, prints its error.
#include <iostream>

#include "bus/config/suggestion.hpp"
#include "ops/cli/commands/context.hpp"

namespace {

using namespace holdpoint;

/// Every command, in the order in which help lists them.
constexpr void (*kGroups[])(CLI::App&, commands::Context&) = {
    commands::add_up,         commands::add_status,      commands::add_doctor,  commands::add_console,
    commands::add_token,      commands::add_configure,   commands::add_reviews, commands::add_sessions,
    commands::add_audit,      commands::add_policy,      commands::add_aws,     commands::add_mask,
    commands::add_config,     commands::add_credentials, commands::add_keys,    commands::add_revoke,
    commands::add_completion,
};

/// What was typed where a command is expected and is none; CLI11 itself only says that one is missing.
std::string unknown_command(const CLI::App& app) {
  const CLI::App* group = &app;
  while (!group->get_subcommands().empty()) group = group->get_subcommands().front();
  const auto words = app.remaining(true);  // what no group knows falls through to the first
  if (words.empty() || words.front().starts_with('-')) return {};
  std::vector<std::string> names;
  for (const CLI::App* each : group->get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(each->get_name());
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return "there is no command \"" + words.front() + "\"" + config::did_you_mean(words.front(), candidates);
}

/// Exit codes: 1 it did not work, 2 it was called wrongly (CLI11 says how), 3 refused.
int exit_code(Code code) { return code == Code::denied || code == Code::rejected || code == Code::tampered ? 3 : 1; }

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Holdpoint: a gateway between agents and the systems they work on.", "holdpoint"};
  commands::Context context;
  app.add_option("--var", context.var, "The deployment's folder; default: $HOLDPOINT_VAR, else var/ of the checkout");
  app.add_flag("--json", context.json, "Output for programs");
  app.set_version_flag("--version", HOLDPOINT_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --json and --var may stand after the command too
  for (const auto add : kGroups) add(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = error.get_name() == "RequiredError" ? unknown_command(app) : std::string();
        !unknown.empty()) {
      std::cerr << "error: " << unknown << "\nRun with --help for those that there are.\n";
      return 2;
    }
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (auto done = context.action(); !done) {
    std::cout.flush();
    std::cerr << "error: " << done.error().context << " [" << name(done.error().code) << "]\n";
    return exit_code(done.error().code);
  }
  return 0;
}
