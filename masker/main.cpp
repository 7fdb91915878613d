// holdpoint-masker: wires the engine to the bus, then gives up everything but its connection.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>

#include "bus/config/peer_identity.hpp"
#include "bus/socket/port.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/telemetry/process.hpp"
#include "bus/telemetry/ready.hpp"
#include "masker/mask.hpp"
#include "masker/worker/answer.hpp"
#include "masker/worker/sandbox.hpp"

namespace {

using namespace holdpoint;
namespace asio = boost::asio;

// Masking is computation in one thread; the others wait in memory while one runs, so that it never waits for the bus.
constexpr unsigned credit = 4;
// The largest body takes well under a second; beyond this a request is an attack or a bug.
constexpr auto request_time_max = std::chrono::seconds(5);

struct Options {
  std::string identity;
  std::string log_level = "info";
  bool log_json = false;
};

int fail_with(const Error& error) {
  std::cerr << "holdpoint-masker: " << error.context << "\n";
  return 1;
}

asio::awaitable<void> confine_when_connected(socket::Port& port, std::string endpoint, int& status,
                                             asio::io_context& context) {
  asio::steady_timer timer(context);
  while (!port.connected()) {
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(asio::use_awaitable);
  }
  const auto confined = masker::enter_sandbox({std::move(endpoint)});
  if (!confined) {
    telemetry::log_error(confined.error().context);
    status = 1;
    context.stop();
    co_return;
  }
  if (masker::kConfines) {
    telemetry::log_info("confined: no files, no new connections but to the bus");
  } else {
    telemetry::log_warning("not confined: this program was built with a sanitizer");
  }
}

int run(const Options& options) {
  const auto level = telemetry::level_from_name(options.log_level);
  if (!level) return fail_with(level.error());
  telemetry::harden_process();
  const auto identity = config::load_identity(options.identity, wire::Role::masker);
  if (!identity) return fail_with(identity.error());
  telemetry::configure_log(identity->name, *level, options.log_json ? telemetry::Form::json : telemetry::Form::text);
  masker::prepare();

  asio::io_context context(1);
  masker::Watchdog watchdog(request_time_max);
  socket::Port port(context.get_executor(), *identity);
  int status = 0;
  bool stopping = false;
  const auto handle = [&](wire::Envelope request) -> asio::awaitable<Result<wire::Message>> {
    watchdog.begin();
    auto answer = masker::answer_mask_request(request.message);
    watchdog.end();
    co_return answer;
  };
  asio::co_spawn(context, confine_when_connected(port, identity->bus_endpoint, status, context),
                 [&](const std::exception_ptr& error) {
                   if (error) {
                     status = 1;
                     context.stop();
                   } else if (status == 0) {
                     // Only now may hostile bytes come in.
                     port.serve("masks", credit, handle, actor::Repeats::run_again);
                     telemetry::notify_ready();
                   }
                 });
  const auto stop = [&] {
    if (std::exchange(stopping, true)) return;
    telemetry::notify_stopping();
    asio::co_spawn(context, port.stop(), [&](const std::exception_ptr&) { context.stop(); });
  };
  telemetry::call_on_stop_signal(context.get_executor(), stop);
  context.run();
  telemetry::log_info("stopped");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Masks what is sensitive in answers; a worker of the bus without files or network.", "holdpoint-masker");
  Options options;
  app.add_option("--identity", options.identity, "this process's keys and whom it trusts (holdpoint keys issue masker)")
      ->required();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")->capture_default_str();
  app.add_flag("--log-json", options.log_json, "one JSON object per log line");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    return fail_with(holdpoint::fail(holdpoint::Code::internal, error.what()));
  }
}
