#include "bus/actor/requester.hpp"

#include <algorithm>

#include "bus/wire/packet.hpp"

namespace holdpoint::actor {

using wire::Envelope;

void Requester::request(const Id& id, std::string service, wire::Message message, Instant deadline, std::string stream,
                        Instant now, Transport& transport, Done done) {
  if (deadline <= now) return done(fail(Code::timed_out, "the deadline has passed before the request was sent"));
  if (pending_.size() >= limits_.pending_max) {
    return done(fail(Code::overloaded, "too many requests wait for answers in this process"));
  }
  wire::Header names;
  names.address = service;
  names.type = message.type;
  names.stream = stream;
  // The body is measured where it is written; here what would break the header or the frames.
  if (auto within = wire::check_limits(names, 0, message.attachments); !within) return done(within.error());
  std::uint64_t epoch = 0;
  if (!stream.empty()) {
    const auto [lease, fresh] = streams_.try_emplace({service, stream});
    if (fresh && streams_.size() > limits_.streams_max) {
      streams_.erase(lease);
      return done(fail(Code::overloaded, "too many open streams in this process"));
    }
    lease->second.used = now;
    epoch = lease->second.epoch;
  }
  Envelope envelope;
  envelope.kind = wire::Kind::request;
  envelope.id = id;
  envelope.deadline = deadline;
  envelope.address = std::move(service);
  envelope.stream = std::move(stream);
  envelope.epoch = epoch;
  envelope.message = std::move(message);
  const auto [entry, inserted] =
      pending_.emplace(id, Pending{std::move(envelope), now, limits_.resend_first, std::move(done)});
  HOLDPOINT_INVARIANT(inserted);
  send(entry->second, now, transport);
}

void Requester::on_reply(Envelope reply) {
  if (!reply.stream.empty() && reply.epoch != 0) {
    const auto lease = streams_.find({reply.address, reply.stream});
    if (lease != streams_.end()) lease->second.epoch = std::max(lease->second.epoch, reply.epoch);
  }
  const auto found = pending_.find(reply.id);
  if (found == pending_.end() || found->second.envelope.address != reply.address) return;
  finish(found, wire::accepted(std::move(reply.message)));
}

void Requester::set_back(Duration by) {
  due_ = {};
  for (auto& [id, pending] : pending_) {
    pending.resend_at -= by;
    pending.envelope.deadline -= by;
    schedule(id, pending);
  }
  for (auto& [key, stream] : streams_) stream.used -= by;
}

void Requester::on_tick(Instant now, Transport& transport) {
  if (now < ticked_) set_back(ticked_ - now);
  ticked_ = now;
  while (!due_.empty() && due_.top().at <= now) {
    const Id id = due_.top().id;
    due_.pop();
    const auto found = pending_.find(id);
    if (found == pending_.end()) continue;
    Pending& pending = found->second;
    if (pending.envelope.deadline <= now) {
      finish(found, fail(Code::timed_out, "no answer from \"" + pending.envelope.address + "\" before the deadline"));
    } else if (pending.resend_at <= now) {
      pending.pause = std::min(pending.pause * 2, limits_.resend_max);
      send(pending, now, transport);
    }
  }
  std::erase_if(streams_, [&](const auto& entry) { return now - entry.second.used > limits_.stream_idle_max; });
}

void Requester::resend_all(Instant now, Transport& transport) {
  for (auto& [id, pending] : pending_) send(pending, now, transport);
}

void Requester::cancel(const Id& id, const Error& error) {
  if (const auto found = pending_.find(id); found != pending_.end()) finish(found, error);
}

void Requester::fail_all(const Error& error) {
  while (!pending_.empty()) finish(pending_.begin(), error);
}

void Requester::release(const std::string& service, const std::string& stream, Instant, Transport& transport) {
  const auto lease = streams_.find({service, stream});
  if (lease == streams_.end()) return;
  Envelope envelope;
  envelope.kind = wire::Kind::goodbye;
  envelope.address = service;
  envelope.stream = stream;
  envelope.epoch = lease->second.epoch;
  streams_.erase(lease);
  transport.send(std::move(envelope));  // lost: the broker's lease runs out by itself
}

void Requester::finish(std::unordered_map<Id, Pending>::iterator found, Result<wire::Message> result) {
  // `done` may send the next request: nothing of this one may be left when it runs.
  const Done done = std::move(found->second.done);
  pending_.erase(found);
  done(std::move(result));
}

void Requester::schedule(const Id& id, const Pending& pending) {
  due_.push({std::min(pending.resend_at, pending.envelope.deadline), id});
}

void Requester::send(Pending& pending, Instant now, Transport& transport) {
  pending.resend_at = now + pending.pause;
  schedule(pending.envelope.id, pending);
  transport.send_kept(pending.envelope);
}

}  // namespace holdpoint::actor
