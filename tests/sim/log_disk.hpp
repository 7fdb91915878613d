// The log's database in the simulator: durable rows, one writer's lock, commits that fail before or after they took
// effect, sessions that break, and an entry that the database refuses to take with its columns. It trusts the writer
// with everything that PostgreSQL would check by a constraint, so that the checker sees what the writer does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "auditor/log_store.hpp"
#include "tests/sim/world.hpp"

namespace holdpoint::sim {

/// An entry with this text is refused unless it comes without columns.
inline const std::string kPoison = "poison";

struct LogDisk {
  std::vector<auditor::Row> rows;
  std::map<auditor::NodeId, Hash> nodes;
  std::string holder;       ///< the connection that has the lock
  std::string last_writer;  ///< the process that had it last
  bool faulty = true;
};

class SimulatedLogStore final : public auditor::LogStore {
 public:
  SimulatedLogStore(Life life, LogDisk& disk) : life_(std::move(life)), disk_(disk) {}

  Result<auditor::LogState> open() override;
  Result<void> commit(const auditor::Batch& batch) override;
  Result<Hash> node(auditor::NodeId id) override;
  Result<std::optional<Hash>> head_at(const std::string& source, record::Position position) override;
  Result<void> add_checkpoint(std::uint64_t size, const Hash& root, const std::string& note, Instant now) override;
  Result<auditor::StoredCheckpoint> last_checkpoint() override;

 private:
  [[nodiscard]] bool holds() const { return disk_.holder == life_.address(); }

  Life life_;
  LogDisk& disk_;
};

}  // namespace holdpoint::sim
