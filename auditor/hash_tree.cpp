#include "auditor/hash_tree.hpp"

#include <algorithm>
#include <bit>

#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor {
namespace {

using record::node_hash;

/// The complete subtrees of leaves [begin, end), largest first; `begin` must be a multiple of the largest.
std::vector<NodeId> peaks_of(std::uint64_t begin, std::uint64_t end) {
  std::vector<NodeId> peaks;
  while (begin < end) {
    const auto level = static_cast<unsigned>(std::bit_width(end - begin) - 1);
    peaks.push_back({level, begin >> level});
    begin += std::uint64_t{1} << level;
  }
  return peaks;
}

/// The hash of leaves [begin, end) as RFC 6962 nests them.
Result<Hash> range_hash(std::uint64_t begin, std::uint64_t end, const NodeSource& nodes) {
  if (begin == end) return record::empty_root();
  const std::vector<NodeId> peaks = peaks_of(begin, end);
  auto hash = nodes(peaks.back());
  for (auto peak = peaks.rbegin() + 1; hash && peak != peaks.rend(); ++peak) {
    const auto left = nodes(*peak);
    if (!left) return left;
    hash = node_hash(*left, *hash);
  }
  return hash;
}

/// The largest power of two below `size`, which is at least 2.
std::uint64_t split(std::uint64_t size) { return std::bit_floor(size - 1); }

Result<void> add(std::vector<Hash>& proof, std::uint64_t begin, std::uint64_t end, const NodeSource& nodes) {
  const auto hash = range_hash(begin, end, nodes);
  if (!hash) return hash.error();
  proof.push_back(*hash);
  return {};
}

}  // namespace

Result<HashTree> HashTree::restore(std::uint64_t size, const NodeSource& nodes) {
  HashTree tree;
  tree.size_ = size;
  for (const NodeId& id : peaks_of(0, size)) {
    const auto hash = nodes(id);
    if (!hash) return hash.error();
    tree.peaks_.push_back({id, *hash});
  }
  return tree;
}

void HashTree::append(const Hash& leaf, std::vector<Node>& completed) { add({{0, size_}, leaf}, completed); }

Result<void> HashTree::grow(std::uint64_t size, const NodeSource& nodes) {
  std::vector<Node> completed;
  while (size_ < size) {
    const int room = std::bit_width(size - size_) - 1;
    const auto level = static_cast<unsigned>(size_ == 0 ? room : std::min(room, std::countr_zero(size_)));
    const NodeId id{level, size_ >> level};
    const auto hash = nodes(id);
    if (!hash) return hash.error();
    add({id, *hash}, completed);
  }
  return {};
}

/// A complete subtree right after the last leaf; its size divides that of all before it.
void HashTree::add(Node node, std::vector<Node>& completed) {
  size_ += std::uint64_t{1} << node.id.level;
  while (!peaks_.empty() && peaks_.back().id.level == node.id.level) {
    node = {{node.id.level + 1, node.id.index >> 1}, node_hash(peaks_.back().hash, node.hash)};
    peaks_.pop_back();
    completed.push_back(node);
  }
  peaks_.push_back(node);
}

Hash HashTree::root() const {
  if (peaks_.empty()) return record::empty_root();
  Hash hash = peaks_.back().hash;
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) hash = node_hash(peak->hash, hash);
  return hash;
}

Result<Hash> root_at(std::uint64_t size, const NodeSource& nodes) { return range_hash(0, size, nodes); }

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& nodes) {
  if (index >= size) return fail(Code::malformed, "an inclusion proof needs an index below the size");
  std::vector<Hash> proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = index < middle;
    if (auto added = left ? add(proof, middle, end, nodes) : add(proof, begin, middle, nodes); !added) {
      return added.error();
    }
    (left ? end : begin) = middle;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t from, std::uint64_t to, const NodeSource& nodes) {
  if (from > to) return fail(Code::malformed, "a consistency proof goes from a smaller to a larger size");
  std::vector<Hash> proof;
  if (from == 0 || from == to) return proof;
  std::uint64_t begin = 0;
  std::uint64_t end = to;
  bool whole = true;  // the subtree so far is one that the smaller tree's root already proves
  while (end != from) {
    const std::uint64_t middle = begin + split(end - begin);
    if (from <= middle) {
      if (auto added = add(proof, middle, end, nodes); !added) return added.error();
      end = middle;
    } else {
      if (auto added = add(proof, begin, middle, nodes); !added) return added.error();
      begin = middle;
      whole = false;
    }
  }
  if (!whole) {
    if (auto added = add(proof, begin, end, nodes); !added) return added.error();
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

}  // namespace holdpoint::auditor
