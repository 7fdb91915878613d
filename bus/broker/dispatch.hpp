// Owns requests on their way to workers: queues, credit, pinned streams, and ids in flight. Pure: no clock, no socket.
//
//   request --worker free--> in flight --reply--> answered
//      |                        |  \--worker lost--> refused unavailable (masks), or forgotten: the resend is routed
//      |                        \--deadline--> forgotten
//      \--all busy--> queued --worker free--> in flight
//            |           \--deadline--> refused timed_out;  no worker for 2 s--> refused unavailable
//            \--queue full--> refused overloaded
//
//   stream: pinned --worker lost--> dead (masks: every later part is refused) or pinned to another, new epoch (records)
//              \--released, idle for 60 s--> gone
//
// Guarantees: an id is with at most one live worker; a repeated id goes to the worker that has or had it as long as it
// lives and the deadline has not passed; a worker never has more new requests than its credit.
// Not here: roles and topics (broker.cpp), who is alive (broker.cpp calls lost()).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bus/broker/access.hpp"
#include "bus/broker/outlet.hpp"

namespace holdpoint::broker {

struct DispatchLimits {
  std::size_t queue_max = 1000;                        ///< per service: seconds of work; more would only miss deadlines
  std::size_t queue_bytes_max = 256u << 20;            ///< of all queued payloads together: the broker's memory
  std::size_t workers_max = 256;                       ///< per service; choosing one looks at each
  unsigned credit_max = 1024;                          ///< per worker
  std::size_t leases_max = 65'536;                     ///< a gateway's parked requests, several gateways
  std::size_t history_max = 65'536;                    ///< ids remembered after their answer or loss
  Duration no_worker_max = std::chrono::seconds(2);    ///< bridges the restart of a worker
  Duration lease_idle_max = std::chrono::seconds(60);  ///< a stream's parts follow each other within a read time-out
  Duration deadline_default = std::chrono::seconds(60);  ///< for a request without one
  Duration deadline_max = std::chrono::hours(1);
  /// A slot outlives the deadline by this much unless its worker answers: it may still be at work. Shorter for a worker
  /// that says how much it is working on.
  Duration slot_grace = std::chrono::seconds(30);
  Duration slot_grace_known = std::chrono::seconds(1);
  unsigned losses_max = 3;  ///< workers that one id may outlive where it may be resent
};

class Dispatch {
 public:
  Dispatch(DispatchLimits limits, std::uint64_t first_epoch) : limits_(limits), next_epoch_(first_epoch) {}

  /// Registers a worker or changes its credit. Fails with `overloaded` beyond the limits.
  Result<void> serve(const ServiceRule& rule, const PeerId& worker, unsigned credit, Instant now, Outlet& outlet);
  void withdraw(const std::string& service, const PeerId& worker, Instant now, Outlet& outlet);
  /// `packet` carries the requester's stamp as sender.
  void submit(const ServiceRule& rule, const PeerId& requester, wire::Packet packet, Instant now, Outlet& outlet);
  /// `packet` carries the worker's stamp. Ignored unless this worker has the request.
  void answer(const PeerId& worker, wire::Packet packet, Instant now, Outlet& outlet);
  /// The worker says that it works on `running` requests: what was lost on the way there or back, and can no longer be
  /// repeated since its deadline has passed, gives its credit back.
  void reclaim(const PeerId& worker, std::size_t running, Instant now, Outlet& outlet);
  /// Ends a stream's lease. Only its requester's key can.
  void release(const std::string& service, const std::string& key_id, const std::string& stream);
  /// The peer is gone: its requests in flight and its streams end as their service's rule says.
  void lost(const PeerId& worker, Instant now, Outlet& outlet);
  void on_tick(Instant now, Outlet& outlet);
  /// Slots of workers and leases are not kept for longer because of it; what was answered may be.
  void on_clock_set_back(Duration by);

  struct ServiceStatus {
    std::string service;
    std::size_t workers = 0;
    std::size_t queued = 0;
    std::size_t in_flight = 0;
  };
  [[nodiscard]] std::vector<ServiceStatus> status() const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Waiting {
    wire::Packet packet;
    Instant until;
    Instant since;
  };
  struct Worker {
    unsigned credit = 0;
    std::unordered_set<Id> flights;
    std::deque<Waiting> pinned;  ///< parts of its streams that wait for credit
    std::uint64_t picked = 0;    ///< for taking turns among equals
  };
  struct Service {
    const ServiceRule* rule = nullptr;
    std::map<PeerId, Worker> workers;
    std::deque<Waiting> queue;
    std::size_t waiting = 0;  ///< queue and all pinned queues
  };
  struct Flight {
    PeerId requester;
    std::string key_id;
    std::string service;
    std::string stream;
    std::uint64_t epoch = 0;
    PeerId worker;
    Instant until;
  };
  struct Queued {
    PeerId requester;
    std::string key_id;
  };
  struct Lease {
    PeerId worker;  ///< empty = dead
    std::uint64_t epoch = 0;
    Instant used{};
  };
  struct Past {
    std::string key_id;
    PeerId worker;  ///< who answered; empty after a loss
    unsigned losses = 0;
    Instant until;
  };

  using Queue = std::deque<Waiting>;

  /// True when the id is known and has been dealt with.
  bool repeated(const ServiceRule& rule, const PeerId& requester, wire::Packet& packet, Instant until, Instant now,
                Outlet& outlet);
  /// Forwards or refuses (nullptr), or says where the packet, intact, has to wait. `waited`: it is that queue's first.
  Queue* place(Service& service, const PeerId& requester, wire::Packet& packet, Instant until, bool waited, Instant now,
               Outlet& outlet);
  /// The worker that a stream is pinned to, empty when there is none at all; nullopt after a refusal was sent.
  std::optional<PeerId> pin(Service& service, const PeerId& requester, wire::Packet& packet, Instant now,
                            Outlet& outlet);
  PeerId least_loaded(Service& service, bool with_capacity);
  /// False when the worker turned out to be unreachable; then it has been lost and `packet` is intact.
  bool forward(Service& service, const PeerId& worker, const PeerId& requester, wire::Packet& packet, Instant until,
               Instant now, Outlet& outlet);
  void enqueue(Service& service, Queue& queue, const PeerId& requester, wire::Packet packet, Instant until, Instant now,
               Outlet& outlet);
  void pump(Service& service, Instant now, Outlet& outlet);
  /// Tries the first of `queue`; false when it has to go on waiting there.
  bool pump_first(Service& service, Queue& queue, Instant now, Outlet& outlet);
  void prune(Service& service, Queue& queue, bool no_worker, Instant now, Outlet& outlet);
  void drop_worker(Service& service, const PeerId& worker, Instant now, Outlet& outlet);
  void drop_leases(const Service& service, const PeerId& worker);
  void remember(const Id& id, Past past);
  void refuse(const PeerId& requester, const wire::Header& request, Code code, std::string context, Outlet& outlet);

  DispatchLimits limits_;
  std::map<std::string, Service> services_;
  std::unordered_map<Id, Flight> in_flight_;
  std::unordered_map<Id, Queued> queued_;
  std::map<std::string, Lease> leases_;  ///< by service, key id and stream
  std::unordered_map<Id, Past> history_;
  std::deque<Id> history_order_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t next_epoch_;
  std::uint64_t picks_ = 0;
};

/// A reply from the broker itself to `request`.
wire::Packet reply_to(const wire::Header& request, const wire::Message& message);

}  // namespace holdpoint::broker
