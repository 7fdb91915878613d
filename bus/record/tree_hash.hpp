// The two hashes of an RFC 6962 Merkle tree (section 2.1). Writer and verifier share these definitions, and no more.
#pragma once

#include "bus/base/crypto.hpp"

namespace holdpoint::record {

/// SHA-256(0x00 || entry)
Hash leaf_hash(BytesView entry);
/// SHA-256(0x01 || left || right)
Hash node_hash(const Hash& left, const Hash& right);
/// The root of a tree without leaves: SHA-256 of nothing.
Hash empty_root();

}  // namespace holdpoint::record
