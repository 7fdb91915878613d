// What every command gets: the options that stand before the command, and where to put the action that was chosen.
// CLI11 parses first; main runs the action afterwards, so that an error of ours is printed in one place.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>

#include "bus/base/result.hpp"
#include "ops/cli/supervisor/layout.hpp"

namespace holdpoint::commands {

struct Context {
  std::filesystem::path var;  ///< --var; empty = find_layout decides
  bool json = false;          ///< --json: machine-readable output
  std::function<Result<void>()> action;

  [[nodiscard]] supervisor::Layout layout() const { return supervisor::find_layout(var); }
};

/// A subcommand with its examples below the options.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what,
                      const std::string& examples = {});

// One file per group of commands.
void add_up(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_token(CLI::App& app, Context& context);
void add_reviews(CLI::App& app, Context& context);
void add_sessions(CLI::App& app, Context& context);
void add_audit(CLI::App& app, Context& context);
void add_policy(CLI::App& app, Context& context);
void add_mask(CLI::App& app, Context& context);
void add_aws(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_credentials(CLI::App& app, Context& context);
void add_keys(CLI::App& app, Context& context);
void add_revoke(CLI::App& app, Context& context);
void add_console(CLI::App& app, Context& context);
void add_configure(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

}  // namespace holdpoint::commands
