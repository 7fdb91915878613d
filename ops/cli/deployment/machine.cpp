#include "ops/cli/deployment/machine.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <iostream>

#include "bus/base/crypto.hpp"
#include "bus/config/private_file.hpp"
#include "ops/cli/supervisor/ports.hpp"
#include "ops/cli/supervisor/postgres.hpp"

namespace holdpoint::deployment {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kWatchedFilesMax = 1000;  // a configuration folder has dozens; more is somebody's home

std::string numbered(const std::string& name, int index) { return name + "-" + std::to_string(index); }

}  // namespace

Machine::Machine(supervisor::Layout layout, MachineOptions options)
    : layout_(std::move(layout)), options_(std::move(options)) {
  std::error_code error;
  configuration_ = options_.configuration.empty() ? layout_.var.parent_path() / "holdpoint.yaml"
                                                  : fs::absolute(options_.configuration, error);
}

Result<void> Machine::start(const Progress& progress) {
  if (options_.external_database && options_.database.empty()) {
    return fail(Code::configuration, "--no-postgres needs --database 'host=… dbname=… user=…'");
  }
  // Before anything is made: a wrong file should leave no trace.
  auto compiled = read_configuration(configuration_);
  if (!compiled) return compiled.error();
  progress("folders, accounts and keys in " + layout_.var.string());
  if (auto made = supervisor::prepare_layout(layout_); !made) return made.error();
  auto opened = supervisor::Supervisor::open(layout_);
  if (!opened) return opened.error();
  supervisor_.emplace(std::move(*opened));
  supervisor_->set_configuration(configuration_.string());
  supervisor_->set_console(options_.console);
  if (auto free = check_ports(*compiled); !free) return free.error();

  std::vector<Member> members{{wire::Role::auditor, "auditor-1"}, {wire::Role::approvals, "approvals-1"}};
  for (int i = 1; i <= options_.maskers; ++i) members.push_back({wire::Role::masker, numbered("masker", i)});
  for (int i = 1; i <= options_.gateways; ++i) members.push_back({wire::Role::gateway, numbered("gateway", i)});
  if (auto prepared = prepare(layout_, members); !prepared) return prepared.error();
  if (auto applied = apply_configuration(false); !applied) return applied.error();
  if (auto sealed = seal_credentials(); !sealed) return sealed.error();
  if (auto handed = hand_to_broker(layout_); !handed) return handed.error();

  if (auto database = start_database(progress); !database) return database.error();

  progress("bus");
  std::vector<std::string> listen{"--listen", layout_.bus_endpoint()};
  if (!options_.bus_listen.empty()) listen.insert(listen.end(), {"--listen", options_.bus_listen});
  listen.insert(listen.end(), {"--document", layout_.document().string()});
  if (auto up = start_program("holdpoint-bus", "bus", listen); !up) return up.error();
  progress("auditor");
  if (auto up = start_program("holdpoint-auditor", "auditor-1",
                              {"--database", dsn("holdpoint_writer"), "--checkpoints",
                               (layout_.data("auditor-1") / "checkpoints").string()});
      !up) {
    return up.error();
  }
  progress("approvals and console on http://" + options_.console);
  if (auto up = start_program("holdpoint-approvals", "approvals-1",
                              {"--database", dsn("holdpoint_approvals"), "--var", layout_.data("approvals-1").string(),
                               "--console", options_.console});
      !up) {
    return up.error();
  }
  progress("maskers");
  for (int i = 1; i <= options_.maskers; ++i) {
    if (auto up = start_program("holdpoint-masker", numbered("masker", i), {}); !up) return up.error();
  }
  progress("gateways");
  for (int i = 1; i <= options_.gateways; ++i) {
    const std::string name = numbered("gateway", i);
    std::vector<std::string> arguments{"--var", layout_.data(name).string()};
    for (const auto& address : compiled->gateway.listen) arguments.insert(arguments.end(), {"--listen", address});
    if (auto up = start_program("holdpoint-gateway", name, arguments); !up) return up.error();
  }
  fingerprint_ = configuration_fingerprint();
  auto document = current(layout_);
  if (!document) return document.error();
  for (const auto& warning : warnings(*document)) progress("warning: " + warning);
  const std::string scheme = document->gateway.tls_certificate.empty() ? "http" : "https";
  const std::string url = scheme + "://" + compiled->gateway.listen.front();
  supervisor_->set_gateway(url);
  progress("ready: agents use " + url);
  return {};
}

Result<void> Machine::check_ports(const config::Document& document) const {
  for (const auto& address : document.gateway.listen) {
    const std::string remedy = "Change gateway.listen in " + configuration_.string() + ".";
    if (auto free = supervisor::check_port_free(address, remedy); !free) return free.error();
  }
  return supervisor::check_port_free(options_.console, "Choose another with --console ADDRESS:PORT.");
}

