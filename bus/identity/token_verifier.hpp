// From a token to a principal: which configured issuer vouches for whom, to be used for what.
//
// Not here: signatures (jose.hpp), which role the principal may take (gateway/policy/trust_policy.hpp), fetching keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/config/document.hpp"
#include "bus/identity/jose.hpp"
#include "bus/identity/principal.hpp"

namespace holdpoint::identity {

/// What a token is presented for. An agent's token can never vote, a reviewer's never call AWS: a token that names
/// audiences of both is refused for either.
enum class Purpose { agent, review };

/// What clocks of identity providers may be off by.
inline constexpr std::chrono::seconds kClockLeeway{60};

struct VerifiedToken {
  /// `claims` holds the token's string, boolean and integer claims as text (those named by the issuer's `claims`, or
  /// all but the protocol's own), and `aud`: the configured audience that fit.
  Principal principal;
  Instant issued_at{};   ///< `iat`; zero where the token has none
  Instant expires_at{};  ///< `exp`
};

class TokenVerifier {
 public:
  /// Reads each issuer's static keys. An issuer whose key set does not parse has no keys; the others work.
  explicit TokenVerifier(const std::vector<config::Issuer>& issuers);

  /// Keys fetched from an issuer's url replace those it had.
  Result<void> set_keys(std::string_view issuer_name, const Json& jwks);

  /// The configured issuer that the token *claims* to be from, by byte-wise comparison of `iss`, before anything else
  /// is done; for deciding whose keys to fetch. Fails as verify does.
  [[nodiscard]] Result<const config::Issuer*> claimed_issuer(std::string_view token) const;

  /// Fails with: `malformed`, `too_large` (no JWT at all); `unauthenticated` (issuer, signature, audience, party,
  /// subject); `expired`; `not_found` (a kid that the known keys lack: fetch anew, at a bounded rate, and try again);
  /// `unavailable` (no keys of this issuer are known yet). Every cause has its own words, never the token's.
  [[nodiscard]] Result<VerifiedToken> verify(std::string_view token, Purpose purpose, Instant now) const;

 private:
  struct Known {
    config::Issuer settings;
    KeySet keys;
  };
  [[nodiscard]] Result<const Known*> issuer_of(const Jwt& token) const;

  std::vector<Known> issuers_;
};

}  // namespace holdpoint::identity
