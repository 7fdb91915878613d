// The Merkle tree over the log (RFC 6962, section 2.1), grown leaf by leaf. Pure.
//
// A complete subtree of 2^level leaves is a node (level, index) that never changes again. The tree holds the roots of
// the complete subtrees that make up its present size (one per set bit), which is all that growing and the root need;
// proofs ask for inner nodes through a NodeSource.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::auditor {

struct NodeId {
  unsigned level = 0;  ///< 0 = a leaf hash
  std::uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

struct Node {
  NodeId id;
  Hash hash{};
};

/// The hash of a complete subtree; asked only for nodes within the tree.
using NodeSource = std::function<Result<Hash>(NodeId)>;

class HashTree {
 public:
  HashTree() = default;
  /// The tree of the first `size` leaves, its complete subtrees taken from `nodes`.
  static Result<HashTree> restore(std::uint64_t size, const NodeSource& nodes);

  /// Adds a leaf; every node that it completes (above level 0) is appended to `completed`.
  void append(const Hash& leaf, std::vector<Node>& completed);
  /// Adds the leaves up to `size` by their subtrees, taken from `nodes`. What the tree has, it keeps: whatever `nodes`
  /// says, the result begins with it.
  Result<void> grow(std::uint64_t size, const NodeSource& nodes);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;

 private:
  void add(Node node, std::vector<Node>& completed);

  std::uint64_t size_ = 0;
  std::vector<Node> peaks_;  ///< the complete subtrees, largest first
};

/// The root of the first `size` leaves.
Result<Hash> root_at(std::uint64_t size, const NodeSource& nodes);
/// PATH(index, D[size]); `malformed` unless index < size.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& nodes);
/// PROOF(from, D[to]); empty when from is 0 or equals `to`; `malformed` when from > to.
Result<std::vector<Hash>> consistency_proof(std::uint64_t from, std::uint64_t to, const NodeSource& nodes);

}  // namespace holdpoint::auditor
