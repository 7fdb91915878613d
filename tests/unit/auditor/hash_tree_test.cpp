#include "auditor/hash_tree.hpp"

#include <gtest/gtest.h>

#include <map>

#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor {
namespace {

using record::leaf_hash;
using record::node_hash;

/// The inputs and roots that Certificate Transparency's implementations share.
const std::vector<Bytes> kLeaves{Bytes(),
                                 Bytes("\x00", 1),
                                 Bytes("\x10"),
                                 Bytes("\x20\x21"),
                                 Bytes("\x30\x31"),
                                 Bytes("\x40\x41\x42\x43"),
                                 Bytes("\x50\x51\x52\x53\x54\x55\x56\x57"),
                                 Bytes("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f")};
const std::vector<std::string> kRoots{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

struct Grown {
  HashTree tree;
  std::map<NodeId, Hash> nodes;
  std::vector<Hash> roots;  ///< by size
  void add(const Hash& leaf) {
    if (roots.empty()) roots.push_back(tree.root());
    nodes[{0, tree.size()}] = leaf;
    std::vector<Node> completed;
    tree.append(leaf, completed);
    for (const Node& node : completed) nodes[node.id] = node.hash;
    roots.push_back(tree.root());
  }
  NodeSource source() const {
    return [this](NodeId id) -> Result<Hash> {
      const auto found = nodes.find(id);
      if (found == nodes.end()) return fail(Code::not_found, "no such node");
      return found->second;
    };
  }
};

Grown grown_to(std::uint64_t size) {
  Grown grown;
  for (std::uint64_t i = 0; i < size; ++i) grown.add(leaf_hash(std::to_string(i)));
  return grown;
}

/// RFC 9162, section 2.1.3.2.
bool inclusion_holds(std::uint64_t index, std::uint64_t size, Hash hash, const std::vector<Hash>& proof,
                     const Hash& root) {
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  for (const Hash& step : proof) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      hash = node_hash(step, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = node_hash(hash, step);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && hash == root;
}

/// RFC 9162, section 2.1.4.2.
bool consistency_holds(std::uint64_t from, std::uint64_t to, const Hash& old_root, const Hash& new_root,
                       std::vector<Hash> proof) {
  if (from == to) return proof.empty() && old_root == new_root;
  if ((from & (from - 1)) == 0) proof.insert(proof.begin(), old_root);
  if (proof.empty()) return false;
  std::uint64_t fn = from - 1;
  std::uint64_t sn = to - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  Hash fr = proof[0];
  Hash sr = proof[0];
  for (std::size_t i = 1; i < proof.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      fr = node_hash(proof[i], fr);
      sr = node_hash(proof[i], sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = node_hash(sr, proof[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && fr == old_root && sr == new_root;
}

TEST(HashTree, HasTheRootsOfTheKnownVectors) {
  Grown grown;
  for (std::size_t i = 0; i < kLeaves.size(); ++i) {
    grown.add(leaf_hash(kLeaves[i]));
    EXPECT_EQ(to_hex(view(grown.tree.root())), kRoots[i]) << i;
    EXPECT_EQ(to_hex(view(root_at(i + 1, grown.source()).value())), kRoots[i]) << i;
  }
}

TEST(HashTree, ProvesEveryLeafAtEverySizeAndNoOtherLeaf) {
  const Grown grown = grown_to(40);
  for (std::uint64_t size = 1; size <= 40; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, grown.source()).value();
      const Hash leaf = leaf_hash(std::to_string(index));
      ASSERT_TRUE(inclusion_holds(index, size, leaf, proof, grown.roots[size])) << index << " in " << size;
      ASSERT_FALSE(inclusion_holds(index, size, leaf_hash("other"), proof, grown.roots[size]));
    }
  }
  EXPECT_EQ(inclusion_proof(3, 3, grown.source()).error().code, Code::malformed);
}

TEST(HashTree, ProvesThatEverySizeIsAPrefixOfEveryLargerOne) {
  const Grown grown = grown_to(40);
  for (std::uint64_t to = 1; to <= 40; ++to) {
    for (std::uint64_t from = 1; from <= to; ++from) {
      const auto proof = consistency_proof(from, to, grown.source()).value();
      ASSERT_TRUE(consistency_holds(from, to, grown.roots[from], grown.roots[to], proof)) << from << " to " << to;
      ASSERT_FALSE(consistency_holds(from, to, leaf_hash("other"), grown.roots[to], proof));
    }
  }
  EXPECT_EQ(consistency_proof(4, 3, grown.source()).error().code, Code::malformed);
}

TEST(HashTree, IsRestoredAtAnySizeFromItsNodes) {
  const Grown grown = grown_to(70);
  for (std::uint64_t size = 0; size <= 70; ++size) {
    const HashTree tree = HashTree::restore(size, grown.source()).value();
    ASSERT_EQ(tree.root(), size == 0 ? record::empty_root() : grown.roots[size]);
  }
}

}  // namespace
}  // namespace holdpoint::auditor
