#include "bus/socket/port.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <stdexcept>

#include "bus/actor/peer.hpp"
#include "bus/socket/zmq_sockets.hpp"
#include "bus/telemetry/log.hpp"
#include "bus/wire/packet.hpp"

namespace holdpoint::socket {
namespace {

namespace asio = boost::asio;
using wire::Envelope;
using wire::Message;

// Deadlines and resends are late by at most this; a tick with nothing to do costs about a microsecond.
constexpr auto kTick = std::chrono::milliseconds(50);
// Then other work of the executor gets its turn.
constexpr int kMessagesPerTurn = 64;
// libzmq gives up for good on a connection whose key was refused; the key may be admitted later.
constexpr Duration kReconnectAfter = std::chrono::seconds(3);
constexpr auto kStopPatience = std::chrono::seconds(3);

using RequestSignature = void(Result<Message>);

}  // namespace

// Everything runs on the executor's thread. Callbacks hold the state weakly, or strongly while they must finish.
struct Port::State final : actor::Transport, std::enable_shared_from_this<Port::State> {
  State(asio::any_io_executor port_executor, const config::PeerIdentity& identity)
      : executor(std::move(port_executor)),
        endpoint(identity.bus_endpoint),
        keys{identity.curve_public, identity.curve_secret.clone()},
        server_public(identity.bus_public),
        descriptor(executor),
        ticker(executor) {}
  ~State() override { close(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> open() {
    auto opened = open_dealer(context, endpoint, keys, server_public);
    if (!opened) return opened.error();
    close();
    dealer = std::move(*opened);
    descriptor.assign(dealer.descriptor());
    opened_at = system_now();
    wait();
    return {};
  }

  void close() {
    if (descriptor.is_open()) descriptor.release();  // libzmq owns the descriptor
    dealer = ZmqSocket();
  }

  // --- out

  void send(Envelope envelope) override {
    if (!closed) send(wire::to_packet(std::move(envelope)));
  }
  void send_kept(const Envelope& envelope) override {
    if (!closed) send(wire::packet_of(envelope));
  }
  void send(wire::Packet packet) {
    if (auto within = wire::check_limits(packet.header, packet.body.size(), packet.attachments); !within) {
      return refuse_own(packet.header, within.error());
    }
    wire::Frames frames = wire::to_frames(std::move(packet));
    dealer.send(frames);  // what does not fit is lost, as on any network: requests are resent
    // Sending may have swallowed the descriptor's edge; one look for all that this turn sends.
    if (!draining) drain_soon();
  }

  // A message of our own that no peer would accept.
  void refuse_own(const wire::Header& header, const Error& error) {
    telemetry::log_warning("message not sent", {{"type", header.type}, {"reason", error.context}});
    if (header.kind == wire::Kind::request) {
      asio::post(executor,
                 [self = shared_from_this(), id = header.id, error] { self->peer.requester().cancel(id, error); });
    } else if (header.kind == wire::Kind::reply) {
      Envelope refusal;
      refusal.kind = wire::Kind::reply;
      refusal.id = header.id;
      refusal.address = header.address;
      refusal.message = wire::refusal(error);
      send(std::move(refusal));
    }
  }

  // --- in

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (!self || error || self->closed) return;
                            if (self->drain()) self->wait();
                          });
  }

