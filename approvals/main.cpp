// holdpoint-approvals: wires reviews to the bus, to PostgreSQL and to the console.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <iostream>

#include "approvals/postgres/postgres_store.hpp"
#include "approvals/process.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "bus/telemetry/ready.hpp"

namespace {

using namespace holdpoint;
namespace asio = boost::asio;

struct Options {
  std::string identity;
  approvals::ProcessOptions process;
  std::string owner_database;
  std::string log_level = "info";
  bool migrate = false;
  bool log_json = false;
  bool console_off = false;
  bool console_anywhere = false;
};

int fail_with(const Error& error) {
  std::cerr << "holdpoint-approvals: " << error.context << "\n";
  return 1;
}

int migrate(const Options& options) {
  if (options.owner_database.empty() && options.process.database.empty()) {
    return fail_with(fail(Code::configuration, "--migrate needs --owner-database, the DSN of the schema's owner"));
  }
  const auto done =
      approvals::migrate(options.owner_database.empty() ? options.process.database : options.owner_database);
  if (!done) return fail_with(done.error());
  std::cout << "The schema reviews is up to date.\n";
  return 0;
}

bool loopback(const std::string& listen) { return listen.starts_with("127.") || listen.starts_with("::1:"); }

int run(Options& options) {
  const auto level = telemetry::level_from_name(options.log_level);
  if (!level) return fail_with(level.error());
  if (options.identity.empty() || options.process.var.empty() || options.process.database.empty()) {
    return fail_with(fail(Code::configuration, "--identity, --database and --var are required; see --help"));
  }
  if (options.console_off) options.process.console.listen.clear();
  if (!options.process.console.listen.empty() && !loopback(options.process.console.listen) &&
      !options.console_anywhere) {
    return fail_with(fail(Code::configuration,
                          "the console speaks plain HTTP: it listens on loopback only, unless --console-anywhere "
                          "says that something in front of it terminates TLS"));
  }
  telemetry::harden_process();
  const auto identity = config::load_identity(options.identity, wire::Role::approvals);
  if (!identity) return fail_with(identity.error());
  telemetry::configure_log(identity->name, *level, options.log_json ? telemetry::Form::json : telemetry::Form::text);
  // libpq's own words for what a data source name does not say: a server that can be written to, found soon.
  ::setenv("PGTARGETSESSIONATTRS", "read-write", 0);
  ::setenv("PGCONNECT_TIMEOUT", "3", 0);

  // Later, every connection looks again; and a database that is away now may be there then.
  if (const auto fits = approvals::check_schema(options.process.database);
      !fits && fits.error().code == Code::configuration) {
    return fail_with(fits.error());
  }
  asio::io_context context;
  auto process = approvals::Process::start(context, *identity, options.process);
  if (!process) return fail_with(process.error());
  telemetry::call_on_stop_signal(context.get_executor(), [&] {
    telemetry::notify_stopping();
    asio::co_spawn(context, (*process)->stop(), [&](const std::exception_ptr&) { context.stop(); });
  });
  if (!options.process.console.listen.empty()) {
    telemetry::log_info("console", {{"address", options.process.console.listen}});
  }
  telemetry::notify_ready();
  context.run();
  telemetry::log_info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.process.console.listen = "127.0.0.1:7401";
  CLI::App app(
      "Reviews of a Holdpoint deployment: takes questions from gateways and votes from people, makes and signs\n"
      "decisions, hands out grants, serves the console. Several may run on one database.");
  app.add_option("--identity", options.identity, "this process's identity file (holdpoint keys issue approvals)");
  app.add_option("--database", options.process.database, "PostgreSQL DSN of the role holdpoint_approvals");
  app.add_option("--owner-database", options.owner_database, "PostgreSQL DSN of the schema's owner, for --migrate");
  app.add_option("--var", options.process.var, "directory of the journal; one for each process");
  app.add_option("--console", options.process.console.listen, "where reviewers' browsers reach the console")
      ->capture_default_str();
  app.add_option("--console-host", options.process.console.hosts,
                 "a further HOST[:PORT] in browsers' address bars; may be repeated");
  app.add_flag("--console-anywhere", options.console_anywhere, "let --console be no loopback address");
  app.add_flag("--secure-cookie", options.process.console.secure_cookie, "browsers reach the console over https");
  app.add_flag("--no-console", options.console_off, "serve the bus only");
  app.add_flag("--migrate", options.migrate, "bring the schema reviews up to date as its owner, then end");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_flag("--log-json", options.log_json, "log JSON lines");
  app.footer(
      "Examples:\n"
      "  holdpoint-approvals --migrate --owner-database 'dbname=holdpoint user=holdpoint_owner'\n"
      "  holdpoint-approvals --identity var/keys/approvals-1.json --var var/approvals-1 \\\n"
      "                      --database 'host=db1,db2 dbname=holdpoint user=holdpoint_approvals'");
  CLI11_PARSE(app, argc, argv);
  try {
    return options.migrate ? migrate(options) : run(options);
  } catch (const std::exception& exception) {
    return fail_with(fail(Code::internal, exception.what()));
  }
}
