#include "bus/broker/dispatch.hpp"

#include <algorithm>

namespace holdpoint::broker {
namespace {

using wire::Packet;

std::string lease_key(std::string_view service, std::string_view key_id, std::string_view stream) {
  std::string key(service);
  key.append(1, '\0').append(key_id).append(1, '\0').append(stream);
  return key;
}

Instant until_of(const wire::Header& header, Instant now, const DispatchLimits& limits) {
  if (header.deadline == Instant{}) return now + limits.deadline_default;
  return std::min(header.deadline, now + limits.deadline_max);
}

}  // namespace

Packet reply_to(const wire::Header& request, const wire::Message& message) {
  Packet packet;
  packet.header.kind = wire::Kind::reply;
  packet.header.id = request.id;
  packet.header.deadline = request.deadline;
  packet.header.address = request.address;
  packet.header.stream = request.stream;
  packet.header.epoch = request.epoch;
  packet.header.sender.role = wire::Role::broker;
  packet.header.type = message.type;
  packet.body = to_json(message.body);
  return packet;
}

void Dispatch::refuse(const PeerId& requester, const wire::Header& request, Code code, std::string context,
                      Outlet& outlet) {
  Packet packet = reply_to(request, wire::refusal(fail(code, std::move(context))));
  outlet.send(requester, packet);
}

Result<void> Dispatch::serve(const ServiceRule& rule, const PeerId& worker, unsigned credit, Instant now,
                             Outlet& outlet) {
  Service& service = services_[std::string(rule.service)];
  service.rule = &rule;
  if (!service.workers.contains(worker) && service.workers.size() >= limits_.workers_max) {
    return fail(Code::overloaded, "too many workers serve \"" + std::string(rule.service) + "\"");
  }
  service.workers[worker].credit = std::min(credit, limits_.credit_max);
  pump(service, now, outlet);
  return {};
}

void Dispatch::withdraw(const std::string& service, const PeerId& worker, Instant now, Outlet& outlet) {
  const auto found = services_.find(service);
  if (found != services_.end()) drop_worker(found->second, worker, now, outlet);
}

void Dispatch::submit(const ServiceRule& rule, const PeerId& requester, Packet packet, Instant now, Outlet& outlet) {
  const Instant until = until_of(packet.header, now, limits_);
  if (until <= now) return refuse(requester, packet.header, Code::timed_out, "the deadline has passed", outlet);
  if (repeated(rule, requester, packet, until, now, outlet)) return;
  Service& service = services_[std::string(rule.service)];
  service.rule = &rule;
  Queue* queue = &service.queue;
  // First come, first served, but a stream's part waits for its own worker alone.
  if (queue->empty() || !packet.header.stream.empty()) {
    queue = place(service, requester, packet, until, false, now, outlet);
  }
  if (queue != nullptr) enqueue(service, *queue, requester, std::move(packet), until, now, outlet);
}

Dispatch::Queue* Dispatch::place(Service& service, const PeerId& requester, Packet& packet, Instant until, bool waited,
                                 Instant now, Outlet& outlet) {
  while (true) {
    PeerId worker;
    if (packet.header.stream.empty()) {
      worker = least_loaded(service, true);
    } else {
      auto pinned = pin(service, requester, packet, now, outlet);
      if (!pinned) return nullptr;
      worker = std::move(*pinned);
      if (!worker.empty()) {
        Worker& chosen = service.workers.at(worker);
        if (chosen.flights.size() >= chosen.credit || (!waited && !chosen.pinned.empty())) return &chosen.pinned;
      }
    }
    if (worker.empty()) return &service.queue;
    if (forward(service, worker, requester, packet, until, now, outlet)) return nullptr;
  }
}

bool Dispatch::repeated(const ServiceRule& rule, const PeerId& requester, Packet& packet, Instant until, Instant now,
                        Outlet& outlet) {
  const Id& id = packet.header.id;
  const std::string& key_id = packet.header.sender.key_id;
  const auto conflict = [&](const std::string& owner) {
    if (owner == key_id) return false;
    refuse(requester, packet.header, Code::conflict, "another peer uses this request id", outlet);
    return true;
  };
  if (const auto found = in_flight_.find(id); found != in_flight_.end()) {
    Flight& flight = found->second;
    if (conflict(flight.key_id)) return true;
    flight.requester = requester;  // it may have reconnected
    packet.header.epoch = flight.epoch;
    const PeerId worker = flight.worker;
    if (outlet.send(worker, packet) != Sent::unreachable) return true;
    lost(worker, now, outlet);
  }
  if (const auto found = queued_.find(id); found != queued_.end()) {
    if (conflict(found->second.key_id)) return true;
    found->second.requester = requester;
    return true;
  }
  const auto found = history_.find(id);
  if (found == history_.end()) return false;
  Past& past = found->second;
  if (conflict(past.key_id)) return true;
  const unsigned losses_max = rule.loss == WorkerLoss::refuse ? 1 : limits_.losses_max;
  if (past.losses >= losses_max) {
    refuse(requester, packet.header, Code::unavailable, "the worker that had this request died", outlet);
    return true;
  }
  // Back to the worker that answered, which repeats its answer; that costs it no credit.
  const auto service = services_.find(packet.header.address);
  if (past.worker.empty() || service == services_.end() || !service->second.workers.contains(past.worker)) return false;
  return forward(service->second, PeerId(past.worker), requester, packet, until, now, outlet);
}

std::optional<PeerId> Dispatch::pin(Service& service, const PeerId& requester, Packet& packet, Instant now,
                                    Outlet& outlet) {
  wire::Header& header = packet.header;
  const bool refuse_loss = service.rule->loss == WorkerLoss::refuse;
  const std::string key = lease_key(header.address, header.sender.key_id, header.stream);
  auto found = leases_.find(key);
  if (found != leases_.end() && found->second.worker.empty()) {
    found->second.used = now;
    refuse(requester, header, Code::unavailable, "the worker of this stream died; begin a new stream", outlet);
    return std::nullopt;
  }
  const std::uint64_t known = found == leases_.end() ? 0 : found->second.epoch;
  if (refuse_loss && header.epoch != 0 && header.epoch != known) {
    refuse(requester, header, Code::unavailable, "the lease of this stream is gone; begin a new stream", outlet);
    return std::nullopt;
  }
  if (found == leases_.end()) {
    if (leases_.size() >= limits_.leases_max) {
      refuse(requester, header, Code::overloaded, "too many open streams", outlet);
      return std::nullopt;
    }
    PeerId worker = least_loaded(service, false);
    if (worker.empty()) return PeerId();
    found = leases_.emplace(key, Lease{std::move(worker), next_epoch_++, now}).first;
  }
  found->second.used = now;
  header.epoch = found->second.epoch;
  return found->second.worker;
}

PeerId Dispatch::least_loaded(Service& service, bool with_capacity) {
  std::pair<const PeerId, Worker>* best = nullptr;
  // Load is the share of its credit that a worker has in use; equals take turns.
  const auto less = [](const Worker& a, const Worker& b) {
    const std::uint64_t load_a = (a.flights.size() + a.pinned.size()) * std::uint64_t{b.credit};
    const std::uint64_t load_b = (b.flights.size() + b.pinned.size()) * std::uint64_t{a.credit};
    return load_a != load_b ? load_a < load_b : a.picked < b.picked;
  };
  for (auto& entry : service.workers) {
    const Worker& worker = entry.second;
    if (worker.credit == 0 || (with_capacity && worker.flights.size() >= worker.credit)) continue;
    if (best == nullptr || less(worker, best->second)) best = &entry;
  }
  if (best == nullptr) return {};
  best->second.picked = ++picks_;
  return best->first;
}

bool Dispatch::forward(Service& service, const PeerId& worker, const PeerId& requester, Packet& packet, Instant until,
                       Instant now, Outlet& outlet) {
  const Id id = packet.header.id;
  Flight flight{
      requester, packet.header.sender.key_id, packet.header.address, packet.header.stream, packet.header.epoch, worker,
      until};
  // `full` counts as in flight: the requester's resend is sent to the same worker again.
  if (outlet.send(worker, packet) == Sent::unreachable) {
    lost(PeerId(worker), now, outlet);
    return false;
  }
  service.workers.at(worker).flights.insert(id);
  in_flight_.emplace(id, std::move(flight));
  return true;
}

void Dispatch::enqueue(Service& service, Queue& queue, const PeerId& requester, Packet packet, Instant until,
                       Instant now, Outlet& outlet) {
  const std::size_t bytes = wire::payload_bytes(packet);
  if (service.waiting >= limits_.queue_max || queued_bytes_ + bytes > limits_.queue_bytes_max) {
    return refuse(requester, packet.header, Code::overloaded, "the queue of \"" + packet.header.address + "\" is full",
                  outlet);
  }
  queued_bytes_ += bytes;
  ++service.waiting;
  queued_.emplace(packet.header.id, Queued{requester, packet.header.sender.key_id});
  queue.push_back({std::move(packet), until, now});
}

bool Dispatch::pump_first(Service& service, Queue& queue, Instant now, Outlet& outlet) {
  Waiting waiting = std::move(queue.front());
  queue.pop_front();
  const Id id = waiting.packet.header.id;
  const std::size_t bytes = wire::payload_bytes(waiting.packet);
  const PeerId requester = queued_.at(id).requester;
  Queue* next = place(service, requester, waiting.packet, waiting.until, true, now, outlet);
  if (next == nullptr) {
    queued_.erase(id);
    --service.waiting;
    queued_bytes_ -= bytes;
    return true;
  }
  const bool stays = next == &queue;
  if (stays) {
    next->push_front(std::move(waiting));
  } else {
    next->push_back(std::move(waiting));
  }
  return !stays;
}

void Dispatch::pump(Service& service, Instant now, Outlet& outlet) {
  std::vector<PeerId> pinned;
  for (const auto& [worker, state] : service.workers) {
    if (!state.pinned.empty()) pinned.push_back(worker);
  }
  for (const PeerId& worker : pinned) {
    // Looked up each time: placing may find that a worker is gone.
    for (auto found = service.workers.find(worker); found != service.workers.end();
         found = service.workers.find(worker)) {
      Worker& state = found->second;
      if (state.pinned.empty() || state.flights.size() >= state.credit) break;
      if (!pump_first(service, state.pinned, now, outlet)) break;
    }
  }
  while (!service.queue.empty() && pump_first(service, service.queue, now, outlet)) {
  }
}

void Dispatch::answer(const PeerId& worker, Packet packet, Instant now, Outlet& outlet) {
  const Id id = packet.header.id;
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end() || found->second.worker != worker) return;  // late, repeated, or not its own
  Flight flight = std::move(found->second);
  in_flight_.erase(found);
  Service& service = services_.at(flight.service);
  service.workers.at(worker).flights.erase(id);
  remember(id, {flight.key_id, worker, 0, flight.until});
  packet.header.address = flight.service;
  packet.header.stream = flight.stream;
  packet.header.epoch = flight.epoch;
  outlet.send(flight.requester, packet);  // lost: the requester asks again and the worker repeats it
  pump(service, now, outlet);
}

