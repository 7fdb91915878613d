// JSON Web Tokens, verified strictly (RFC 7515, 7517, 7518, 8037, 8725). The only place that talks JOSE.
//
// What a token says about its own key counts for nothing: the key comes from the issuer's key set, by `kid` alone, and
// the algorithm must be one that this key was made for. Asymmetric algorithms only: RS256/384/512, PS256/384/512,
// ES256/384, EdDSA (Ed25519).
//
// Not here: whose token it is and what it permits (token_verifier.hpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bus/base/crypto.hpp"
#include "bus/base/json.hpp"

namespace holdpoint::identity {

/// Identity providers that put 200 groups into a token stay below 10 KiB; headers of clients end at 16.
inline constexpr std::size_t kTokenBytesMax = 16 << 10;

/// A token's parts. Nothing in it is true before verify() said so.
struct Jwt {
  Json header;
  Json claims;
  std::string signing_input;
  Bytes signature;
};

/// Three strict base64url parts, JSON objects without duplicate keys; `alg` and `kid` are strings; `crit`, `jwk`,
/// `jku`, `x5u`, `x5c` and anything but a plain signed JWT are refused. Fails with `malformed`, `too_large` or
/// `unauthenticated`; no error holds a byte of the token.
Result<Jwt> parse_jwt(std::string_view token);

/// The usable signature keys of one issuer. Immutable and cheap to copy.
class KeySet {
 public:
  KeySet();
  ~KeySet();
  KeySet(const KeySet&);
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(const KeySet&);
  KeySet& operator=(KeySet&&) noexcept;

  /// `jwks` = {"keys":[…]}. Keys for other uses, of kinds or sizes that are not accepted (RSA below 2048 bits, points
  /// off the curve, symmetric and private keys) are left out, as if they were not there. Fails with `malformed` when
  /// there is no array `keys`, or more than 100 keys.
  static Result<KeySet> from_jwks(const Json& jwks);

  [[nodiscard]] bool empty() const;

  /// Fails with `not_found` when no key has the token's `kid` (the issuer may have rotated: fetch and try again), with
  /// `unauthenticated` when the key and the algorithm do not go together or the signature is wrong.
  [[nodiscard]] Result<void> verify(const Jwt& token) const;

 private:
  struct Keys;
  std::shared_ptr<const Keys> keys_;
};

/// The public half as a JWK with its RFC 7638 thumbprint as `kid`.
Json ed25519_jwk(BytesView public_key);

/// A compact EdDSA token with typ JWT. `kid` is that of ed25519_jwk(key.public_key()).
std::string sign_jwt(const Json& claims, const SigningKey& key);

}  // namespace holdpoint::identity
