// Answers the service `log` (PROTOCOL.md): sessions, operations and entries read back, for the console and the command
// line. Reading only, over a connection of its own; opened at the first question and again after it broke.
#pragma once

#include <memory>
#include <string>

#include "bus/wire/envelope.hpp"

namespace holdpoint::auditor {

class LogReader {
 public:
  explicit LogReader(std::string dsn);
  ~LogReader();

  /// `unsupported` for a message that is none of the service's, `malformed`, or `unavailable` without the database.
  Result<wire::Message> answer(const wire::Message& question);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdpoint::auditor
