#include "bus/identity/jose.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <array>
#include <map>
#include <optional>
#include <vector>

namespace holdpoint::identity {
namespace {

constexpr std::size_t kKeySetMax = 100;  // a provider that rotates shows two to ten
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;  // beyond, one verification takes milliseconds
constexpr std::size_t kKidBytesMax = 256;

template <auto Free>
struct Releaser {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Releaser<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Releaser<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Releaser<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Releaser<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Releaser<OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Releaser<ECDSA_SIG_free>>;

enum class Kind { rsa, p256, p384, ed25519 };

struct Algorithm {
  std::string_view name;
  Kind kind;
  const char* digest;  // null: the algorithm hashes by itself
  bool pss;
};
constexpr std::array<Algorithm, 9> kAlgorithms = {{{"RS256", Kind::rsa, "SHA256", false},
                                                   {"RS384", Kind::rsa, "SHA384", false},
                                                   {"RS512", Kind::rsa, "SHA512", false},
                                                   {"PS256", Kind::rsa, "SHA256", true},
                                                   {"PS384", Kind::rsa, "SHA384", true},
                                                   {"PS512", Kind::rsa, "SHA512", true},
                                                   {"ES256", Kind::p256, "SHA256", false},
                                                   {"ES384", Kind::p384, "SHA384", false},
                                                   {"EdDSA", Kind::ed25519, nullptr, false}}};

struct Curve {
  const char* group;
  std::size_t coordinate_bytes;
};
Curve curve_of(Kind kind) { return kind == Kind::p256 ? Curve{"prime256v1", 32} : Curve{"secp384r1", 48}; }

const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

const Algorithm* find_algorithm(std::string_view name) {
  for (const auto& algorithm : kAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

std::optional<Bytes> get_bytes(const Json& jwk, std::string_view member) {
  const auto text = get_string(jwk, member);
  return text ? from_base64url(*text) : std::nullopt;
}

Pkey make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return Pkey(key);
}

bool is_valid_public(EVP_PKEY* key) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

Pkey read_rsa(const Json& jwk) {
  const auto modulus = get_bytes(jwk, "n");
  const auto exponent = get_bytes(jwk, "e");
  // An exponent of more than 8 bytes only slows verification down.
  if (!modulus || !exponent || modulus->size() > kRsaBitsMax / 8 || exponent->empty() || exponent->size() > 8) {
    return nullptr;
  }
  // The builder keeps pointers: n and e must live until make_key has copied them.
  const Number n(BN_bin2bn(raw(*modulus), static_cast<int>(modulus->size()), nullptr));
  const Number e(BN_bin2bn(raw(*exponent), static_cast<int>(exponent->size()), nullptr));
  if (!n || !e || BN_num_bits(n.get()) < kRsaBitsMin || !BN_is_odd(n.get()) || !BN_is_odd(e.get()) ||
      BN_is_one(e.get())) {
    return nullptr;
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder.get());
}

Pkey read_ec(const Json& jwk, Kind kind) {
  const auto [group, coordinate_bytes] = curve_of(kind);
  const auto x = get_bytes(jwk, "x");
  const auto y = get_bytes(jwk, "y");
  if (!x || !y || x->size() != coordinate_bytes || y->size() != coordinate_bytes) return nullptr;
  const Bytes point = '\x04' + *x + *y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  Pkey key = make_key("EC", builder.get());
  return key && is_valid_public(key.get()) ? std::move(key) : nullptr;
}

Pkey read_ed25519(const Json& jwk) {
  const auto x = get_bytes(jwk, "x");
  if (!x || x->size() != 32) return nullptr;
  return Pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(*x), x->size()));
}

std::optional<Kind> kind_of(const Json& jwk) {
  const std::string type = string_or(jwk, "kty");
  const std::string curve = string_or(jwk, "crv");
  if (type == "RSA") return Kind::rsa;
  if (type == "EC" && curve == "P-256") return Kind::p256;
  if (type == "EC" && curve == "P-384") return Kind::p384;
  if (type == "OKP" && curve == "Ed25519") return Kind::ed25519;
  return std::nullopt;
}

// Whether `use`, `key_ops` and the absence of a private part say that the key is there to verify signatures.
bool is_for_verifying(const Json& jwk) {
  if (jwk.contains("d") || jwk.contains("k")) return false;
  if (jwk.contains("use") && string_or(jwk, "use") != "sig") return false;
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return true;
  if (!operations->is_array()) return false;
  for (const auto& operation : *operations) {
    if (operation == "verify") return true;
  }
  return false;
}

// r and s, of exactly the curve's length each, as OpenSSL wants them.
std::optional<Bytes> ecdsa_to_der(BytesView signature, std::size_t coordinate_bytes) {
  if (signature.size() != 2 * coordinate_bytes) return std::nullopt;
  const int half = static_cast<int>(coordinate_bytes);
  Number r(BN_bin2bn(raw(signature), half, nullptr));
  Number s(BN_bin2bn(raw(signature.substr(coordinate_bytes)), half, nullptr));
  const EcdsaSignature pair(ECDSA_SIG_new());
  if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return std::nullopt;
  r.release();
  s.release();
  unsigned char* der = nullptr;
  const int der_bytes = i2d_ECDSA_SIG(pair.get(), &der);
  if (der_bytes <= 0) return std::nullopt;
  Bytes out(reinterpret_cast<char*>(der), static_cast<std::size_t>(der_bytes));
  OPENSSL_free(der);
  return out;
}

bool is_signature_valid(EVP_PKEY* key, const Algorithm& algorithm, BytesView message, BytesView signature) {
  Bytes der;
  if (algorithm.kind == Kind::p256 || algorithm.kind == Kind::p384) {
    auto converted = ecdsa_to_der(signature, curve_of(algorithm.kind).coordinate_bytes);
    if (!converted) return false;
    der = std::move(*converted);
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  if (!context ||
      EVP_DigestVerifyInit_ex(context.get(), &key_context, algorithm.digest, nullptr, nullptr, key, nullptr) != 1) {
    return false;
  }
  if (algorithm.pss && (EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) != 1 ||
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1;
}

Result<Json> parse_part(std::string_view part, const char* what) {
  const auto bytes = from_base64url(part);
  if (!bytes) return fail(Code::malformed, std::string("the token's ") + what + " is no strict base64url");
  // parse_json's own words may quote a key of the token.
  auto object = parse_json(*bytes, {.bytes_max = kTokenBytesMax, .depth_max = 16});
  if (!object || !object->is_object()) {
    return fail(Code::malformed, std::string("the token's ") + what + " is no JSON object with unique keys");
  }
  return object;
}

Result<void> check_header(const Json& header) {
  for (const char* member : {"crit", "jwk", "jku", "x5u", "x5c", "enc", "zip", "b64", "cty"}) {
    if (header.contains(member)) {
      return fail(Code::unauthenticated,
                  std::string("the token's header has \"") + member + "\", which is not accepted");
    }
  }
  const auto algorithm = get_string(header, "alg");
  if (!algorithm) return fail(Code::malformed, "the token's header names no algorithm");
  if (equal_ignoring_case(*algorithm, "none")) return fail(Code::unauthenticated, "the token is not signed (alg none)");
  if (find_algorithm(*algorithm) == nullptr) {
    return fail(Code::unauthenticated,
                "the token's algorithm is not accepted; accepted are RS, PS (256, 384, 512), ES256, ES384 and EdDSA");
  }
  if (header.contains("typ")) {
    std::string type = to_lower(string_or(header, "typ"));
    if (type.starts_with("application/")) type.erase(0, std::string_view("application/").size());
    if (type != "jwt" && type != "at+jwt" && type != "jose") {
      return fail(Code::unauthenticated, "the token is of a type other than JWT or at+jwt");
    }
  }
  const auto kid = get_string(header, "kid");
  if (!kid || kid->empty() || kid->size() > kKidBytesMax) {
    return fail(Code::unauthenticated, "the token's header names no key (kid) of the issuer");
  }
  return {};
}

}  // namespace

struct KeySet::Keys {
  struct Key {
    Kind kind;
    std::string algorithm;  // empty: any that fits the kind
    Pkey key;
  };
  std::multimap<std::string, Key> by_kid;
};

KeySet::KeySet() : keys_(std::make_shared<Keys>()) {}
KeySet::~KeySet() = default;
KeySet::KeySet(const KeySet&) = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(const KeySet&) = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;

Result<KeySet> KeySet::from_jwks(const Json& jwks) {
  const auto list = jwks.find("keys");
  if (!jwks.is_object() || list == jwks.end() || !list->is_array()) {
    return fail(Code::malformed, "the issuer's key set has no array \"keys\"");
  }
  if (list->size() > kKeySetMax) return fail(Code::malformed, "the issuer's key set holds more than 100 keys");
  auto keys = std::make_shared<Keys>();
  for (const auto& jwk : *list) {
    if (!jwk.is_object() || !is_for_verifying(jwk)) continue;
    const auto kind = kind_of(jwk);
    const std::string kid = string_or(jwk, "kid");
    if (!kind || kid.empty()) continue;
    Pkey key = *kind == Kind::rsa ? read_rsa(jwk) : *kind == Kind::ed25519 ? read_ed25519(jwk) : read_ec(jwk, *kind);
    if (!key) continue;
    if (jwk.contains("alg") && !jwk["alg"].is_string()) continue;
    keys->by_kid.emplace(kid, Keys::Key{*kind, string_or(jwk, "alg"), std::move(key)});
  }
  KeySet out;
  out.keys_ = std::move(keys);
  return out;
}

bool KeySet::empty() const { return keys_->by_kid.empty(); }

Result<void> KeySet::verify(const Jwt& token) const {
  const Algorithm* algorithm = find_algorithm(string_or(token.header, "alg"));
  if (algorithm == nullptr) return fail(Code::unauthenticated, "the token's algorithm is not accepted");
  const auto [first, last] = keys_->by_kid.equal_range(string_or(token.header, "kid"));
  if (first == last) return fail(Code::not_found, "the issuer has no usable key with the token's kid");
  // Two keys under one kid leave open which one the issuer meant.
  if (std::next(first) != last) return fail(Code::unauthenticated, "the issuer's key set has the token's kid twice");
  const Keys::Key& key = first->second;
  if (key.kind != algorithm->kind || (!key.algorithm.empty() && key.algorithm != algorithm->name)) {
    return fail(Code::unauthenticated, "the token's algorithm does not go with the issuer's key");
  }
  if (!is_signature_valid(key.key.get(), *algorithm, token.signing_input, token.signature)) {
    return fail(Code::unauthenticated, "the token's signature is wrong");
  }
  return {};
}

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > kTokenBytesMax) return fail(Code::too_large, "the token has more than 16 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return fail(Code::malformed, "the token is no signed JWT (three parts with dots between)");
  }
  auto header = parse_part(token.substr(0, first), "header");
  if (!header) return header.error();
  if (const auto checked = check_header(*header); !checked) return checked.error();
  auto claims = parse_part(token.substr(first + 1, second - first - 1), "payload");
  if (!claims) return claims.error();
  auto signature = from_base64url(token.substr(second + 1));
  if (!signature || signature->empty()) return fail(Code::malformed, "the token's signature is no strict base64url");
  return Jwt{std::move(*header), std::move(*claims), std::string(token.substr(0, second)), std::move(*signature)};
}

Json ed25519_jwk(BytesView public_key) {
  const std::string x = to_base64url(public_key);
  // RFC 7638: the required members alone, in lexicographic order, without spaces.
  const Hash thumbprint = sha256(R"({"crv":"Ed25519","kty":"OKP","x":")" + x + "\"}");
  return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", x},
          {"use", "sig"}, {"alg", "EdDSA"},   {"kid", to_base64url(view(thumbprint))}};
}

std::string sign_jwt(const Json& claims, const SigningKey& key) {
  const Json jwk = ed25519_jwk(key.public_key());
  const Json header = {{"alg", "EdDSA"}, {"kid", jwk["kid"]}, {"typ", "JWT"}};
  const std::string input = to_base64url(to_json(header)) + '.' + to_base64url(to_json(claims));
  return input + '.' + to_base64url(key.sign(input));
}

}  // namespace holdpoint::identity
