// What survives a crash: a table of a database, a file, a journal. It belongs to the scenario, not to a node, so
// several nodes may share one (replicas on one database) and a restarted node finds its own again.
//
// A commit takes effect whole or not at all, and may fail in the two ways that a database's client sees: before it took
// effect, and after (the answer got lost).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "bus/base/result.hpp"
#include "tests/sim/world.hpp"

namespace holdpoint::sim {

class Disk {
 public:
  explicit Disk(World& world) : world_(world) {}

  using Rows = std::map<std::string, std::string>;
  /// One transaction, alone while it runs: looks at the rows and changes them. What it returns is the outcome; an error
  /// rolls back. Fails with `not_durable` when the commit failed or its answer was lost.
  Result<void> transact(const std::function<Result<void>(Rows&)>& work);

  [[nodiscard]] const Rows& rows() const { return rows_; }

  double fail_before = 0;  ///< the commit fails and took no effect
  double fail_after = 0;   ///< the commit took effect and fails

 private:
  World& world_;
  Rows rows_;
};

}  // namespace holdpoint::sim
