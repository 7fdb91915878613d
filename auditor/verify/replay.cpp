#include "auditor/verify/replay.hpp"

#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor::verify {

Hash combine(const Hash& left, const Hash& right) { return record::node_hash(left, right); }

void Counter::add(const Hash& leaf) {
  add(leaf, [](unsigned, std::uint64_t, const Hash&) {});
}

Hash Counter::root() const {
  std::optional<Hash> root;
  for (const auto& slot : slots_) {
    if (slot) root = root ? combine(*slot, *root) : *slot;
  }
  return root.value_or(record::empty_root());
}

}  // namespace holdpoint::auditor::verify