void Dispatch::reclaim(const PeerId& worker, std::size_t running, Instant now, Outlet& outlet) {
  for (auto& [name, service] : services_) {
    const auto found = service.workers.find(worker);
    if (found == service.workers.end()) continue;
    std::vector<Id> late;
    for (const Id& id : found->second.flights) {
      if (in_flight_.at(id).until + limits_.slot_grace_known <= now) late.push_back(id);
    }
    if (late.size() <= running) continue;
    late.resize(late.size() - running);
    for (const Id& id : late) {
      found->second.flights.erase(id);
      in_flight_.erase(id);
    }
    pump(service, now, outlet);
  }
}

void Dispatch::release(const std::string& service, const std::string& key_id, const std::string& stream) {
  leases_.erase(lease_key(service, key_id, stream));
}

void Dispatch::lost(const PeerId& worker, Instant now, Outlet& outlet) {
  for (auto& [name, service] : services_) drop_worker(service, worker, now, outlet);
}

void Dispatch::drop_worker(Service& service, const PeerId& worker, Instant, Outlet& outlet) {
  const auto found = service.workers.find(worker);
  if (found == service.workers.end()) return;
  Worker gone = std::move(found->second);
  service.workers.erase(found);
  const bool refuse_loss = service.rule->loss == WorkerLoss::refuse;
  for (const Id& id : gone.flights) {
    auto node = in_flight_.extract(id);
    HOLDPOINT_INVARIANT(!node.empty());
    const Flight& flight = node.mapped();
    const auto past = history_.find(id);
    const unsigned losses = past == history_.end() ? 1 : past->second.losses + 1;
    remember(id, {flight.key_id, {}, losses, flight.until});
    if (!refuse_loss) continue;
    wire::Header request;
    request.id = id;
    request.address = flight.service;
    request.stream = flight.stream;
    request.epoch = flight.epoch;
    refuse(flight.requester, request, Code::unavailable, "the worker that had this request died", outlet);
  }
  drop_leases(service, worker);
  // Not sent yet. place() refuses them by their dead lease, or pins them anew.
  for (auto waiting = gone.pinned.rbegin(); waiting != gone.pinned.rend(); ++waiting) {
    service.queue.push_front(std::move(*waiting));
  }
}

