#include "bus/actor/peer.hpp"

namespace holdpoint::actor {

using wire::Envelope;
using wire::Kind;

void Peer::serve(std::string service, unsigned credit, Handler handler, Instant now, Transport& transport,
                 Repeats repeats) {
  handlers_[service] = {std::move(handler), repeats};
  seat_.serve(service, credit, now, transport);
}

void Peer::withdraw(const std::string& service, Instant now, Transport& transport) {
  seat_.serve(service, 0, now, transport);
}

void Peer::subscribe(std::string prefix, Subscriber subscriber, Instant now, Transport& transport) {
  seat_.subscribe(prefix, now, transport);
  subscribers_.emplace_back(std::move(prefix), std::move(subscriber));
}

void Peer::publish(const Id& id, std::string topic, wire::Message message, Transport& transport) {
  Envelope envelope;
  envelope.kind = Kind::publish;
  envelope.id = id;
  envelope.address = std::move(topic);
  envelope.message = std::move(message);
  transport.send(std::move(envelope));
}

void Peer::request(const Id& id, std::string service, wire::Message message, Instant deadline, std::string stream,
                   Instant now, Transport& transport, Requester::Done done) {
  requester_.request(id, std::move(service), std::move(message), deadline, std::move(stream), now, transport,
                     std::move(done));
}

void Peer::answer(const Envelope& request, Result<wire::Message> result, Instant now, Transport& transport) {
  wire::Message message = result ? std::move(*result) : wire::refusal(result.error());
  const auto service = handlers_.find(request.address);
  const bool again = service != handlers_.end() && service->second.repeats == Repeats::run_again;
  responder_.answer(request, std::move(message), now, transport,
                    again ? Repeats::run_again : Repeats::answered_from_memory);
}

void Peer::on_message(Envelope envelope, Instant now, Transport& transport) {
  react(seat_.on_message(envelope, now), now, transport);
  switch (envelope.kind) {
    case Kind::request:
      return on_request(std::move(envelope), now, transport);
    case Kind::reply:
      return requester_.on_reply(std::move(envelope));
    case Kind::publish:
      // By index: a subscriber may subscribe.
      for (std::size_t index = 0; index < subscribers_.size(); ++index) {
        if (envelope.address.starts_with(subscribers_[index].first)) subscribers_[index].second(envelope);
      }
      return;
    case Kind::hello:
    case Kind::welcome:
    case Kind::heartbeat:
    case Kind::serve:
    case Kind::credit:
    case Kind::subscribe:
    case Kind::unsubscribe:
    case Kind::goodbye:
      return;  // the seat's, or meant for a broker
  }
}

void Peer::on_request(Envelope request, Instant now, Transport& transport) {
  if (responder_.on_request(request, now, transport) != Responder::Verdict::run) return;
  const auto handler = handlers_.find(request.address);
  if (handler == handlers_.end()) {
    return answer(request, fail(Code::unavailable, "this worker does not serve \"" + request.address + "\""), now,
                  transport);
  }
  handler->second.handler(std::move(request));
}

void Peer::on_tick(Instant now, Transport& transport) {
  react(seat_.on_tick(responder_.running(), now, transport), now, transport);
  requester_.on_tick(now, transport);
  responder_.on_tick(now);
}

void Peer::react(Seat::News news, Instant now, Transport& transport) {
  if (news == Seat::News::joined) requester_.resend_all(now, transport);
}

void Peer::leave(Transport& transport) {
  seat_.leave(transport);
  requester_.fail_all(fail(Code::unavailable, "this process is leaving the bus"));
}

}  // namespace holdpoint::actor
