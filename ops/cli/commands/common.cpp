#include "ops/cli/commands/context.hpp"

namespace holdpoint::commands {

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, what);
  // One without examples of its own shows its group's.
  command->footer(examples.empty() ? parent.get_footer() : "Examples:\n" + examples);
  return command;
}

}  // namespace holdpoint::commands
