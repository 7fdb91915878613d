#include "bus/record/tree_hash.hpp"

namespace holdpoint::record {

Hash leaf_hash(BytesView entry) {
  thread_local Sha256 sha;
  sha.update(BytesView("\x00", 1));
  sha.update(entry);
  return sha.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<char, 1 + 2 * sizeof(Hash)> input{'\x01'};
  std::copy(left.begin(), left.end(), input.begin() + 1);
  std::copy(right.begin(), right.end(), input.begin() + 1 + sizeof(Hash));
  return sha256(BytesView(input.data(), input.size()));
}

Hash empty_root() { return sha256({}); }

}  // namespace holdpoint::record
