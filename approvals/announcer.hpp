// What follows a change of the store: its events become durable, then the store says so (which lets gateways see a
// decision), then the bus hears it. In this order alone; where a step fails the later ones wait for catch_up().
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "approvals/review_store.hpp"
#include "bus/record/event.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::approvals {

/// The journal. Returns when the events are durable; fails with `not_durable`. May block.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual Result<void> record(std::span<const record::Event> events) = 0;
};

/// The bus's topics: best effort, never blocks, from any thread.
class Publisher {
 public:
  virtual ~Publisher() = default;
  virtual void publish(std::string topic, wire::Message message) = 0;
};

class Announcer {
 public:
  Announcer(EventSink& sink, Publisher& publisher) : sink_(sink), publisher_(publisher) {}
  /// From any thread. Only a decision needs the store's word at once; that other events are on record is told to it
  /// with the next decision or tick, several in one transaction.
  Result<void> announce(ReviewStore& store, std::span<const record::Event> events);
  /// Tells the store what is on record, and finishes what a replica that died, or a journal that failed, left undone.
  /// The same event may be recorded twice then, under the same event id.
  void catch_up(ReviewStore& store, Instant now);

 private:
  Result<void> tell(ReviewStore& store, std::span<const record::Event> events);

  EventSink& sink_;
  Publisher& publisher_;
  std::mutex mutex_;
  std::vector<record::Event> recorded_;  ///< that the store was not told of; bounded by kTellMax and one batch
};

}  // namespace holdpoint::approvals
