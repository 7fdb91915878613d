#include "tests/sim/log_checker.hpp"

#include <algorithm>
#include <bit>

#include "bus/record/chain.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::sim {
namespace {

struct Place {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  Hash head{};
};

std::string name_of(const auditor::Row& row) {
  return row.source + " " + std::to_string(row.position.epoch) + "/" + std::to_string(row.position.sequence);
}

std::string chain_fault(const auditor::Row& row, Place& last) {
  if (row.position.epoch < last.epoch) return name_of(row) + " is of an epoch that had ended";
  if (row.position.epoch > last.epoch) last = {row.position.epoch, 0, Hash{}};
  if (row.position.sequence <= last.sequence) return name_of(row) + " is in the log twice";
  if (row.position.sequence != last.sequence + 1) return name_of(row) + " follows a gap";
  last.sequence = row.position.sequence;
  last.head = sha256(std::string(view(last.head)) + row.bytes);
  if (last.head != row.head) return name_of(row) + " does not continue its source's chain";
  return {};
}

Hash root_of(const std::vector<Hash>& leaves, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return leaves[begin];
  const std::size_t middle = begin + std::bit_floor(end - begin - 1);
  return record::node_hash(root_of(leaves, begin, middle), root_of(leaves, middle, end));
}

}  // namespace

std::vector<std::string> faults_of(const LogDisk& log) {
  std::vector<std::string> faults;
  std::map<std::string, Place> places;
  std::vector<Hash> leaves;
  for (const auditor::Row& row : log.rows) {
    if (row.index != leaves.size()) {
      faults.push_back("the log's entry " + std::to_string(leaves.size()) + " has index " + std::to_string(row.index));
    }
    leaves.push_back(record::leaf_hash(row.bytes));
    if (leaves.back() != row.leaf) faults.push_back(name_of(row) + " has another leaf hash");
    if (auto fault = chain_fault(row, places[row.source]); !fault.empty()) faults.push_back(std::move(fault));
  }
  const std::size_t width = std::size_t{1} << auditor::kStoredLevel;
  for (std::size_t index = 0; (index + 1) * width <= leaves.size(); ++index) {
    const auto node = log.nodes.find({auditor::kStoredLevel, index});
    if (node == log.nodes.end() || node->second != root_of(leaves, index * width, (index + 1) * width)) {
      faults.push_back("the tree's node " + std::to_string(index) + " is missing or wrong");
    }
  }
  return faults;
}

std::vector<LoggedEvent> events_of(const LogDisk& log) {
  std::vector<LoggedEvent> events;
  for (const auditor::Row& row : log.rows) {
    auto json = parse_json(row.bytes);
    if (!json) continue;
    events.push_back({string_or(*json, "type"), string_or(*json, "subject"), row.source, std::move((*json)["data"])});
  }
  return events;
}

}  // namespace holdpoint::sim
