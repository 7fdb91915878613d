// Makes tokens for tests, good and hostile, with keys of every kind. Independent of the code under test: signs with
// OpenSSL directly and assembles tokens as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bus/base/json.hpp"

namespace holdpoint::identity::test {

enum class KeyType { rsa2048, rsa1024, p256, p384, ed25519 };

class TokenKey {
 public:
  explicit TokenKey(KeyType type);
  /// The public half, with `kid`.
  [[nodiscard]] Json jwk(const std::string& kid) const;
  /// The JOSE signature of `input` under `alg` ("RS256" … "EdDSA").
  [[nodiscard]] Bytes sign(std::string_view alg, std::string_view input) const;

 private:
  KeyType type_;
  std::shared_ptr<void> key_;
};

/// base64url(header).base64url(claims).signature, the signature made by `key` under header["alg"].
std::string make_token(const Json& header, const Json& claims, const TokenKey& key);
/// The same from exact texts and an exact signature.
std::string join_token(std::string_view header, std::string_view claims, BytesView signature);

}  // namespace holdpoint::identity::test
