#include "bus/identity/embedded_issuer.hpp"

#include <algorithm>
#include <array>

#include "bus/config/private_file.hpp"
#include "bus/identity/jose.hpp"

namespace holdpoint::identity {
namespace {

constexpr std::size_t kIssuerKeysMax = 3;  // the newest, and those of tokens still out
constexpr Duration kTtlMax = std::chrono::days(30);
constexpr std::array<std::string_view, 8> kReserved = {"iss", "sub", "aud", "exp", "nbf", "iat", "groups", "azp"};

bool is_printable(std::string_view text) {
  return !text.empty() && text.size() <= 256 && is_utf8(text) && display(text) == text;
}

Error not_issued(std::string why) { return fail(Code::malformed, "no token issued: " + std::move(why)); }

}  // namespace

EmbeddedIssuer EmbeddedIssuer::create() {
  EmbeddedIssuer issuer;
  issuer.url_ = "urn:holdpoint:issuer:" + to_hex(random_bytes(8));
  issuer.keys_.push_back(SigningKey::generate());
  return issuer;
}

Result<EmbeddedIssuer> EmbeddedIssuer::load(const std::filesystem::path& file) {
  const auto bytes = config::read_private_file(file);
  if (!bytes) return bytes.error();
  const auto broken = [&](const char* what) {
    return fail(Code::configuration, file.string() + ": no file of the embedded issuer (" + what + ")");
  };
  const auto object = parse_json(*bytes);
  if (!object || !object->is_object()) return broken("no JSON object");
  EmbeddedIssuer issuer;
  issuer.url_ = string_or(*object, "issuer");
  if (issuer.url_.empty()) return broken("no member issuer");
  const auto seeds = object->find("seeds");
  if (seeds == object->end() || !seeds->is_array() || seeds->empty() || seeds->size() > kIssuerKeysMax) {
    return broken("no member seeds");
  }
  for (const auto& text : *seeds) {
    const auto seed = text.is_string() ? from_base64(text.get<std::string>()) : std::nullopt;
    if (!seed) return broken("a seed is no base64");
    auto key = SigningKey::from_seed(*seed);
    if (!key) return broken("a seed has not 32 bytes");
    issuer.keys_.push_back(std::move(*key));
  }
  return issuer;
}

Result<void> EmbeddedIssuer::save(const std::filesystem::path& file) const {
  Json seeds = Json::array();
  for (const auto& key : keys_) seeds.push_back(to_base64(key.seed().reveal()));
  return config::write_file_atomically(file, to_json({{"issuer", url_}, {"seeds", std::move(seeds)}}) + "\n");
}

Result<EmbeddedIssuer> EmbeddedIssuer::load_or_create(const std::filesystem::path& file) {
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, unknown))) return load(file);
  EmbeddedIssuer issuer = create();
  if (const auto saved = issuer.save(file); !saved) return saved.error();
  return issuer;
}

void EmbeddedIssuer::rotate() {
  keys_.insert(keys_.begin(), SigningKey::generate());
  if (keys_.size() > kIssuerKeysMax) keys_.pop_back();
}

Json EmbeddedIssuer::jwks() const {
  Json keys = Json::array();
  for (const auto& key : keys_) keys.push_back(ed25519_jwk(key.public_key()));
  return {{"keys", std::move(keys)}};
}

void EmbeddedIssuer::fill(config::Issuer& issuer) const {
  issuer.url = url_;
  issuer.jwks = jwks();
  if (issuer.audiences.empty()) issuer.audiences = {std::string(kAgentAudience)};
  if (issuer.review_audiences.empty()) issuer.review_audiences = {std::string(kReviewAudience)};
}

Result<std::string> EmbeddedIssuer::issue(const TokenRequest& request, Instant now) const {
  if (!is_printable(request.subject)) return not_issued("the subject must be 1 to 256 bytes of printable text");
  if (!std::ranges::all_of(request.groups, is_printable))
    return not_issued("a group must be 1 to 256 bytes of printable text");
  if (request.audience != kAgentAudience && request.audience != kReviewAudience) {
    return not_issued("the audience must be holdpoint or holdpoint-reviews");
  }
  if (request.ttl <= Duration::zero() || request.ttl > kTtlMax) return not_issued("the lifetime must be 1s to 30d");
  Json claims = {{"iss", url_},
                 {"sub", request.subject},
                 {"aud", request.audience},
                 {"iat", to_unix_seconds(now)},
                 {"exp", to_unix_seconds(now + request.ttl)},
                 {"groups", request.groups}};
  for (const auto& [name, value] : request.claims) {
    if (std::ranges::find(kReserved, name) != kReserved.end() || !is_printable(name) || !is_utf8(value)) {
      return not_issued("a further claim must have a printable name that is not one of the protocol's");
    }
    claims[name] = value;
  }
  return sign_jwt(claims, keys_.front());
}

}  // namespace holdpoint::identity
