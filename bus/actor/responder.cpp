#include "bus/actor/responder.hpp"

namespace holdpoint::actor {
namespace {

// For a request without a deadline: as long as the broker keeps it in flight.
constexpr Duration kUntilDefault = std::chrono::seconds(60);
// Thousands of answers are kept; looking at each with every tick would be most of an idle worker's work.
constexpr Duration kSweepInterval = std::chrono::seconds(1);

/// What a document takes in memory, about: names, texts, nodes.
std::size_t weight(const Json& json) {
  std::size_t bytes = sizeof(Json);
  if (json.is_string()) bytes += json.get_ref<const std::string&>().size();
  if (json.is_array()) {
    for (const Json& each : json) bytes += weight(each);
  }
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) bytes += sizeof(std::string) + name.size() + weight(value);
  }
  return bytes;
}

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
  running_entries_.push_back({key, State::running, has_deadline ? request.deadline : now + kUntilDefault, {}, 0});
  index_.emplace(std::move(key), std::prev(running_entries_.end()));
  return Verdict::run;
}

void Responder::answer(const wire::Envelope& request, wire::Message message, Instant, Transport& transport,
                       Repeats repeats) {
  const auto found = index_.find(Key{request.sender.key_id, request.id});
  if (found == index_.end() || found->second->state != State::running) return;
  if (repeats == Repeats::run_again) {
    running_entries_.erase(found->second);
    index_.erase(found);
    return transport.send(reply_to(request, std::move(message)));
  }
  Entry& entry = *found->second;
  entry.state = State::answered;
  entry.answer = message;
  entry.bytes = sizeof(Entry) + weight(message.body) + message.text.size();
  for (const Bytes& attachment : message.attachments) entry.bytes += attachment.size();
  answer_bytes_ += entry.bytes;
  answered_.splice(answered_.end(), running_entries_, found->second);
  shrink();
  transport.send(reply_to(request, std::move(message)));
}

void Responder::on_tick(Instant now) {
  if (now - swept_ < kSweepInterval && now >= swept_) return;
  swept_ = now;
  // A running one is dropped by its answer alone: its handler still holds what it works on.
  sweep(answered_, now);
  sweep(forgotten_, now);
}

void Responder::sweep(Entries& entries, Instant now) {
  for (auto entry = entries.begin(); entry != entries.end();) {
    const auto current = entry++;
    if (current->until <= now) drop(entries, current);
  }
}

void Responder::drop(Entries& entries, Entries::iterator entry) {
  answer_bytes_ -= entry->bytes;
  index_.erase(entry->key);
  entries.erase(entry);
}

void Responder::shrink() {
  while (answer_bytes_ > limits_.answer_bytes_max && !answered_.empty()) {
    Entry& oldest = answered_.front();
    answer_bytes_ -= oldest.bytes;
    oldest.bytes = 0;
    oldest.answer = {};
    oldest.state = State::forgotten;
    forgotten_.splice(forgotten_.end(), answered_, answered_.begin());
  }
  while (index_.size() > limits_.ids_max && !forgotten_.empty()) drop(forgotten_, forgotten_.begin());
  while (index_.size() > limits_.ids_max && !answered_.empty()) drop(answered_, answered_.begin());
}

}  // namespace holdpoint::actor
