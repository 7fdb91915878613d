// holdpoint-bus: wires the broker to its sockets, its identity and its document.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "bus/config/peer_identity.hpp"
#include "bus/socket/server.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "bus/telemetry/ready.hpp"

namespace {

using namespace holdpoint;

struct Options {
  std::string identity;
  std::string document;
  std::string log_level = "info";
  socket::ServerSettings server;
  bool log_json = false;
};

int fail_with(const Error& error) {
  std::cerr << "holdpoint-bus: " << error.context << "\n";
  return 1;
}

int run(const Options& options) {
  const auto level = telemetry::level_from_name(options.log_level);
  if (!level) return fail_with(level.error());
  telemetry::harden_process();
  const int stop_descriptor = telemetry::stop_signal_descriptor();  // before libzmq starts threads
  const auto identity = config::load_identity(options.identity, wire::Role::broker);
  if (!identity) return fail_with(identity.error());
  telemetry::configure_log(identity->name, *level, options.log_json ? telemetry::Form::json : telemetry::Form::text);

  socket::DocumentFile file(options.document);
  broker::Configuration configuration(
      [key = identity->operator_public](const config::SignedDocument& document) {
        return config::open_document(document, key);
      },
      file);
  if (auto loaded = configuration.load(); !loaded) return fail_with(loaded.error());
  auto server = socket::Server::open(options.server, *identity, configuration);
  if (!server) return fail_with(server.error());
  for (const std::string& endpoint : (*server)->endpoints()) telemetry::log_info("listening", {{"endpoint", endpoint}});
  if (!configuration.document()) {
    telemetry::log_warning("no configuration document yet: nobody is admitted", {{"file", options.document}});
  }
  telemetry::notify_ready();
  (*server)->run(stop_descriptor);
  telemetry::notify_stopping();
  telemetry::log_info("stopped");
  if (stop_descriptor >= 0) ::close(stop_descriptor);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "The message broker of a Holdpoint deployment: routes between its processes and distributes the\n"
      "configuration. Every peer needs a key that the configuration document names.");
  app.add_option("--identity", options.identity, "the broker's identity file (holdpoint keys issue)")->required();
  app.add_option("--document", options.document, "the signed configuration document; replaced when a newer is applied")
      ->required();
  app.add_option("--listen", options.server.endpoints, "ipc://PATH or tcp://HOST:PORT; may be repeated")->required();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_flag("--log-json", options.log_json, "log JSON lines");
  app.add_flag("--echo", options.server.with_echo, "also route the service \"echo\", for tests");
  app.footer(
      "Examples:\n"
      "  holdpoint-bus --identity var/keys/bus.json --document var/document.json --listen ipc:///run/holdpoint/bus\n"
      "  holdpoint-bus --identity bus.json --document document.json --listen ipc:///run/holdpoint/bus \\\n"
      "                --listen tcp://10.0.0.5:7410");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
