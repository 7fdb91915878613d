// A seeded world with virtual time: nodes that crash and restart, a network that loses, repeats, delays and reorders,
// and nothing else that could make two runs of one seed differ.
//
// A node is rebuilt by its factory at every start; what must survive a crash lives outside, on a Disk (disk.hpp).
// Checkers watch from outside too and report with violation().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bus/base/id.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::sim {

/// The only source of chance. Its own arithmetic, since the standard distributions differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() { return engine_(); }
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool chance(double probability) { return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability; }
  Duration between(Duration least, Duration most) {
    return least + Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }

 private:
  std::mt19937_64 engine_;
};

class SeededIds final : public IdSource {
 public:
  explicit SeededIds(Random& random) : random_(random) {}
  Id next(Instant now) override;

 private:
  Random& random_;
};

/// What a fault-free network does, made worse by the driver of a scenario.
struct Faults {
  double loss = 0;
  double duplicate = 0;
  Duration delay_least = std::chrono::microseconds(100);
  Duration delay_most = std::chrono::milliseconds(2);
};

class World;

/// One life of a node. Its timers die with it.
struct Life {
  World& world;
  std::string name;
  unsigned incarnation;
  /// "name#incarnation": a connection; messages to it reach this life alone.
  [[nodiscard]] std::string address() const { return name + "#" + std::to_string(incarnation); }
};

class Node {
 public:
  virtual ~Node() = default;
  virtual void start() = 0;
  virtual void on_frames(const std::string& from, wire::Frames frames) = 0;
};

class World {
 public:
  using Factory = std::function<std::unique_ptr<Node>(const Life&)>;

  World(std::uint64_t seed, bool trace);
  ~World();

  [[nodiscard]] Instant now() const { return now_; }
  Random& random() { return random_; }
  IdSource& ids() { return ids_; }
  Faults& faults() { return faults_; }

  // Time. An event beyond the end of run_until() waits for the next.
  void after(Duration delay, std::function<void()> event);
  /// Only while this life lasts.
  void after(const Life& life, Duration delay, std::function<void()> event);
  void run_until(Instant end);

  // Nodes.
  void add(std::string name, Factory factory);
  void start(const std::string& name);
  void crash(const std::string& name);
  [[nodiscard]] bool alive(const std::string& name) const;
  /// True for "name" and for the "name#incarnation" that lives now.
  [[nodiscard]] bool reachable(const std::string& address) const;

  // Network. `to` is a name (whoever lives then) or a connection.
  void send(const std::string& from, const std::string& to, wire::Frames frames);
  /// No message between the two nodes until heal().
  void partition(const std::string& a, const std::string& b);
  void heal();

  // Findings.
  void violation(std::string text);
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  /// A rare branch was taken; a scenario names those that must be seen.
  void saw(const std::string& branch) { seen_.insert(branch); }
  [[nodiscard]] const std::set<std::string>& seen() const { return seen_; }
  void trace(const std::string& text) const;

 private:
  struct Event {
    Instant at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator>(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };
  struct Slot {
    Factory factory;
    unsigned incarnation = 0;
    std::unique_ptr<Node> node;
  };

  void deliver(const std::string& from, const std::string& to, const wire::Frames& frames);

  Random random_;
  SeededIds ids_;
  bool trace_;
  Instant now_;
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::map<std::string, Slot> slots_;
  std::set<std::pair<std::string, std::string>> partitions_;
  Faults faults_;
  std::vector<std::string> violations_;
  std::set<std::string> seen_;
};

}  // namespace holdpoint::sim
