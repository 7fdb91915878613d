#include "bus/telemetry/log.hpp"

#include <unistd.h>

#include "bus/base/encoding.hpp"
#include "bus/base/json.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::telemetry {
namespace {

constexpr std::size_t kValueBytesMax = 1024;  // a line stays readable, and below what one write keeps whole

struct Settings {
  std::string process = "holdpoint";
  Level least = Level::info;
  Form form = Form::text;
};

Settings& settings() {
  static Settings instance;
  return instance;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

void write_line(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written <= 0) return;  // nobody listens: there is nowhere to say so
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void configure_log(std::string process, Level least, Form form) { settings() = {std::move(process), least, form}; }

Result<Level> level_from_name(std::string_view text) {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (name(level) == text) return level;
  }
  return fail(Code::configuration, "a log level is one of debug, info, warning, error");
}

std::string log_line(Form form, std::string_view time, std::string_view process, Level level, std::string_view what,
                     std::initializer_list<Field> fields) {
  if (form == Form::json) {
    Json line = {{"time", std::string(time)},
                 {"process", std::string(process)},
                 {"level", std::string(name(level))},
                 {"event", display(what, kValueBytesMax)}};
    for (const Field& field : fields) line[std::string(field.name)] = display(field.value, kValueBytesMax);
    return to_json(line) + "\n";
  }
  std::string line = std::string(time) + " " + std::string(process) + " " + std::string(name(level)) + " " +
                     display(what, kValueBytesMax);
  for (const Field& field : fields) {
    const std::string value = display(field.value, kValueBytesMax);
    const bool plain = !value.empty() && value.find_first_of(" \"=") == std::string::npos;
    line += " " + std::string(field.name) + "=" + (plain ? value : to_json(Json(value)));
  }
  return line + "\n";
}

void log(Level level, std::string_view what, std::initializer_list<Field> fields) {
  const Settings& current = settings();
  if (level < current.least) return;
  write_line(log_line(current.form, to_rfc3339(system_now()), current.process, level, what, fields));
}

}  // namespace holdpoint::telemetry
