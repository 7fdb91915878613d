// The tree and the sources' chains, grown again from the stored bytes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "bus/base/crypto.hpp"

namespace holdpoint::auditor::verify {

/// A Merkle tree as a binary counter: slot i holds a complete subtree of 2^i leaves or nothing.
class Counter {
 public:
  void add(const Hash& leaf);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;
  /// Called for each subtree that add() completes, of level 1 and above.
  template <class Function>
  void add(const Hash& leaf, Function&& completed);

 private:
  std::array<std::optional<Hash>, 64> slots_;
  std::uint64_t size_ = 0;
};

Hash combine(const Hash& left, const Hash& right);

template <class Function>
void Counter::add(const Hash& leaf, Function&& completed) {
  Hash carried = leaf;
  unsigned level = 0;
  for (; slots_[level]; ++level) {
    carried = combine(*slots_[level], carried);
    slots_[level].reset();
    completed(level + 1, size_ >> (level + 1), carried);
  }
  slots_[level] = carried;
  ++size_;
}

/// Where each chain stands.
struct ChainState {
  std::uint64_t sequence = 0;
  Hash head{};
};
using Chains = std::map<std::pair<std::string, std::uint64_t>, ChainState>;  ///< by source and epoch

}  // namespace holdpoint::auditor::verify
