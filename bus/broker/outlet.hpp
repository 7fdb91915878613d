// The broker's way out, and what it knows about who is on the other side. Production: a ROUTER socket; the simulator:
// a seeded network.
#pragma once

#include <string>

#include "bus/wire/packet.hpp"

namespace holdpoint::broker {

/// One connection (the ROUTER's routing id). A peer that reconnects gets another.
using PeerId = std::string;

/// What the connection's CURVE key says. Made by the adapter from the configuration, never from a message.
struct Stamp {
  wire::Role role = wire::Role::none;
  std::string key_id;
  std::string name;
};

enum class Sent {
  yes,
  full,         ///< the connection's queue is full; the message is dropped, as a network may
  unreachable,  ///< no such connection any more
};

class Outlet {
 public:
  virtual ~Outlet() = default;
  /// Never blocks. Moves from `packet` only when it returns `yes`.
  virtual Sent send(const PeerId& to, wire::Packet& packet) = 0;
  /// Somebody with a key of this deployment asked for what that key may not: for the log. `asked` is stamped.
  virtual void refused(const wire::Header& /*asked*/, const Error& /*why*/) {}
  /// Nothing more leaves for this connection: its key was revoked.
  virtual void cut(const PeerId&) {}
};

}  // namespace holdpoint::broker
