// The command line's seat on the bus, with the operator's identity. One question at a time; owns its thread's loop.
#pragma once

#include <memory>
#include <string>

#include "bus/base/result.hpp"
#include "bus/base/time.hpp"
#include "bus/wire/envelope.hpp"
#include "ops/cli/supervisor/layout.hpp"

namespace holdpoint::deployment {

class BusClient {
 public:
  /// Reads var/keys/operator.json; the error says who may read it.
  static Result<BusClient> open(const supervisor::Layout& layout);
  BusClient(BusClient&&) noexcept;
  BusClient& operator=(BusClient&&) noexcept;
  ~BusClient();

  Result<wire::Message> ask(const std::string& service, wire::Message question,
                            Duration within = std::chrono::seconds(10));

 private:
  struct State;
  explicit BusClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// open() and ask() in one, for commands with one question. Anything but the answer's body is an error.
Result<wire::Message> ask_bus(const supervisor::Layout& layout, const std::string& service, wire::Message question);

}  // namespace holdpoint::deployment
