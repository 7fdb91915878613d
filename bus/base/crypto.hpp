// The cryptography that the project uses, and nothing else: hashes and MACs from OpenSSL (fast), signatures, AEAD and
// sealed boxes from libsodium (few ways to hold it wrong). TLS and JOSE have adapters of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint {

/// A byte string that is wiped when it goes and that nothing prints. Move it; copying is explicit.
class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes bytes) : bytes_(std::move(bytes)) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();
  [[nodiscard]] Secret clone() const { return Secret(bytes_); }
  [[nodiscard]] BytesView reveal() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  Bytes bytes_;
};

using Hash = std::array<std::uint8_t, 32>;
inline BytesView view(const Hash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }
/// nullopt-free: `bytes` must have 32 bytes (an invariant).
Hash hash_from(BytesView bytes);

Hash sha256(BytesView data);

/// Incremental SHA-256. Reusable after finish().
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(BytesView data);
  [[nodiscard]] Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// HMAC-SHA-256; about 1 µs (a prepared context per thread, not HMAC() per call, which costs five times more).
Hash hmac_sha256(BytesView key, BytesView data);

/// Equal length and content, in time that depends on the length alone.
bool constant_time_equal(BytesView a, BytesView b);

Bytes random_bytes(std::size_t count);

/// Ed25519. The seed is 32 bytes, the public key 32, a signature 64.
class SigningKey {
 public:
  static SigningKey generate();
  static Result<SigningKey> from_seed(BytesView seed);
  [[nodiscard]] Bytes sign(BytesView message) const;
  [[nodiscard]] const Bytes& public_key() const { return public_key_; }
  [[nodiscard]] Secret seed() const;

 private:
  Secret secret_key_;
  Bytes public_key_;
};
bool verify_ed25519(BytesView public_key, BytesView message, BytesView signature);

/// XChaCha20-Poly1305 with a random nonce in front. `key` is 32 bytes.
Bytes seal(BytesView key, BytesView associated, BytesView plaintext);
/// Fails with `tampered`.
Result<Bytes> unseal(BytesView key, BytesView associated, BytesView sealed);

/// Anonymous sealed boxes (X25519): anyone may seal to a public key, only its holder opens.
struct BoxKey {
  Bytes public_key;  ///< 32 bytes
  Secret secret_key;
};
BoxKey generate_box_key();
Bytes seal_to(BytesView public_key, BytesView plaintext);
/// Fails with `tampered`.
Result<Bytes> unseal_with(const BoxKey& key, BytesView sealed);

/// HKDF-SHA-256 (RFC 5869) without salt: one key of 32 bytes per purpose from one master key.
Secret derive_key(BytesView master, std::string_view purpose);

}  // namespace holdpoint
