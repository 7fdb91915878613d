// holdpoint completion bash: from the commands themselves, so that it cannot fall behind.
#include <iostream>

#include "ops/cli/commands/context.hpp"

namespace holdpoint::commands {
namespace {

void cases(const CLI::App& app, const std::string& path) {
  std::string words;
  for (const CLI::App* command : app.get_subcommands({})) words += command->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) words += "--" + name + " ";
  }
  std::cout << "    \"" << path << "\") words=\"" << words << "\" ;;\n";
  for (const CLI::App* command : app.get_subcommands({})) cases(*command, path + " " + command->get_name());
}

Result<void> bash(const CLI::App& app) {
  std::cout << "# source <(holdpoint completion bash)\n"
               "_holdpoint() {\n"
               "  local path=holdpoint word words\n"
               "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
               "    case $word in -*) ;; *) path+=\" $word\" ;; esac\n"
               "  done\n"
               "  case $path in\n";
  cases(app, "holdpoint");
  std::cout << "  esac\n"
               "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
               "}\n"
               "complete -o default -F _holdpoint holdpoint\n";
  return {};
}

}  // namespace

void add_completion(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "completion", "Completion for a shell", "  source <(holdpoint completion bash)");
  group->require_subcommand(1);
  CLI::App* command = add_command(*group, "bash", "A script for bash", "  source <(holdpoint completion bash)");
  command->callback([&app, &context] { context.action = [&app] { return bash(app); }; });
}

}  // namespace holdpoint::commands
