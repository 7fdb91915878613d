// Gateway-local credentials: what an agent holds instead of credentials of a target. Any gateway opens them, none
// stores them, and real AWS rejects them.
//
//   access key id      "HOLD", 4 characters that hint at the sealing key, 12 random ones: 20 characters, base32
//   session token      base64url of the session, sealed (AEAD) under a key of the gateway group, bound to the id
//   secret access key  HMAC over id and token under another key of the group: derived anew each time, held nowhere
//
// Not here: the SigV4 signature made with the secret (gateway/aws), revocation (Document::revoked).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/config/document.hpp"
#include "bus/identity/principal.hpp"

namespace holdpoint::identity {

inline constexpr std::string_view kAccessKeyPrefix = "HOLD";
/// AWS clients carry tokens of 4 KiB everywhere that they carry real ones.
inline constexpr std::size_t kSessionTokenBytesMax = 4096;

struct GatewayCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

struct OpenedSession {
  Session session;
  Secret secret_access_key;
};

/// Whether the gateway made this id (some time, under some key). Anything else is an unknown access key.
bool is_gateway_access_key(std::string_view access_key_id);

class SessionSeal {
 public:
  /// Opens the document's session keys with the gateway group's secret. Fails with `configuration` when there are none,
  /// with `tampered` when one is not sealed to this group.
  static Result<SessionSeal> from_document(const config::Document& document, const Secret& group_secret);

  struct MasterKey {
    std::string id;
    Secret key;  ///< 32 bytes
  };
  /// `keys` newest first, at least one.
  static Result<SessionSeal> from_keys(std::vector<MasterKey> keys);

  /// Sealed under the newest key. Fails with `too_large` when the session does not fit into a token that every AWS
  /// client carries, saying what to shorten.
  [[nodiscard]] Result<GatewayCredentials> mint(const Session& session) const;

  /// Fails with `not_found` for an id that is not the gateway's, `unauthenticated` for a token that is missing,
  /// altered, of another id or of a key that is gone, `expired` for a session that has ended.
  [[nodiscard]] Result<OpenedSession> open(std::string_view access_key_id, std::string_view session_token,
                                           Instant now) const;

 private:
  struct Key {
    std::string hint;
    Secret sealing;
    Secret deriving;
  };
  [[nodiscard]] static std::string derive_secret(const Key& key, std::string_view access_key_id,
                                                 std::string_view session_token);

  std::vector<Key> keys_;
};

}  // namespace holdpoint::identity
