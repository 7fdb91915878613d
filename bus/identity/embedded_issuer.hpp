// The issuer for one machine without an identity provider: `holdpoint token issue`. Its private keys stand in one file
// (var/keys/issuer.json, mode 0600) that services and the operator alone can read; the configuration document carries
// the public half, so that every gateway verifies its tokens like those of any other issuer.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/config/document.hpp"

namespace holdpoint::identity {

inline constexpr std::string_view kAgentAudience = "holdpoint";
inline constexpr std::string_view kReviewAudience = "holdpoint-reviews";

struct TokenRequest {
  std::string subject;
  std::vector<std::string> groups;
  std::string audience{kAgentAudience};       ///< or kReviewAudience; nothing else is issued
  Duration ttl = std::chrono::hours(1);       ///< at most 30 days
  std::map<std::string, std::string> claims;  ///< further string claims; not those of the protocol
};

class EmbeddedIssuer {
 public:
  /// A new issuer whose `iss` is unique: tokens of another deployment's embedded issuer name another one.
  static EmbeddedIssuer create();
  /// Fails with `configuration`, naming the file: missing, readable by others, not ours.
  static Result<EmbeddedIssuer> load(const std::filesystem::path& file);
  Result<void> save(const std::filesystem::path& file) const;
  /// load() where the file exists, else create() and save().
  static Result<EmbeddedIssuer> load_or_create(const std::filesystem::path& file);

  /// A new signing key. Older ones still verify, until the second rotation after.
  void rotate();

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] Json jwks() const;
  /// What an `embedded: true` entry of the configuration needs: `url`, `jwks`, and audiences where it names none.
  void fill(config::Issuer& issuer) const;

  /// A signed token. Fails with `malformed` for an empty or unprintable subject or group, another audience, a lifetime
  /// out of range, or a claim of the protocol's own.
  [[nodiscard]] Result<std::string> issue(const TokenRequest& request, Instant now) const;

 private:
  EmbeddedIssuer() = default;

  std::string url_;
  std::vector<SigningKey> keys_;  // the newest first
};

}  // namespace holdpoint::identity
