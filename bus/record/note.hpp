// Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note):
//
//   <origin>\n<size>\n<base64 root>\n
//   \n
//   — <key name> <base64(key hash, 4 bytes || Ed25519 signature)>\n
//
// The signature covers the text up to and including the newline before the empty line. The key hash is the first four
// bytes of SHA-256(name || "\n" || 0x01 || public key). The key's name is the origin: one log, whoever writes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"

namespace holdpoint::record {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

/// The origin of a deployment's log; has neither spaces nor "+", as key names must not.
std::string log_origin(std::string_view deployment);

std::string checkpoint_text(const Checkpoint& checkpoint);
std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key);

/// Takes a note that at least one of `public_keys` signed. Fails with `malformed`, or `tampered` when none did.
Result<Checkpoint> open_checkpoint(std::string_view note, const std::vector<Bytes>& public_keys);

/// A verifier key as witnesses exchange it: name+hash+base64(0x01 || public key).
std::string verifier_key(std::string_view origin, BytesView public_key);
/// The public key out of such a text; `malformed` when its hash does not fit.
Result<Bytes> public_key_from_verifier_key(std::string_view text);

}  // namespace holdpoint::record
