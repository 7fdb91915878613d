#include "bus/identity/session_seal.hpp"

#include <algorithm>
#include <limits>

#include "bus/base/id.hpp"

namespace holdpoint::identity {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kAccessKeyChars = 20;
constexpr std::size_t kHintChars = 4;
constexpr std::size_t kSecretChars = 40;  // as AWS's: some clients check
constexpr std::string_view kAssociated = "holdpoint-session-v1\n";
constexpr std::size_t kKeysMax = 16;  // one rotation a day with half a month of overlap
// What sessions are sealed by: older forms would be refused, not guessed at.
constexpr char kFormat = 2;

// Eight bytes give 12 characters of five bits, with four bits to spare.
std::string base32_chars(BytesView bytes, std::size_t count) {
  std::string out;
  std::uint64_t bits = 0;
  int have = 0;
  for (std::size_t i = 0; out.size() < count;) {
    if (have < 5) {
      bits = bits << 8 | static_cast<unsigned char>(bytes[i++]);
      have += 8;
    }
    out += kBase32[bits >> (have - 5) & 31];
    have -= 5;
  }
  return out;
}

// The session as bytes: length-prefixed texts, so that nothing in one can pass for another.
class Writer {
 public:
  void text(std::string_view text) {
    number(text.size());
    bytes_ += text;
  }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void byte(char value) { bytes_ += value; }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto next = static_cast<unsigned char>(byte());
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  std::string text() {
    const std::uint64_t length = number();
    if (length > rest_.size()) {
      failed_ = true;
      return {};
    }
    std::string out(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return out;
  }
  char byte() {
    if (rest_.empty()) {
      failed_ = true;
      return 0;
    }
    const char out = rest_.front();
    rest_.remove_prefix(1);
    return out;
  }
  [[nodiscard]] bool complete() const { return !failed_ && rest_.empty(); }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  BytesView rest_;
  bool failed_ = false;
};

Bytes encode(const Session& session) {
  Writer writer;
  writer.byte(kFormat);
  writer.text(session.id);
  writer.number(static_cast<std::uint64_t>(session.issued_at.time_since_epoch().count()));
  writer.number(static_cast<std::uint64_t>(session.expires_at.time_since_epoch().count()));
  writer.text(session.role_arn);
  writer.text(session.role_session_name);
  writer.text(session.policy);
  writer.text(session.principal.issuer);
  writer.text(session.principal.subject);
  writer.number(session.principal.groups.size());
  for (const auto& group : session.principal.groups) writer.text(group);
  writer.number(session.principal.claims.size());
  for (const auto& [name, value] : session.principal.claims) {
    writer.text(name);
    writer.text(value);
  }
  writer.number(session.assumed_from.size());
  for (const auto& id : session.assumed_from) writer.text(id);
  return writer.bytes();
}

std::optional<Session> decode(BytesView bytes) {
  Reader reader(bytes);
  if (reader.byte() != kFormat) return std::nullopt;
  Session session;
  session.id = reader.text();
  session.issued_at = Instant(Duration(static_cast<std::int64_t>(reader.number())));
  session.expires_at = Instant(Duration(static_cast<std::int64_t>(reader.number())));
  session.role_arn = reader.text();
  session.role_session_name = reader.text();
  session.policy = reader.text();
  session.principal.issuer = reader.text();
  session.principal.subject = reader.text();
  for (std::uint64_t left = reader.number(); left > 0 && !reader.failed(); --left) {
    session.principal.groups.push_back(reader.text());
  }
  for (std::uint64_t left = reader.number(); left > 0 && !reader.failed(); --left) {
    std::string name = reader.text();
    session.principal.claims.insert_or_assign(std::move(name), reader.text());
  }
  for (std::uint64_t left = reader.number(); left > 0 && !reader.failed(); --left) {
    session.assumed_from.push_back(reader.text());
  }
  if (!reader.complete()) return std::nullopt;
  return session;
}

}  // namespace

bool is_gateway_access_key(std::string_view access_key_id) {
  return access_key_id.size() == kAccessKeyChars && access_key_id.starts_with(kAccessKeyPrefix) &&
         access_key_id.find_first_not_of(kBase32) == std::string_view::npos;
}

Result<SessionSeal> SessionSeal::from_document(const config::Document& document, const Secret& group_secret) {
  if (group_secret.empty()) return fail(Code::configuration, "this process has no secret of the gateway group");
  const BoxKey group{document.group_public, group_secret.clone()};
  std::vector<MasterKey> keys;
  for (const auto& sealed : document.session_keys) {
    auto opened = unseal_with(group, sealed.sealed);
    if (!opened) return fail(Code::tampered, "the session key " + sealed.id + " is not sealed to this gateway group");
    keys.push_back({sealed.id, Secret(std::move(*opened))});
  }
  return from_keys(std::move(keys));
}

Result<SessionSeal> SessionSeal::from_keys(std::vector<MasterKey> keys) {
  if (keys.empty() || keys.size() > kKeysMax) {
    return fail(Code::configuration, "the configuration holds no session key, or more than 16");
  }
  SessionSeal out;
  for (const auto& master : keys) {
    if (master.key.reveal().size() != 32) return fail(Code::configuration, "a session key has not 32 bytes");
    out.keys_.push_back({base32_chars(view(sha256(master.id)), kHintChars),
                         derive_key(master.key.reveal(), "holdpoint-session-seal-v1"),
                         derive_key(master.key.reveal(), "holdpoint-session-secret-v1")});
  }
  return out;
}

std::string SessionSeal::derive_secret(const Key& key, std::string_view access_key_id, std::string_view session_token) {
  const Hash mac = hmac_sha256(key.deriving.reveal(), std::string(access_key_id) + '\n' + std::string(session_token));
  return to_base64(view(mac)).substr(0, kSecretChars);
}

Result<GatewayCredentials> SessionSeal::mint(const Session& session) const {
  const Key& key = keys_.front();
  GatewayCredentials out;
  out.access_key_id = std::string(kAccessKeyPrefix) + key.hint + base32_chars(random_bytes(8), 12);
  const Bytes sealed = seal(key.sealing.reveal(), std::string(kAssociated) + out.access_key_id, encode(session));
  out.session_token = to_base64url(sealed);
  if (out.session_token.size() > kSessionTokenBytesMax) {
    return fail(Code::too_large,
                "the session's claims, groups and policy make a session token of " +
                    std::to_string(out.session_token.size()) +
                    " bytes, more than 4096: name the claims that policies use in the issuer's `claims`, send fewer "
                    "groups, or shorten the session policy");
  }
  out.secret_access_key = derive_secret(key, out.access_key_id, out.session_token);
  return out;
}

Result<OpenedSession> SessionSeal::open(std::string_view access_key_id, std::string_view session_token,
                                        Instant now) const {
  if (!is_gateway_access_key(access_key_id))
    return fail(Code::not_found, "the access key id is not one of this gateway's");
  if (session_token.empty()) return fail(Code::unauthenticated, "the session token is missing");
  const auto invalid = fail(Code::unauthenticated, "the session token is not valid for this access key id");
  if (session_token.size() > kSessionTokenBytesMax) return invalid;
  const auto sealed = from_base64url(session_token);
  if (!sealed) return invalid;
  const std::string associated = std::string(kAssociated) + std::string(access_key_id);
  const std::string_view hint = access_key_id.substr(kAccessKeyPrefix.size(), kHintChars);
  for (const auto& key : keys_) {
    if (key.hint != hint) continue;
    const auto bytes = unseal(key.sealing.reveal(), associated, *sealed);
    if (!bytes) continue;
    auto session = decode(*bytes);
    if (!session) return invalid;
    if (now >= session->expires_at) return fail(Code::expired, "the session has expired");
    return OpenedSession{std::move(*session), Secret(derive_secret(key, access_key_id, session_token))};
  }
  return invalid;
}

}  // namespace holdpoint::identity
