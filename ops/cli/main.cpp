// The command line `holdpoint`: parses, runs the chosen action, prints its error.
#include <iostream>

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
