// holdpoint-auditor: wires the log's writer and reader to the bus and the database.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "auditor/log_store.hpp"
#include "auditor/service.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "bus/telemetry/ready.hpp"

namespace {

using namespace holdpoint;
namespace asio = boost::asio;

struct Options {
  std::string identity;
  auditor::ServiceOptions service;
  std::string owner_database;
  std::string log_level = "info";
  bool migrate = false;
  bool log_json = false;
};

int fail_with(const Error& error) {
  std::cerr << "holdpoint-auditor: " << error.context << "\n";
  return 1;
}

int migrate(const Options& options) {
  if (options.owner_database.empty()) {
    return fail_with(fail(Code::configuration, "--migrate needs --owner-database, the DSN of the schema's owner"));
  }
  const auto done = auditor::migrate(options.owner_database);
  if (!done) return fail_with(done.error());
  std::cout << "The schema audit is up to date.\n";
  return 0;
}

int run(const Options& options) {
  const auto level = telemetry::level_from_name(options.log_level);
  if (!level) return fail_with(level.error());
  if (options.identity.empty() || options.service.database.empty()) {
    return fail_with(fail(Code::configuration, "--identity and --database are required; see --help"));
  }
  telemetry::harden_process();
  const auto identity = config::load_identity(options.identity, wire::Role::auditor);
  if (!identity) return fail_with(identity.error());
  telemetry::configure_log(identity->name, *level, options.log_json ? telemetry::Form::json : telemetry::Form::text);

  asio::io_context context;
  int status = 0;
  bool stopping = false;
  std::unique_ptr<auditor::Service> service;
  const auto stop = [&] {
    if (std::exchange(stopping, true)) return;
    telemetry::notify_stopping();
    asio::co_spawn(context, service->stop(), [&context](const std::exception_ptr&) { context.stop(); });
  };
  service = std::make_unique<auditor::Service>(
      context, *identity, options.service, [] { telemetry::notify_ready(); },
      [&] {
        telemetry::log_error("another auditor has taken the log over: ending, to stand by after a restart");
        status = 3;
        stop();
      });
  service->start();
  telemetry::call_on_stop_signal(context.get_executor(), stop);
  context.run();
  service.reset();
  telemetry::log_info("stopped");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "The auditor of a Holdpoint deployment: takes the records of all processes, numbers and hashes them into the\n"
      "log in PostgreSQL, signs checkpoints, and reads sessions back. Of several auditors one writes, the others stand "
      "by.");
  app.add_option("--identity", options.identity, "the auditor's identity file (holdpoint keys issue)");
  app.add_option("--database", options.service.database, "PostgreSQL DSN of the role holdpoint_writer");
  app.add_option("--checkpoints", options.service.checkpoints, "directory for signed checkpoints");
  app.add_flag("--migrate", options.migrate, "apply the schema audit as its owner, and end");
  app.add_option("--owner-database", options.owner_database, "PostgreSQL DSN of the schema's owner, for --migrate");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_flag("--log-json", options.log_json, "log JSON lines");
  app.footer(
      "Examples:\n"
      "  holdpoint-auditor --migrate --owner-database 'host=/run/holdpoint dbname=holdpoint user=holdpoint_owner'\n"
      "  holdpoint-auditor --identity var/keys/auditor-1.json \\\n"
      "                    --database 'host=/run/holdpoint dbname=holdpoint user=holdpoint_writer' \\\n"
      "                    --checkpoints var/checkpoints");
  CLI11_PARSE(app, argc, argv);
  try {
    return options.migrate ? migrate(options) : run(options);
  } catch (const std::exception& exception) {
    return fail_with(fail(Code::internal, exception.what()));
  }
}
