#include "bus/actor/responder.hpp"

namespace holdpoint::actor {
namespace {

// For a request without a deadline: as long as the broker keeps it in flight.
constexpr Duration kUntilDefault = std::chrono::seconds(60);

}  // namespace

wire::Envelope Responder::reply_to(const wire::Envelope& request, wire::Message message) {
  wire::Envelope reply;
  reply.kind = wire::Kind::reply;
  reply.id = request.id;
  reply.deadline = request.deadline;
  reply.address = request.address;
  reply.stream = request.stream;
  reply.epoch = request.epoch;
  reply.message = std::move(message);
  return reply;
}

Responder::Verdict Responder::on_request(const wire::Envelope& request, Instant now, Transport& transport) {
  Key key{request.sender.key_id, request.id};
  const auto found = index_.find(key);
  if (found != index_.end()) {
    const Entry& entry = *found->second;
    if (entry.state == State::answered) transport.send(reply_to(request, entry.answer));
    if (entry.state == State::forgotten) {
      transport.send(reply_to(request, wire::refusal(fail(Code::outcome_unknown,
                                                          "this request was answered; the answer is no longer kept"))));
    }
    return Verdict::repeated;
  }
  const bool has_deadline = request.deadline != Instant{};
  if (has_deadline && request.deadline <= now) return Verdict::repeated;  // its requester has given up
  entries_.push_back({key, State::running, has_deadline ? request.deadline : now + kUntilDefault, {}, 0});
  index_.emplace(std::move(key), std::prev(entries_.end()));
  ++running_;
  return Verdict::run;
}

void Responder::answer(const wire::Envelope& request, wire::Message message, Instant, Transport& transport) {
  const auto found = index_.find(Key{request.sender.key_id, request.id});
  if (found == index_.end() || found->second->state != State::running) return;
  Entry& entry = *found->second;
  --running_;
  entry.state = State::answered;
  entry.answer = message;
  entry.bytes = 256 + to_json(message.body).size();  // an estimate of the rest: names, nodes
  for (const Bytes& attachment : message.attachments) entry.bytes += attachment.size();
  answer_bytes_ += entry.bytes;
  entries_.splice(entries_.end(), entries_, found->second);
  shrink();
  transport.send(reply_to(request, std::move(message)));
}

void Responder::on_tick(Instant now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto current = entry++;
    // A running one is dropped by its answer alone: its handler still holds what it works on.
    if (current->state != State::running && current->until <= now) drop(current);
  }
}

void Responder::drop(Entries::iterator entry) {
  answer_bytes_ -= entry->bytes;
  index_.erase(entry->key);
  entries_.erase(entry);
}

void Responder::shrink() {
  for (auto entry = entries_.begin(); entry != entries_.end() && answer_bytes_ > limits_.answer_bytes_max; ++entry) {
    if (entry->state != State::answered) continue;
    answer_bytes_ -= entry->bytes;
    entry->bytes = 0;
    entry->answer = {};
    entry->state = State::forgotten;
  }
  for (auto entry = entries_.begin(); entry != entries_.end() && entries_.size() > limits_.ids_max;) {
    const auto current = entry++;
    if (current->state != State::running) drop(current);
  }
}

}  // namespace holdpoint::actor
