// libzmq behind plain types: the only file that knows it is zmq_sockets.cpp. Every socket is CURVE, bounded, without
// lingering, and never blocks.
//
// Traps that are handled here: the descriptor is edge-triggered (a send may swallow what it would tell: receive until
// there is nothing, then wait); a ROUTER drops for unknown peers unless it is mandatory; a DEALER queues for nobody
// unless it is immediate; a CURVE server without a ZAP handler lets everybody in.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/broker/outlet.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::socket {

class ZmqContext {
 public:
  ZmqContext();
  ~ZmqContext();
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;
  [[nodiscard]] void* handle() const { return handle_; }

 private:
  void* handle_;
};

/// One socket; closed when it goes.
class ZmqSocket {
 public:
  ZmqSocket() = default;
  ZmqSocket(void* handle) : handle_(handle) {}
  ZmqSocket(ZmqSocket&& other) noexcept;
  ZmqSocket& operator=(ZmqSocket&& other) noexcept;
  ~ZmqSocket();
  [[nodiscard]] void* handle() const { return handle_; }

  /// All frames of one message; nullopt when there is none. One with more frames than `frames_max` comes out empty.
  std::optional<wire::Frames> receive(std::size_t frames_max);
  broker::Sent send(wire::Frames& frames);
  /// libzmq owns it: never close it.
  int descriptor();

 private:
  void* handle_ = nullptr;
};

struct CurveKeys {
  Bytes public_key;
  Secret secret_key;
  [[nodiscard]] CurveKeys clone() const { return {public_key, secret_key.clone()}; }
};

/// Fails with `configuration`, naming the endpoint.
Result<ZmqSocket> open_dealer(const ZmqContext& context, const std::string& endpoint, const CurveKeys& keys,
                              const Bytes& server_public);

/// The endpoint of the ZAP handler; open it before the router.
Result<ZmqSocket> open_authenticator(const ZmqContext& context);
Result<ZmqSocket> open_router(const ZmqContext& context, const CurveKeys& keys);
/// The bound endpoint (a wildcard port resolved).
Result<std::string> bind_router(ZmqSocket& router, const std::string& endpoint);

struct Incoming {
  broker::PeerId from;
  std::string user;  ///< what the ZAP handler named the connection
  wire::Frames frames;
};
/// Frames come out empty for a message with too many.
std::optional<Incoming> receive_from_router(ZmqSocket& router);
broker::Sent send_to(ZmqSocket& router, const broker::PeerId& to, wire::Frames& frames);

/// Waits until a descriptor (-1 = none) is readable: bit n for the n-th, 0 when the time is over. A socket's descriptor
/// tells of what comes after the socket was last found empty.
unsigned wait_readable(std::initializer_list<int> descriptors, Duration timeout);

}  // namespace holdpoint::socket
