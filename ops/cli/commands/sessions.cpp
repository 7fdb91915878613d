// holdpoint sessions list|show|replay, holdpoint operations list
#include <iostream>
#include <memory>

#include "bus/base/encoding.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/bus_client.hpp"

namespace holdpoint::commands {
namespace {

struct SessionsOptions {
  std::string session;
  std::string principal;
  int limit = 50;
};

Result<Json> ask_log(const Context& context, const std::string& type, const Json& body, const std::string& member) {
  auto answer = deployment::ask_bus(context.layout(), "log", {type, body});
  if (!answer) return answer.error();
  return answer->body.value(member, Json::array());
}

Result<void> list_sessions(const Context& context, const SessionsOptions& options) {
  Json question = {{"limit", options.limit}};
  if (!options.principal.empty()) question["principal"] = options.principal;
  auto sessions = ask_log(context, "SessionsRequested", question, "sessions");
  if (!sessions) return sessions.error();
  if (context.json) {
    print_json(*sessions);
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& session : *sessions) {
    rows.push_back({cell(session, "session_id"), cell(session, "principal"), cell(session, "role_arn"),
                    short_time(cell(session, "started_at")), cell(session, "operations"), cell(session, "denied"),
                    cell(session, "held")});
  }
  print_table({"SESSION", "WHO", "ROLE", "STARTED (UTC)", "OPERATIONS", "DENIED", "HELD"}, rows, "No sessions yet.");
  return {};
}

Result<Json> operations_of(const Context& context, const SessionsOptions& options) {
  Json question = {{"limit", options.limit}};
  if (!options.session.empty()) question["session_id"] = options.session;
  return ask_log(context, "OperationsRequested", question, "operations");
}

Result<void> list_operations(const Context& context, const SessionsOptions& options) {
  auto operations = operations_of(context, options);
  if (!operations) return operations.error();
  if (context.json) {
    print_json(*operations);
    return {};
  }
  if (operations->empty() && !options.session.empty())
    return fail(Code::not_found, "no operation of session " + display(options.session));
  std::vector<std::vector<std::string>> rows;
  for (const auto& operation : *operations) {
    rows.push_back({short_time(cell(operation, "time")),
                    cell(operation, "service") + ":" + cell(operation, "operation"), cell(operation, "resources"),
                    cell(operation, "decision"), cell(operation, "status"), cell(operation, "wait_ms"),
                    cell(operation, "principal"), cell(operation, "reason")});
  }
  print_table({"TIME (UTC)", "OPERATION", "RESOURCES", "DECISION", "STATUS", "WAIT MS", "WHO", "REASON"}, rows,
              "No operations yet.");
  return {};
}

/// The session as it happened, oldest first: each call, its decision, its wait, its answer.
Result<void> replay(const Context& context, const SessionsOptions& options) {
  auto operations = operations_of(context, options);
  if (!operations) return operations.error();
  if (context.json) {
    print_json(*operations);
    return {};
  }
  if (operations->empty()) return fail(Code::not_found, "no operation of session " + display(options.session));
  for (auto operation = operations->rbegin(); operation != operations->rend(); ++operation) {
    std::cout << display(short_time(cell(*operation, "time"))) << "  " << display(cell(*operation, "service")) << ":"
              << display(cell(*operation, "operation")) << "  " << display(cell(*operation, "resources")) << "\n"
              << "    " << display(cell(*operation, "decision"));
    if (cell(*operation, "wait_ms") != "-") std::cout << ", waited " << display(cell(*operation, "wait_ms")) << " ms";
    if (cell(*operation, "status") != "-") std::cout << ", answered " << display(cell(*operation, "status"));
    if (cell(*operation, "reason") != "-") std::cout << "\n    " << display(cell(*operation, "reason"));
    if (cell(*operation, "findings") != "-") std::cout << "\n    masked: " << display(cell(*operation, "findings"));
    std::cout << "\n";
  }
  return {};
}

}  // namespace

void add_sessions(CLI::App& app, Context& context) {
  auto options = std::make_shared<SessionsOptions>();
  CLI::App* group = add_command(app, "sessions", "What agents did, session by session",
                                "  holdpoint sessions list\n  holdpoint sessions replay 019a…");
  group->require_subcommand(1);
  CLI::App* listing =
      add_command(*group, "list", "Sessions, newest first", "  holdpoint sessions list --principal local:agent-7");
  listing->add_option("--principal", options->principal, "Only of this principal (issuer:subject)");
  listing->add_option("--limit", options->limit)->check(CLI::Range(1, 1000))->capture_default_str();
  listing->callback(
      [&context, options] { context.action = [&context, options] { return list_sessions(context, *options); }; });
  CLI::App* showing = add_command(*group, "show", "The operations of one session", "  holdpoint sessions show 019a…");
  showing->add_option("session", options->session)->required();
  showing->callback(
      [&context, options] { context.action = [&context, options] { return list_operations(context, *options); }; });
  CLI::App* replaying =
      add_command(*group, "replay", "One session as it happened", "  holdpoint sessions replay 019a…");
  replaying->add_option("session", options->session)->required();
  replaying->callback([&context, options] {
    options->limit = 1000;
    context.action = [&context, options] { return replay(context, *options); };
  });

  CLI::App* operations = add_command(app, "operations", "Single operations", "  holdpoint operations list --limit 20");
  operations->require_subcommand(1);
  CLI::App* all =
      add_command(*operations, "list", "Operations, newest first", "  holdpoint operations list --limit 20");
  all->add_option("--session", options->session, "Only of this session");
  all->add_option("--limit", options->limit)->check(CLI::Range(1, 1000))->capture_default_str();
  all->callback(
      [&context, options] { context.action = [&context, options] { return list_operations(context, *options); }; });
}

}  // namespace holdpoint::commands
