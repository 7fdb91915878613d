#include "bus/base/crypto.hpp"

// SHA-256 is called by name: EVP's dispatch costs more than a block of what it dispatches to, and a call hashes a dozen
// short texts.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <cstring>

namespace holdpoint {
namespace {

const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// sodium_init is idempotent and thread-safe; after it every call below is.
const bool kSodiumReady = [] {
  HOLDPOINT_INVARIANT(sodium_init() >= 0);
  return true;
}();

Hash finish_digest(SHA256_CTX& context) {
  Hash hash;
  static_assert(std::tuple_size_v<Hash> == SHA256_DIGEST_LENGTH);
  HOLDPOINT_INVARIANT(SHA256_Final(hash.data(), &context) == 1);
  return hash;
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other = Secret(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    sodium_memzero(bytes_.data(), bytes_.size());
    bytes_ = other.bytes_;
    sodium_memzero(other.bytes_.data(), other.bytes_.size());
    other.bytes_.clear();
  }
  return *this;
}

Secret::~Secret() { sodium_memzero(bytes_.data(), bytes_.size()); }

Hash hash_from(BytesView bytes) {
  Hash hash;
  HOLDPOINT_INVARIANT(bytes.size() == hash.size());
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Hash sha256(BytesView data) {
  SHA256_CTX context;
  HOLDPOINT_INVARIANT(SHA256_Init(&context) == 1);
  HOLDPOINT_INVARIANT(SHA256_Update(&context, data.data(), data.size()) == 1);
  return finish_digest(context);
}

struct Sha256::State {
  State() { begin(); }
  ~State() { OPENSSL_cleanse(&context, sizeof context); }
  void begin() { HOLDPOINT_INVARIANT(SHA256_Init(&context) == 1); }

  SHA256_CTX context;
};

Sha256::Sha256() = default;
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(BytesView data) {
  if (!state_) state_ = std::make_unique<State>();
  HOLDPOINT_INVARIANT(SHA256_Update(&state_->context, data.data(), data.size()) == 1);
}

Hash Sha256::finish() {
  if (!state_) return sha256({});
  const Hash hash = finish_digest(state_->context);
  state_->begin();
  return hash;
}

// RFC 2104 over the context that is there: EVP_MAC looks its digest up by name for each key, at four times the price.
Hash hmac_sha256(BytesView key, BytesView data) {
  constexpr std::size_t kBlockBytes = 64;
  thread_local Sha256 sha;
  std::array<char, kBlockBytes> pad{};
  if (key.size() > kBlockBytes) {
    const Hash hashed = sha256(key);
    std::memcpy(pad.data(), hashed.data(), hashed.size());
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  for (char& byte : pad) byte = static_cast<char>(byte ^ 0x36);
  sha.update(BytesView(pad.data(), pad.size()));
  sha.update(data);
  const Hash inner = sha.finish();
  for (char& byte : pad) byte = static_cast<char>(byte ^ 0x36 ^ 0x5c);
  sha.update(BytesView(pad.data(), pad.size()));
  sha.update(view(inner));
  sodium_memzero(pad.data(), pad.size());
  return sha.finish();
}

bool constant_time_equal(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes random_bytes(std::size_t count) {
  Bytes bytes(count, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

SigningKey SigningKey::generate() { return SigningKey::from_seed(random_bytes(crypto_sign_SEEDBYTES)).value(); }

Result<SigningKey> SigningKey::from_seed(BytesView seed) {
  if (seed.size() != crypto_sign_SEEDBYTES) return fail(Code::malformed, "a signing seed has 32 bytes");
  Bytes secret(crypto_sign_SECRETKEYBYTES, '\0');
  Bytes public_key(crypto_sign_PUBLICKEYBYTES, '\0');
  crypto_sign_seed_keypair(raw(public_key), raw(secret), raw(seed));
  SigningKey key;
  key.secret_key_ = Secret(std::move(secret));
  key.public_key_ = std::move(public_key);
  return key;
}

Bytes SigningKey::sign(BytesView message) const {
  Bytes signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(raw(signature), nullptr, raw(message), message.size(), raw(secret_key_.reveal()));
  return signature;
}

Secret SigningKey::seed() const {
  Bytes seed(crypto_sign_SEEDBYTES, '\0');
  crypto_sign_ed25519_sk_to_seed(raw(seed), raw(secret_key_.reveal()));
  return Secret(std::move(seed));
}

bool verify_ed25519(BytesView public_key, BytesView message, BytesView signature) {
  return public_key.size() == crypto_sign_PUBLICKEYBYTES && signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(raw(signature), raw(message), message.size(), raw(public_key)) == 0;
}

Bytes seal(BytesView key, BytesView associated, BytesView plaintext) {
  HOLDPOINT_INVARIANT(key.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  Bytes out = random_bytes(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const std::size_t nonce_bytes = out.size();
  out.resize(nonce_bytes + plaintext.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  unsigned char* const nonce = raw(out);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonce_bytes, nullptr, raw(plaintext), plaintext.size(),
                                             raw(associated), associated.size(), nullptr, nonce, raw(key));
  return out;
}

Result<Bytes> unseal(BytesView key, BytesView associated, BytesView sealed) {
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  HOLDPOINT_INVARIANT(key.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  if (sealed.size() < kNonce + kTag) return fail(Code::tampered, "sealed text is too short");
  Bytes plaintext(sealed.size() - kNonce - kTag, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(plaintext), nullptr, nullptr, raw(sealed) + kNonce,
                                                 sealed.size() - kNonce, raw(associated), associated.size(),
                                                 raw(sealed), raw(key)) != 0) {
    return fail(Code::tampered, "sealed text does not open with this key");
  }
  return plaintext;
}

BoxKey generate_box_key() {
  Bytes public_key(crypto_box_PUBLICKEYBYTES, '\0');
  Bytes secret_key(crypto_box_SECRETKEYBYTES, '\0');
  crypto_box_keypair(raw(public_key), raw(secret_key));
  return BoxKey{std::move(public_key), Secret(std::move(secret_key))};
}

Bytes seal_to(BytesView public_key, BytesView plaintext) {
  HOLDPOINT_INVARIANT(public_key.size() == crypto_box_PUBLICKEYBYTES);
  Bytes out(plaintext.size() + crypto_box_SEALBYTES, '\0');
  HOLDPOINT_INVARIANT(crypto_box_seal(raw(out), raw(plaintext), plaintext.size(), raw(public_key)) == 0);
  return out;
}

Result<Bytes> unseal_with(const BoxKey& key, BytesView sealed) {
  if (sealed.size() < crypto_box_SEALBYTES) return fail(Code::tampered, "sealed box is too short");
  Bytes plaintext(sealed.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(raw(plaintext), raw(sealed), sealed.size(), raw(key.public_key),
                           raw(key.secret_key.reveal())) != 0) {
    return fail(Code::tampered, "sealed box does not open with this key");
  }
  return plaintext;
}

Secret derive_key(BytesView master, std::string_view purpose) {
  const Hash extracted = hmac_sha256(Bytes(32, '\0'), master);
  const Hash key = hmac_sha256(view(extracted), std::string(purpose) + '\x01');
  return Secret(Bytes(view(key)));
}

}  // namespace holdpoint
