// What an actor can do to the world. Production hands it sockets, the simulator a seeded network.
#pragma once

#include "bus/base/time.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::actor {

/// The way out of an actor that is one peer of the broker.
class Transport {
 public:
  virtual ~Transport() = default;
  /// May be lost, repeated or reordered. Never blocks; what does not fit is dropped and counted.
  virtual void send(wire::Envelope envelope) = 0;
  /// The same, for an envelope that its sender keeps until it is answered.
  virtual void send_kept(const wire::Envelope& envelope) { send(envelope); }
};

}  // namespace holdpoint::actor
