// What a process says about itself on stderr: one line per event, text for people or JSON for collectors. Every value
// passes through display(), so nothing that an agent sent can break a line or a terminal. Never a secret.
//
// Not here: the record of what agents did (bus/record), metrics.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bus/base/result.hpp"

namespace holdpoint::telemetry {

enum class Level { debug, info, warning, error };
enum class Form { text, json };

struct Field {
  Field(std::string_view key, std::string_view text) : name(key), value(text) {}
  Field(std::string_view key, const char* text) : name(key), value(text) {}
  Field(std::string_view key, std::string text) : name(key), value(std::move(text)) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> Field(std::string_view key, Number number)
      : name(key), value(std::to_string(number)) {}
  std::string_view name;
  std::string value;
};

/// Set once by `main`, before threads start. `process` names this process in every line.
void configure_log(std::string process, Level least, Form form);
/// "debug", "info", "warning", "error"; `configuration` for anything else.
Result<Level> level_from_name(std::string_view name);

/// One write(2) per line, so lines of several threads and processes do not mix.
void log(Level level, std::string_view what, std::initializer_list<Field> fields = {});
/// The line that log() writes, without process and level filter; for tests.
std::string log_line(Form form, std::string_view time, std::string_view process, Level level, std::string_view what,
                     std::initializer_list<Field> fields);

inline void log_info(std::string_view what, std::initializer_list<Field> fields = {}) {
  log(Level::info, what, fields);
}
inline void log_warning(std::string_view what, std::initializer_list<Field> fields = {}) {
  log(Level::warning, what, fields);
}
inline void log_error(std::string_view what, std::initializer_list<Field> fields = {}) {
  log(Level::error, what, fields);
}

}  // namespace holdpoint::telemetry
