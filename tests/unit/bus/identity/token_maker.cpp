#include "token_maker.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstdlib>

namespace holdpoint::identity::test {
namespace {

EVP_PKEY* generate(KeyType type) {
  switch (type) {
    case KeyType::rsa2048:
      return EVP_RSA_gen(2048);
    case KeyType::rsa1024:
      return EVP_RSA_gen(1024);
    case KeyType::p256:
      return EVP_EC_gen("P-256");
    case KeyType::p384:
      return EVP_EC_gen("P-384");
    case KeyType::ed25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  std::abort();
}

std::string number_text(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  Bytes out(static_cast<std::size_t>(bytes != 0 ? bytes : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  BN_free(number);
  return to_base64url(out);
}

Bytes der_to_raw(BytesView der, int half) {
  const auto* start = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(der.size()));
  Bytes out(static_cast<std::size_t>(2 * half), '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, half);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + half, half);
  ECDSA_SIG_free(signature);
  return out;
}

}  // namespace

TokenKey::TokenKey(KeyType type)
    : type_(type), key_(generate(type), [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }) {}

Json TokenKey::jwk(const std::string& kid) const {
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  Json out = {{"kid", kid}, {"use", "sig"}};
  if (type_ == KeyType::rsa2048 || type_ == KeyType::rsa1024) {
    out.update({{"kty", "RSA"}, {"n", number_text(key, "n", 0)}, {"e", number_text(key, "e", 0)}});
  } else if (type_ == KeyType::ed25519) {
    Bytes x(32, '\0');
    std::size_t length = x.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(x.data()), &length);
    out.update({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", to_base64url(x)}});
  } else {
    const int half = type_ == KeyType::p256 ? 32 : 48;
    out.update({{"kty", "EC"},
                {"crv", type_ == KeyType::p256 ? "P-256" : "P-384"},
                {"x", number_text(key, "qx", half)},
                {"y", number_text(key, "qy", half)}});
  }
  return out;
}

Bytes TokenKey::sign(std::string_view alg, std::string_view input) const {
  const bool plain = type_ == KeyType::ed25519;
  const std::string digest = "SHA" + std::string(alg.substr(2));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* key_context = nullptr;
  EVP_DigestSignInit_ex(context, &key_context, plain ? nullptr : digest.c_str(), nullptr, nullptr,
                        static_cast<EVP_PKEY*>(key_.get()), nullptr);
  if (alg.starts_with("PS")) {
    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
  }
  Bytes out(1024, '\0');
  std::size_t length = out.size();
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &length,
                 reinterpret_cast<const unsigned char*>(input.data()), input.size());
  EVP_MD_CTX_free(context);
  out.resize(length);
  if (type_ == KeyType::p256) return der_to_raw(out, 32);
  if (type_ == KeyType::p384) return der_to_raw(out, 48);
  return out;
}

std::string join_token(std::string_view header, std::string_view claims, BytesView signature) {
  return to_base64url(header) + '.' + to_base64url(claims) + '.' + to_base64url(signature);
}

std::string make_token(const Json& header, const Json& claims, const TokenKey& key) {
  const std::string head = to_json(header);
  const std::string body = to_json(claims);
  const std::string input = to_base64url(head) + '.' + to_base64url(body);
  return join_token(head, body, key.sign(header["alg"].get<std::string>(), input));
}

}  // namespace holdpoint::identity::test