Result<void> Machine::start_database(const Progress& progress) {
  if (!options_.external_database) {
    progress("PostgreSQL, a private cluster in " + layout_.data("postgres").string());
    if (auto prepared = supervisor::prepare_cluster(layout_); !prepared) return prepared.error();
    auto launch = supervisor::postgres_launch(layout_);
    if (!launch) return launch.error();
    supervisor::Service service{
        .name = "postgres", .launch = std::move(*launch), .notifies = false, .stop_signal = SIGINT};
    service.ready = [this] { return supervisor::await_postgres(layout_, std::chrono::seconds(60)); };
    if (auto up = supervisor_->start(std::move(service)); !up) return up.error();
    if (auto prepared = supervisor::prepare_database(layout_); !prepared) return prepared.error();
  }
  progress("database schemas");
  if (auto migrated = migrate("holdpoint-auditor"); !migrated) return migrated.error();
  return migrate("holdpoint-approvals");
}

std::string Machine::dsn(const std::string& role) const {
  return options_.external_database ? options_.database : supervisor::database_dsn(layout_, role);
}

Result<void> Machine::migrate(const std::string& program) {
  // As the owner of the schemas, who is not whom the services connect as: they can neither alter nor drop.
  supervisor::Command command{
      .arguments = {(layout_.programs / program).string(), "--migrate", "--owner-database", dsn("holdpoint_owner")}};
  if (layout_.privileged) command.account = layout_.database;
  auto ran = supervisor::run_command(command);
  if (!ran) return fail(Code::configuration, "the database schema could not be made: " + ran.error().context);
  return {};
}

Result<void> Machine::start_program(const std::string& program, const std::string& name,
                                    std::vector<std::string> arguments) {
  const supervisor::Account& account = layout_.account(std::string_view(program).substr(program.find('-') + 1));
  if (auto given = supervisor::give_folder(layout_.data(name), account); !given) return given.error();
  supervisor::Service service{.name = name};
  auto& command = service.launch.command;
  command.arguments = {(layout_.programs / program).string(), "--identity", layout_.identity(name).string()};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  if (layout_.privileged) command.account = account;
  // Maskers connect to the bus as an account of their own, of the same group; the folder keeps everybody else out.
  if (program == "holdpoint-bus") command.umask = 007;
  service.launch.log = layout_.log(name);
  return supervisor_->start(std::move(service));
}

Result<void> Machine::apply_configuration(bool distribute_it) {
  auto version = issue(layout_, from_file(layout_, configuration_));
  if (!version) return version.error();
  if (!distribute_it) return {};
  auto distributed = distribute(layout_);
  if (!distributed) return distributed.error();
  std::cout << to_rfc3339(system_now()) << " configuration version " << *version << " is in force" << std::endl;
  return {};
}

/// Those that are set already stay: they may have been rotated since the file was written.
Result<void> Machine::seal_credentials() {
  for (const std::string& each : options_.credentials) {
    const std::size_t equals = each.find('=');
    if (equals == 0 || equals == std::string::npos) return fail(Code::configuration, each + ": expected NAME=FILE");
    const std::string name = each.substr(0, equals);
    auto text = config::read_private_file(each.substr(equals + 1));
    if (!text) return text.error();
    auto credentials = parse_credentials(*text);
    if (!credentials) return fail(Code::configuration, each.substr(equals + 1) + ": " + credentials.error().context);
    auto version = issue(layout_, [&](config::Document& document) -> Result<void> {
      if (!document.sealed_credentials.contains(name)) {
        document.sealed_credentials[name] = seal_to(document.group_public, to_json(*credentials));
      }
      return {};
    });
    if (!version) return version.error();
  }
  return {};
}

void Machine::run() {
  supervisor_->run([this] { watch_configuration(); });
}

void Machine::stop() {
  if (supervisor_) supervisor_->stop();
}

void Machine::watch_configuration() {
  std::string now = configuration_fingerprint();
  if (now == fingerprint_) return;
  fingerprint_ = std::move(now);
  if (auto applied = apply_configuration(true); !applied) {
    std::cerr << to_rfc3339(system_now())
              << " the changed configuration is not applied, the old one stays: " << applied.error().context
              << std::endl;
  }
}

/// Names, sizes and times of the YAML file and the JSON files below its folder.
std::string Machine::configuration_fingerprint() const {
  std::string text;
  const auto add = [&](const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return;
    text += file.string() + " " + std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
            std::to_string(status.st_mtim.tv_nsec) + " " + std::to_string(status.st_ino) + "\n";
  };
  add(configuration_);
  std::error_code error;
  std::size_t files = 0;
  for (const char* folder : {"policies", "trust"}) {
    for (const auto& entry : fs::recursive_directory_iterator(configuration_.parent_path() / folder, error)) {
      if (++files > kWatchedFilesMax) break;
      if (entry.path().extension() == ".json") add(entry.path());
    }
  }
  return text;
}

}  // namespace holdpoint::deployment
