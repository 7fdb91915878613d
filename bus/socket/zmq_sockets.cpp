#include "bus/socket/zmq_sockets.hpp"

#include <poll.h>
#include <zmq.h>

#include <cstring>

namespace holdpoint::socket {
namespace {

constexpr std::size_t kBrokerFramesMax = 2 + wire::kAttachmentsMax;
// Larger frames travel without being copied once more; below, a copy is cheaper than a reference count.
constexpr std::size_t kZeroCopyBytes = 16 << 10;

Error zmq_failed(std::string_view what) {
  return fail(Code::configuration, std::string(what) + ": " + zmq_strerror(zmq_errno()));
}

class Frame {
 public:
  Frame() { zmq_msg_init(&message_); }
  explicit Frame(Bytes& bytes) {
    if (bytes.size() < kZeroCopyBytes) {
      HOLDPOINT_INVARIANT(zmq_msg_init_size(&message_, bytes.size()) == 0);
      std::memcpy(zmq_msg_data(&message_), bytes.data(), bytes.size());
      return;
    }
    owned_ = new Bytes(std::move(bytes));
    const auto free = [](void*, void* hint) { delete static_cast<Bytes*>(hint); };
    HOLDPOINT_INVARIANT(zmq_msg_init_data(&message_, owned_->data(), owned_->size(), free, owned_) == 0);
  }
  ~Frame() { zmq_msg_close(&message_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  zmq_msg_t* get() { return &message_; }
  [[nodiscard]] Bytes bytes() { return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)}; }
  /// Gives back what was moved in; only when it was not sent.
  void restore(Bytes& bytes) {
    if (owned_ != nullptr) bytes = std::move(*owned_);
  }

 private:
  zmq_msg_t message_;
  Bytes* owned_ = nullptr;
};

bool set(void* socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value) == 0; }
bool set(void* socket, int option, BytesView value) {
  return zmq_setsockopt(socket, option, value.data(), value.size()) == 0;
}

bool set_common(void* socket) {
  return set(socket, ZMQ_LINGER, 0) &&
         // Messages per connection and direction; the broker's queues are bounded by their own limits.
         set(socket, ZMQ_SNDHWM, 1000) && set(socket, ZMQ_RCVHWM, 1000) &&
         // A dead host is noticed without the kernel's patience.
         set(socket, ZMQ_HEARTBEAT_IVL, 1000) && set(socket, ZMQ_HEARTBEAT_TIMEOUT, 3000) && [&] {
           const auto bytes_max = static_cast<std::int64_t>(wire::kAttachmentBytesMax);
           return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
         }();
}

broker::Sent sent_of_errno() { return zmq_errno() == EHOSTUNREACH ? broker::Sent::unreachable : broker::Sent::full; }

// The first frame decides: once it is taken, libzmq takes the rest.
broker::Sent send_frames(void* socket, wire::Frames& frames, bool first_decided) {
  for (std::size_t index = 0; index < frames.size(); ++index) {
    Frame frame(frames[index]);
    const int more = index + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    if (zmq_msg_send(frame.get(), socket, ZMQ_DONTWAIT | more) >= 0) continue;
    frame.restore(frames[index]);
    const broker::Sent sent = sent_of_errno();
    return index == 0 && !first_decided ? sent : broker::Sent::yes;  // a connection that ended halfway: lost like any
  }
  return broker::Sent::yes;
}

}  // namespace

ZmqContext::ZmqContext() : handle_(zmq_ctx_new()) {
  HOLDPOINT_INVARIANT(handle_ != nullptr);
  zmq_ctx_set(handle_, ZMQ_MAX_SOCKETS, 4096);
}
ZmqContext::~ZmqContext() { zmq_ctx_term(handle_); }

