#include "ops/cli/commands/context.hpp"

namespace holdpoint::commands {

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, what);
  if (!examples.empty()) command->footer("Examples:\n" + examples);
  return command;
}

}  // namespace holdpoint::commands
