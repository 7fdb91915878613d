#include "tests/sim/world.hpp"

#include <cstdio>

namespace holdpoint::sim {
namespace {

std::string name_of(const std::string& address) { return address.substr(0, address.find('#')); }

std::pair<std::string, std::string> pair_of(const std::string& a, const std::string& b) {
  return std::minmax(name_of(a), name_of(b));
}

}  // namespace

Id SeededIds::next(Instant now) {
  Id id;
  const auto ms = static_cast<std::uint64_t>(to_unix_ms(now));
  for (int index = 0; index < 6; ++index) id.bytes[index] = static_cast<std::uint8_t>(ms >> (40 - 8 * index));
  const std::uint64_t a = random_.next();
  const std::uint64_t b = random_.next();
  for (int index = 6; index < 16; ++index) {
    id.bytes[index] = static_cast<std::uint8_t>((index < 8 ? a : b) >> (8 * (index % 8)));
  }
  return id;
}

World::World(std::uint64_t seed, bool trace)
    : random_(seed), ids_(random_), trace_(trace), now_(from_unix_seconds(1'800'000'000)) {}

World::~World() {
  for (auto& [name, slot] : slots_) slot.node.reset();
}

void World::after(Duration delay, std::function<void()> event) {
  events_.push({now_ + delay, order_++, std::move(event)});
}

void World::after(const Life& life, Duration delay, std::function<void()> event) {
  after(delay, [this, address = life.address(), event = std::move(event)] {
    if (reachable(address)) event();
  });
}

void World::run_until(Instant end) {
  while (!events_.empty() && events_.top().at <= end) {
    // The queue hands out constants; moving from one that is popped at once spares copying its frames.
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ = event.at;
    event.run();
  }
  now_ = end;
}

void World::add(std::string name, Factory factory) {
  slots_[name].factory = std::move(factory);
  start(name);
}

void World::start(const std::string& name) {
  Slot& slot = slots_.at(name);
  if (slot.node) return;
  const Life life{*this, name, ++slot.incarnation};
  trace("start " + life.address());
  slot.node = slot.factory(life);
  slot.node->start();
}

void World::crash(const std::string& name) {
  Slot& slot = slots_.at(name);
  if (!slot.node) return;
  trace("crash " + name);
  // Its own event may be running: it goes when that has returned.
  std::shared_ptr<Node> gone = std::move(slot.node);
  after(Duration(0), [gone] {});
}

bool World::alive(const std::string& name) const { return slots_.at(name).node != nullptr; }

bool World::reachable(const std::string& address) const {
  const auto found = slots_.find(name_of(address));
  if (found == slots_.end() || !found->second.node) return false;
  const auto hash = address.find('#');
  return hash == std::string::npos || address.substr(hash + 1) == std::to_string(found->second.incarnation);
}

void World::send(const std::string& from, const std::string& to, wire::Frames frames) {
  if (random_.chance(faults_.loss)) {
    saw("message lost");
    return trace("lost " + from + " -> " + to);
  }
  const unsigned copies = random_.chance(faults_.duplicate) ? 2 : 1;
  if (copies == 2) saw("message repeated by the network");
  for (unsigned copy = 0; copy < copies; ++copy) {
    after(random_.between(faults_.delay_least, faults_.delay_most),
          [this, from, to, frames] { deliver(from, to, frames); });
  }
}

void World::deliver(const std::string& from, const std::string& to, const wire::Frames& frames) {
  if (!reachable(to)) return trace("nobody at " + to);
  if (partitions_.contains(pair_of(from, to))) {
    saw("message cut by a partition");
    return trace("cut " + from + " -> " + to);
  }
  slots_.at(name_of(to)).node->on_frames(from, frames);
}

void World::partition(const std::string& a, const std::string& b) {
  trace("partition " + a + " | " + b);
  partitions_.insert(pair_of(a, b));
}

void World::heal() {
  trace("heal");
  partitions_.clear();
}

void World::violation(std::string text) {
  trace("VIOLATION " + text);
  violations_.push_back(std::move(text));
}

void World::trace(const std::string& text) const {
  if (trace_) std::printf("%s %s\n", to_rfc3339(now_).substr(11, 15).c_str(), text.c_str());
}

}  // namespace holdpoint::sim