void Dispatch::drop_leases(const Service& service, const PeerId& worker) {
  const std::string prefix = std::string(service.rule->service) + '\0';
  for (auto lease = leases_.lower_bound(prefix); lease != leases_.end() && lease->first.starts_with(prefix);) {
    const auto current = lease++;
    if (current->second.worker != worker) continue;
    if (service.rule->loss == WorkerLoss::refuse) {
      current->second.worker.clear();
    } else {
      leases_.erase(current);
    }
  }
}

void Dispatch::prune(Service& service, Queue& queue, bool no_worker, Instant now, Outlet& outlet) {
  std::erase_if(queue, [&](Waiting& waiting) {
    const bool late = waiting.until <= now;
    if (!late && !(no_worker && now - waiting.since >= limits_.no_worker_max)) return false;
    const wire::Header& header = waiting.packet.header;
    const PeerId requester = queued_.at(header.id).requester;
    queued_.erase(header.id);
    --service.waiting;
    queued_bytes_ -= wire::payload_bytes(waiting.packet);
    if (late) {
      refuse(requester, header, Code::timed_out, "no worker was free before the deadline", outlet);
    } else {
      refuse(requester, header, Code::unavailable, "nobody serves \"" + header.address + "\"", outlet);
    }
    return true;
  });
}

