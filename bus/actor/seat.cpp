#include "bus/actor/seat.hpp"

#include <utility>

namespace holdpoint::actor {

using wire::Envelope;
using wire::Kind;

namespace {

// A fresh connection takes some milliseconds until it carries anything, and what is sent before is dropped.
constexpr Duration kSeekInterval = std::chrono::milliseconds(100);

}  // namespace

Envelope Seat::statement(Kind kind, std::size_t running) const {
  Envelope envelope;
  envelope.kind = kind;
  Json services = Json::object();
  for (const auto& [service, credit] : services_) services[service] = credit;
  envelope.message.body = {{"services", std::move(services)}, {"topics", topics_}, {"running", running}};
  return envelope;
}

void Seat::start(Instant now, Transport& transport) {
  stated_ = now;
  transport.send(statement(Kind::hello, 0));
}

void Seat::serve(const std::string& service, unsigned credit, Instant, Transport& transport) {
  services_[service] = credit;
  Envelope envelope;
  envelope.kind = Kind::serve;
  envelope.address = service;
  envelope.message.body = {{"credit", credit}};
  transport.send(std::move(envelope));
}

void Seat::subscribe(const std::string& prefix, Instant, Transport& transport) {
  topics_.insert(prefix);
  Envelope envelope;
  envelope.kind = Kind::subscribe;
  envelope.address = prefix;
  transport.send(std::move(envelope));
}

void Seat::leave(Transport& transport) {
  Envelope envelope;
  envelope.kind = Kind::goodbye;
  transport.send(std::move(envelope));
  joined_ = false;
}

Seat::News Seat::on_message(const Envelope& envelope, Instant now) {
  heard_ = now;
  if (envelope.kind == Kind::goodbye) {
    // Revoked or beyond a limit. Answering at once would make a loop: the next statement comes with its tick.
    const bool had = std::exchange(joined_, false);
    return had ? News::lost : News::none;
  }
  if (envelope.kind != Kind::welcome && envelope.kind != Kind::heartbeat) return News::none;
  if (joined_ && envelope.epoch == broker_epoch_) return News::none;
  joined_ = true;
  broker_epoch_ = envelope.epoch;
  return News::joined;
}

Seat::News Seat::on_tick(std::size_t running, Instant now, Transport& transport) {
  News news = News::none;
  heard_ = std::min(heard_, now);  // the clock may have been set back
  stated_ = std::min(stated_, now);
  if (joined_ && now - heard_ > kLiveness) {
    joined_ = false;
    news = News::lost;
  }
  if (now - stated_ >= (joined_ ? kHeartbeatInterval : kSeekInterval)) {
    stated_ = now;
    transport.send(statement(joined_ ? Kind::heartbeat : Kind::hello, running));
  }
  return news;
}

}  // namespace holdpoint::actor