  void drain_soon() {
    if (std::exchange(drain_posted, true)) return;
    asio::post(executor, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->closed) return;
      self->drain_posted = false;
      self->drain();
    });
  }

  // Until nothing is left (libzmq signals only once); false when it was closed meanwhile.
  bool drain() {
    draining = true;
    for (int count = 0; !closed; ++count) {
      if (count == kMessagesPerTurn) {
        drain_soon();
        break;
      }
      auto frames = dealer.receive(2 + wire::kAttachmentsMax);
      if (!frames) break;
      auto envelope = wire::decode(std::move(*frames));
      if (!envelope) {
        telemetry::log_warning("malformed message from the bus", {{"reason", envelope.error().context}});
        continue;
      }
      peer.on_message(std::move(*envelope), system_now(), *this);
    }
    draining = false;
    return !closed;
  }

  // --- time

  void tick() {
    ticker.expires_after(kTick);
    ticker.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!self || error || self->closed) return;
      const Instant now = system_now();
      self->peer.on_tick(now, *self);
      self->reconnect(now);
      self->drain();
      self->tick();
    });
  }

  void reconnect(Instant now) {
    if (peer.connected()) {
      opened_at = now;
    } else if (now - opened_at > kReconnectAfter) {
      if (auto opened = open(); !opened) telemetry::log_warning("no bus", {{"reason", opened.error().context}});
      opened_at = now;
    }
  }

  // --- services

  /// `busy` counts what runs of this service: one that hangs does not refuse the others' requests.
  void run(const Handler& handler, unsigned running_max, const std::shared_ptr<unsigned>& busy, Envelope request) {
    if (*busy >= running_max) {
      const auto busy = fail(Code::overloaded, "this worker is at its limit");
      return peer.answer(request, busy, system_now(), *this);
    }
    ++*busy;
    running.emplace_front();
    const auto place = running.begin();
    Message question = std::exchange(request.message, {});
    Envelope asked = request;  // whom to answer; what is asked is the handler's alone
    request.message = std::move(question);
    auto work = handler(std::move(request));
    auto done = [self = shared_from_this(), place, busy, asked = std::move(asked)](std::exception_ptr thrown,
                                                                                   Result<Message> result) {
      if (thrown) result = failed(thrown);
      --*busy;
      self->running.erase(place);
      self->peer.answer(asked, std::move(result), system_now(), *self);
    };
    asio::co_spawn(executor, std::move(work), asio::bind_cancellation_slot(place->slot(), std::move(done)));
  }

  static Result<Message> failed(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      telemetry::log_error("a handler threw", {{"what", exception.what()}});
    } catch (...) {
      telemetry::log_error("a handler threw");
    }
    return fail(Code::internal, "the worker failed on this request");
  }

  // --- requests

  template <class Complete>
  void request(std::string service, Message message, Instant deadline, std::string stream, Complete complete) {
    const Instant now = system_now();
    const Id id = ids.next(now);
    auto slot = asio::get_associated_cancellation_slot(complete);
    if (slot.is_connected()) {
      slot.assign([weak = weak_from_this(), id](asio::cancellation_type) {
        if (const auto self = weak.lock()) self->peer.requester().cancel(id, fail(Code::unavailable, "cancelled"));
      });
    }
    // std::function copies, completions only move.
    auto shared = std::make_shared<Complete>(std::move(complete));
    auto done = [self = shared_from_this(), shared, slot](Result<Message> result) mutable {
      if (slot.is_connected()) slot.clear();
      // Never from inside request(): the coroutine is not suspended yet.
      asio::post(self->executor,
                 [shared = std::move(shared), result = std::move(result)]() mutable { (*shared)(std::move(result)); });
    };
    peer.request(id, std::move(service), std::move(message), deadline, std::move(stream), now, *this, std::move(done));
  }

  asio::any_io_executor executor;
  std::string endpoint;
  CurveKeys keys;
  Bytes server_public;
  ZmqContext context;  // before the socket: it ends after it
  ZmqSocket dealer;
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer ticker;
  actor::Peer peer;
  RandomIdSource ids;
  Instant opened_at{};
  std::map<std::string, unsigned> services;
  std::list<asio::cancellation_signal> running;
  bool draining = false;
  bool drain_posted = false;
  bool closed = false;
};

Port::Port(asio::any_io_executor executor, const config::PeerIdentity& identity)
    : state_(std::make_shared<State>(std::move(executor), identity)) {
  if (auto opened = state_->open(); !opened) throw std::runtime_error(opened.error().context);
  state_->peer.start(system_now(), *state_);
  state_->tick();
}

Port::~Port() {
  state_->closed = true;
  state_->ticker.cancel();
  state_->peer.leave(*state_);
  state_->close();
}

asio::awaitable<Result<Message>> Port::request(std::string service, Message message, Instant deadline,
                                               std::string stream) {
  const auto state = state_;
  if (state->closed) co_return fail(Code::unavailable, "this process has left the bus");
  auto begin = [state](auto complete, std::string to, Message question, Instant until, std::string pinned) {
    state->request(std::move(to), std::move(question), until, std::move(pinned), std::move(complete));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, RequestSignature>(
      begin, asio::use_awaitable, std::move(service), std::move(message), deadline, std::move(stream));
}

void Port::publish(std::string topic, Message message) {
  state_->peer.publish(state_->ids.next(system_now()), std::move(topic), std::move(message), *state_);
}

void Port::subscribe(std::string prefix, Subscriber subscriber) {
  state_->peer.subscribe(std::move(prefix), std::move(subscriber), system_now(), *state_);
}

void Port::serve(std::string service, unsigned credit, Handler handler, actor::Repeats repeats) {
  HOLDPOINT_INVARIANT(credit > 0);
  state_->services[service] = credit;
  // The broker keeps to the credit; a slot that it gave up on after the deadline may still run here.
  const unsigned running_max = 4 * credit;
  auto busy = std::make_shared<unsigned>(0);
  auto take = [state = state_.get(), running_max, busy = std::move(busy), handler = std::move(handler)](
                  Envelope request) { state->run(handler, running_max, busy, std::move(request)); };
  state_->peer.serve(std::move(service), credit, std::move(take), system_now(), *state_, repeats);
}

void Port::release(const std::string& service, const std::string& stream) {
  state_->peer.requester().release(service, stream, system_now(), *state_);
}

bool Port::connected() const { return state_->peer.connected(); }

asio::awaitable<void> Port::stop() {
  const auto state = state_;
  if (state->closed) co_return;
  for (const auto& [service, credit] : state->services) state->peer.withdraw(service, system_now(), *state);
  asio::steady_timer pause(state->executor);
  const auto wait_until = std::chrono::steady_clock::now() + kStopPatience;
  while (!state->running.empty() && std::chrono::steady_clock::now() < wait_until) {
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(asio::use_awaitable);
  }
  for (auto& signal : state->running) signal.emit(asio::cancellation_type::terminal);
  state->peer.leave(*state);
  // LINGER is 0: what was just handed to libzmq needs a moment to leave.
  pause.expires_after(std::chrono::milliseconds(20));
  co_await pause.async_wait(asio::use_awaitable);
  state->closed = true;
  state->ticker.cancel();
  state->close();
}

}  // namespace holdpoint::socket