ZmqSocket::ZmqSocket(ZmqSocket&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
ZmqSocket& ZmqSocket::operator=(ZmqSocket&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}
ZmqSocket::~ZmqSocket() {
  if (handle_ != nullptr) zmq_close(handle_);
}

std::optional<wire::Frames> ZmqSocket::receive(std::size_t frames_max) {
  wire::Frames frames;
  bool within = true;
  while (true) {
    Frame frame;
    if (zmq_msg_recv(frame.get(), handle_, ZMQ_DONTWAIT) < 0) return std::nullopt;
    within = within && frames.size() < frames_max;
    if (within) frames.push_back(frame.bytes());
    if (zmq_msg_more(frame.get()) == 0) break;
  }
  if (!within) frames.clear();
  return frames;
}

broker::Sent ZmqSocket::send(wire::Frames& frames) { return send_frames(handle_, frames, false); }

int ZmqSocket::descriptor() {
  int fd = -1;
  std::size_t size = sizeof fd;
  return zmq_getsockopt(handle_, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

Result<ZmqSocket> open_dealer(const ZmqContext& context, const std::string& endpoint, const CurveKeys& keys,
                              const Bytes& server_public) {
  ZmqSocket socket(zmq_socket(context.handle(), ZMQ_DEALER));
  void* const handle = socket.handle();
  if (handle == nullptr || !set_common(handle) || !set(handle, ZMQ_IMMEDIATE, 1) ||
      !set(handle, ZMQ_RECONNECT_IVL, 50) || !set(handle, ZMQ_RECONNECT_IVL_MAX, 1000) ||
      !set(handle, ZMQ_CURVE_SERVERKEY, server_public) || !set(handle, ZMQ_CURVE_PUBLICKEY, keys.public_key) ||
      !set(handle, ZMQ_CURVE_SECRETKEY, keys.secret_key.reveal()) || zmq_connect(handle, endpoint.c_str()) != 0) {
    return zmq_failed("cannot connect to the bus at \"" + display(endpoint, 200) + "\"");
  }
  return socket;
}

Result<ZmqSocket> open_authenticator(const ZmqContext& context) {
  ZmqSocket socket(zmq_socket(context.handle(), ZMQ_REP));
  if (socket.handle() == nullptr || !set(socket.handle(), ZMQ_LINGER, 0) ||
      zmq_bind(socket.handle(), "inproc://zeromq.zap.01") != 0) {
    return zmq_failed("cannot authenticate peers");
  }
  return socket;
}

Result<ZmqSocket> open_router(const ZmqContext& context, const CurveKeys& keys) {
  ZmqSocket socket(zmq_socket(context.handle(), ZMQ_ROUTER));
  void* const handle = socket.handle();
  if (handle == nullptr || !set_common(handle) || !set(handle, ZMQ_ROUTER_MANDATORY, 1) ||
      !set(handle, ZMQ_CURVE_SERVER, 1) || !set(handle, ZMQ_CURVE_SECRETKEY, keys.secret_key.reveal()) ||
      !set(handle, ZMQ_ZAP_DOMAIN, BytesView("holdpoint")) || !set(handle, ZMQ_HANDSHAKE_IVL, 5000)) {
    return zmq_failed("cannot open the bus");
  }
  return socket;
}

Result<std::string> bind_router(ZmqSocket& router, const std::string& endpoint) {
  if (!endpoint.starts_with("ipc://") && !endpoint.starts_with("tcp://")) {
    return fail(Code::configuration, "\"" + display(endpoint, 200) + "\" is neither ipc://PATH nor tcp://HOST:PORT");
  }
  if (zmq_bind(router.handle(), endpoint.c_str()) != 0) {
    return zmq_failed("cannot listen at \"" + display(endpoint, 200) + "\"");
  }
  char bound[512];
  std::size_t size = sizeof bound;
  if (zmq_getsockopt(router.handle(), ZMQ_LAST_ENDPOINT, bound, &size) != 0) return zmq_failed("cannot listen");
  return std::string(bound);
}

std::optional<Incoming> receive_from_router(ZmqSocket& router) {
  Incoming incoming;
  Frame identity;
  if (zmq_msg_recv(identity.get(), router.handle(), ZMQ_DONTWAIT) < 0) return std::nullopt;
  incoming.from = identity.bytes();
  bool within = true;
  bool more = zmq_msg_more(identity.get()) != 0;
  while (more) {
    Frame frame;
    if (zmq_msg_recv(frame.get(), router.handle(), ZMQ_DONTWAIT) < 0) break;
    more = zmq_msg_more(frame.get()) != 0;
    if (incoming.user.empty()) {
      // Of the connection that carried this very frame: a routing id may be taken by another peer later.
      const char* user = zmq_msg_gets(frame.get(), "User-Id");
      if (user != nullptr) incoming.user = user;
    }
    within = within && incoming.frames.size() < kBrokerFramesMax;
    if (within) incoming.frames.push_back(frame.bytes());
  }
  if (!within) incoming.frames.clear();
  return incoming;
}

broker::Sent send_to(ZmqSocket& router, const broker::PeerId& to, wire::Frames& frames) {
  Frame identity;
  zmq_msg_init_size(identity.get(), to.size());
  std::memcpy(zmq_msg_data(identity.get()), to.data(), to.size());
  if (zmq_msg_send(identity.get(), router.handle(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) return sent_of_errno();
  return send_frames(router.handle(), frames, true);
}

unsigned wait_readable(std::initializer_list<int> descriptors, Duration timeout) {
  std::vector<pollfd> items;
  for (const int descriptor : descriptors) items.push_back({descriptor, POLLIN, 0});  // -1: ignored by the kernel
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  if (::poll(items.data(), items.size(), static_cast<int>(std::max<std::int64_t>(0, ms))) <= 0) return 0;
  unsigned readable = 0;
  for (std::size_t n = 0; n < items.size(); ++n) readable |= items[n].revents != 0 ? 1U << n : 0U;
  return readable;
}

}  // namespace holdpoint::socket
