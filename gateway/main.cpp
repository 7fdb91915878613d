// holdpoint-gateway: the data path between agents and targets.
#include <CLI/CLI.hpp>

#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "gateway/service/process.hpp"

/// Read by jemalloc (CMakeLists.txt). One arena: what one thread gives back another takes, and parked calls lie close
/// together. What has been free for ten seconds goes back to the system, at the next use of memory: sooner, and what
/// every submission to the log needs would be given back and asked for again, a page fault per call.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:1,dirty_decay_ms:10000,muzzy_decay_ms:0";

int main(int argc, char** argv) {
  using namespace holdpoint;
  CLI::App app("Holdpoint's gateway: agents point their AWS clients here.");
  service::ProcessOptions options;
  std::string log_level = "info";
  bool log_json = false;
  app.add_option("--identity", options.identity, "this process's key file (var/keys/NAME.json)")->required();
  app.add_option("--var", options.var, "directory of the journal")->required();
  app.add_option("--listen", options.listen,
                 "HOST:PORT instead of the configuration's gateway.listen; may be repeated");
  app.add_option("--shards", options.shards, "threads; 0 = one per core");
  app.add_option("--upstream-ca", options.upstream_authorities, "PEM file of further authorities for targets");
  app.add_option("--log-level", log_level, "debug, info, warning, error");
  app.add_flag("--log-json", log_json, "log lines as JSON");
  app.footer(
      "Examples:\n"
      "  holdpoint-gateway --identity var/keys/gateway-1.json --var var\n"
      "  holdpoint-gateway --identity var/keys/gateway-2.json --var var --listen 127.0.0.1:7401\n"
      "An agent logs in with\n"
      "  AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1:7400/credentials?role=ROLE_ARN'\n"
      "  AWS_CONTAINER_AUTHORIZATION_TOKEN=TOKEN aws --endpoint-url http://127.0.0.1:7400 sts get-caller-identity");
  CLI11_PARSE(app, argc, argv);
  telemetry::harden_process();
  const auto level = telemetry::level_from_name(log_level);
  telemetry::configure_log("gateway", level ? *level : telemetry::Level::info,
                           log_json ? telemetry::Form::json : telemetry::Form::text);
  return service::run_process(options);
}
