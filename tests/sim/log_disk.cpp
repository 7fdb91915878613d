#include "tests/sim/log_disk.hpp"

#include <algorithm>

#include "bus/record/tree_hash.hpp"

namespace holdpoint::sim {
namespace {

constexpr double kFailsBefore = 0.02;
constexpr double kFailsAfter = 0.02;
constexpr double kSessionBreaks = 0.04;

bool is_refused(const auditor::Row& row) {
  const bool has_columns = std::any_of(row.columns.begin(), row.columns.end(), [](const auto& each) { return each; });
  return has_columns && row.bytes.find(kPoison) != Bytes::npos;
}

}  // namespace

Result<auditor::LogState> SimulatedLogStore::open() {
  if (!disk_.holder.empty() && !holds() && life_.world.reachable(disk_.holder)) {
    return fail(Code::conflict, "another auditor writes the log");
  }
  disk_.holder = life_.address();
  if (!disk_.last_writer.empty() && disk_.last_writer != life_.name) life_.world.saw("the log changed hands");
  disk_.last_writer = life_.name;
  auditor::LogState state;
  state.size = disk_.rows.size();
  for (const auditor::Row& row : disk_.rows) {
    auditor::SourceMark& mark = state.marks[row.source];
    if (row.position.epoch >= mark.epoch) mark = {row.position.epoch, row.position.sequence, row.head};
  }
  return state;
}

Result<void> SimulatedLogStore::commit(const auditor::Batch& batch) {
  if (!holds()) return fail(Code::unavailable, "the session is gone");
  if (std::any_of(batch.rows.begin(), batch.rows.end(), is_refused)) {
    return fail(Code::malformed, "the database refuses an entry");
  }
  Random& random = life_.world.random();
  if (disk_.faulty && random.chance(kSessionBreaks)) {
    life_.world.saw("the log's session broke");
    disk_.holder.clear();
    return fail(Code::unavailable, "the session broke");
  }
  if (disk_.faulty && random.chance(kFailsBefore)) {
    life_.world.saw("log commit failed before it took effect");
    return fail(Code::unavailable, "the commit failed");
  }
  disk_.rows.insert(disk_.rows.end(), batch.rows.begin(), batch.rows.end());
  for (const auditor::Node& node : batch.nodes) disk_.nodes[node.id] = node.hash;
  if (std::any_of(batch.rows.begin(), batch.rows.end(), [](const auto& row) { return !row.quarantine.empty(); })) {
    life_.world.saw("entry stored without its columns");
  }
  if (disk_.faulty && random.chance(kFailsAfter)) {
    life_.world.saw("log commit failed after it took effect");
    return fail(Code::unavailable, "the commit's answer was lost");
  }
  return {};
}

Result<Hash> SimulatedLogStore::node(auditor::NodeId id) {
  if (const auto found = disk_.nodes.find(id); found != disk_.nodes.end()) return found->second;
  if (id.level == 0 && id.index < disk_.rows.size()) return disk_.rows[id.index].leaf;
  // As in PostgreSQL, small subtrees are computed from their leaves.
  if (id.level == 0 || id.level >= auditor::kStoredLevel) return fail(Code::not_found, "no such node");
  const auto left = node({id.level - 1, id.index * 2});
  if (!left) return left;
  const auto right = node({id.level - 1, id.index * 2 + 1});
  if (!right) return right;
  return record::node_hash(*left, *right);
}

Result<std::optional<Hash>> SimulatedLogStore::head_at(const std::string& source, record::Position position) {
  for (const auditor::Row& row : disk_.rows) {
    if (row.source == source && row.position == position) return std::optional<Hash>(row.head);
  }
  return std::optional<Hash>();
}

Result<void> SimulatedLogStore::add_checkpoint(std::uint64_t, const Hash&, const std::string&, Instant) {
  return fail(Code::unsupported, "the simulator makes no checkpoints");
}

Result<auditor::StoredCheckpoint> SimulatedLogStore::last_checkpoint() { return auditor::StoredCheckpoint{}; }

}  // namespace holdpoint::sim