void Dispatch::on_clock_set_back(Duration by) {
  for (auto& [key, flight] : in_flight_) flight.until -= by;
  for (auto& [key, lease] : leases_) lease.used -= by;
}

void Dispatch::on_tick(Instant now, Outlet& outlet) {
  std::erase_if(in_flight_, [&](const auto& entry) {
    const Flight& flight = entry.second;
    if (flight.until + limits_.slot_grace > now) return false;
    services_.at(flight.service).workers.at(flight.worker).flights.erase(entry.first);
    return true;
  });
  for (auto& [name, service] : services_) {
    pump(service, now, outlet);
    prune(service, service.queue, least_loaded(service, false).empty(), now, outlet);
    for (auto& [worker, state] : service.workers) prune(service, state.pinned, false, now, outlet);
  }
  std::erase_if(leases_, [&](const auto& entry) { return now - entry.second.used > limits_.lease_idle_max; });
  while (!history_order_.empty()) {
    const auto oldest = history_.find(history_order_.front());
    if (oldest != history_.end() && oldest->second.until > now) break;
    if (oldest != history_.end()) history_.erase(oldest);
    history_order_.pop_front();
  }
}

void Dispatch::remember(const Id& id, Past past) {
  if (!history_.insert_or_assign(id, std::move(past)).second) return;
  history_order_.push_back(id);
  if (history_order_.size() <= limits_.history_max) return;
  history_.erase(history_order_.front());
  history_order_.pop_front();
}

std::vector<Dispatch::ServiceStatus> Dispatch::status() const {
  std::vector<ServiceStatus> all;
  for (const auto& [name, service] : services_) {
    std::size_t flights = 0;
    for (const auto& [worker, state] : service.workers) flights += state.flights.size();
    all.push_back({name, service.workers.size(), service.waiting, flights});
  }
  return all;
}

}  // namespace holdpoint::broker
