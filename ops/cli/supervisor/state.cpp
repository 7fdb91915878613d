#include "ops/cli/supervisor/state.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "bus/base/json.hpp"
#include "bus/config/private_file.hpp"

namespace holdpoint::supervisor {
namespace {

bool locked(const Layout& layout) {
  const int lock = ::open(layout.lock().c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  const bool free = ::flock(lock, LOCK_SH | LOCK_NB) == 0;
  ::close(lock);
  return !free;
}

}  // namespace

Result<void> write_state(const Layout& layout, const State& state) {
  Json services = Json::array();
  for (const auto& service : state.services) {
    services.push_back({{"name", service.name},
                        {"program", service.program},
                        {"state", service.condition},
                        {"pid", service.pid},
                        {"mark", service.mark},
                        {"since", service.since},
                        {"restarts", service.restarts},
                        {"last_exit", service.last_exit}});
  }
  return config::write_file_atomically(layout.state(), to_json({{"pid", state.supervisor},
                                                                {"configuration", state.configuration},
                                                                {"console", state.console},
                                                                {"gateway", state.gateway},
                                                                {"services", services}}));
}

std::optional<State> read_left_state(const Layout& layout) {
  auto text = config::read_private_file(layout.state());
  if (!text) return std::nullopt;
  auto json = parse_json(*text);
  if (!json || !json->is_object()) return std::nullopt;
  State state;
  state.supervisor = static_cast<pid_t>(json->value("pid", 0));
  state.configuration = string_or(*json, "configuration");
  state.console = string_or(*json, "console");
  state.gateway = string_or(*json, "gateway");
  for (const auto& service : json->value("services", Json::array())) {
    state.services.push_back({.name = string_or(service, "name"),
                              .program = string_or(service, "program"),
                              .condition = string_or(service, "state"),
                              .pid = static_cast<pid_t>(service.value("pid", 0)),
                              .mark = string_or(service, "mark"),
                              .since = string_or(service, "since"),
                              .restarts = service.value("restarts", 0U),
                              .last_exit = string_or(service, "last_exit")});
  }
  return state;
}

std::optional<State> read_state(const Layout& layout) {
  if (!locked(layout)) return std::nullopt;
  return read_left_state(layout);
}

}  // namespace holdpoint::supervisor
