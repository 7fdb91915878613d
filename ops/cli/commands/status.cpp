// holdpoint status: what runs here, and what the bus sees.
#include <iostream>

#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/bus_client.hpp"
#include "ops/cli/supervisor/state.hpp"

namespace holdpoint::commands {
namespace {

Result<void> status(const Context& context) {
  const auto layout = context.layout();
  if (auto allowed = deployment::check_access(layout); !allowed) return allowed.error();
  const auto state = supervisor::read_state(layout);
  Json services = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& service : state ? state->services : std::vector<supervisor::ServiceState>()) {
    services.push_back({{"name", service.name},
                        {"state", service.condition},
                        {"pid", service.pid},
                        {"since", service.since},
                        {"restarts", service.restarts},
                        {"last_exit", service.last_exit}});
    rows.push_back({service.name, service.condition, std::to_string(service.pid), short_time(service.since),
                    std::to_string(service.restarts), service.last_exit.empty() ? "-" : service.last_exit});
  }
  Json bus = nullptr;
  Json gateway = nullptr;
  if (state) {
    auto client = deployment::BusClient::open(layout);
    if (!client) return client.error();
    if (auto answer = client->ask("status", {"StatusRequested"}, std::chrono::seconds(3))) bus = answer->body;
    if (auto answer = client->ask("gateway.status", {"GatewayStatusRequested"}, std::chrono::seconds(3))) {
      gateway = answer->body;
    }
  }
  if (context.json) {
    print_json({{"running", state.has_value()}, {"services", services}, {"bus", bus}, {"gateway", gateway}});
    return {};
  }
  if (!state) {
    std::cout << "Nothing runs for " << layout.var.string() << ". Start it with `holdpoint up`.\n";
    return {};
  }
  print_table({"PROCESS", "STATE", "PID", "SINCE (UTC)", "RESTARTS", "LAST EXIT"}, rows, "No processes.");
  if (!bus.is_null()) {
    std::cout << "\nbus\n";
    print_json(bus);
  }
  if (!gateway.is_null()) {
    std::cout << "\ngateway\n";
    print_json(gateway);
  }
  return {};
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
  CLI::App* command =
      add_command(app, "status", "What runs on this machine", "  holdpoint status\n  holdpoint --json status");
  command->callback([&context] { context.action = [&context] { return status(context); }; });
}

}  // namespace holdpoint::commands
