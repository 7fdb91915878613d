#include "bus/identity/token_verifier.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace holdpoint::identity {
namespace {

constexpr std::size_t kTextBytesMax = 256;  // a subject, a group; OIDC bounds `sub` at 255
constexpr std::size_t kGroupsMax = 200;     // where providers themselves stop listing
constexpr std::size_t kAudiencesMax = 20;
constexpr std::size_t kClaimsBytesMax = 2048;  // they travel in every session token (session_seal.hpp)

// Claims of the protocol, which say nothing about the principal.
constexpr std::array<std::string_view, 12> kProtocolClaims = {"iss", "sub", "aud",   "exp",     "nbf",    "iat",
                                                              "jti", "sid", "nonce", "at_hash", "c_hash", "s_hash"};

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

bool is_plain_text(std::string_view text) {
  return !text.empty() && text.size() <= kTextBytesMax && is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Error refused(std::string why) { return fail(Code::unauthenticated, "the token " + std::move(why)); }

// A NumericDate; nullopt inside when the claim is absent.
Result<std::optional<Instant>> get_time(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<Instant>();
  constexpr double kYear9999 = 253402300799.0;
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kYear9999)) return refused(std::string("has no valid time in `") + name + "`");
  return std::optional(from_unix_seconds(static_cast<std::int64_t>(std::floor(seconds))));
}

Result<std::vector<std::string>> get_audiences(const Json& claims) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return refused("has no audience");
  if (found->is_string()) return std::vector{found->get<std::string>()};
  if (!found->is_array() || found->empty() || found->size() > kAudiencesMax) return refused("has no valid audience");
  std::vector<std::string> audiences;
  for (const auto& item : *found) {
    if (!item.is_string()) return refused("has no valid audience");
    audiences.push_back(item.get<std::string>());
  }
  return audiences;
}

// The configured audience that fits.
Result<std::string> check_audience(const Json& claims, const config::Issuer& issuer, Purpose purpose) {
  const bool for_agents = purpose == Purpose::agent;
  const auto& accepted = for_agents ? issuer.audiences : issuer.review_audiences;
  const auto& others = for_agents ? issuer.review_audiences : issuer.audiences;
  const auto audiences = get_audiences(claims);
  if (!audiences) return audiences.error();
  std::string fitting;
  for (const auto& audience : *audiences) {
    if (contains(others, audience)) {
      return refused(for_agents ? "is (also) meant for reviewers, not for agents"
                                : "is (also) meant for agents, not for reviewers");
    }
    if (fitting.empty() && contains(accepted, audience)) fitting = audience;
  }
  if (fitting.empty()) return refused("is meant for another audience than those configured for its issuer");

  const auto party = claims.find("azp");
  if (party == claims.end()) {
    if (audiences->size() > 1) return refused("has several audiences and no authorised party (azp)");
  } else if (!party->is_string() ||
             (!contains(accepted, party->get<std::string>()) && !contains(issuer.parties, party->get<std::string>()))) {
    return refused("was issued to a party (azp) that is neither an audience nor listed in the issuer's `parties`");
  }
  return fitting;
}

Result<std::vector<std::string>> get_groups(const Json& claims, const std::string& name) {
  std::vector<std::string> groups;
  const auto found = claims.find(name);
  if (found == claims.end() || found->is_null()) return groups;
  if (found->is_string()) {
    groups.push_back(found->get<std::string>());
  } else if (found->is_array() && found->size() <= kGroupsMax) {
    for (const auto& item : *found) {
      if (!item.is_string()) return refused("holds something other than text in its groups");
      groups.push_back(item.get<std::string>());
    }
  } else {
    return refused("has no list of at most 200 groups in its groups claim");
  }
  if (!std::ranges::all_of(groups, is_plain_text))
    return refused("has a group that is no plain text of 1 to 256 bytes");
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  return groups;
}

std::optional<std::string> claim_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_integer()) return value.dump();
  return std::nullopt;
}

Result<std::map<std::string, std::string>> get_claims(const Json& claims, const config::Issuer& issuer) {
  std::map<std::string, std::string> out;
  std::size_t bytes = 0;
  for (const auto& [name, value] : claims.items()) {
    const bool wanted = issuer.claims.empty() ? std::ranges::find(kProtocolClaims, name) == kProtocolClaims.end() &&
                                                    name != issuer.groups_claim
                                              : contains(issuer.claims, name);
    if (!wanted) continue;
    auto text = claim_text(value);
    if (!text) continue;
    bytes += name.size() + text->size();
    // Dropping some would make conditions on them lie.
    if (bytes > kClaimsBytesMax) {
      return refused("has claims of more than 2048 bytes: name those that policies use in the issuer's `claims`");
    }
    out.emplace(name, std::move(*text));
  }
  return out;
}

Result<void> check_times(const Json& claims, Instant now, VerifiedToken& out) {
  const auto expires = get_time(claims, "exp");
  const auto not_before = get_time(claims, "nbf");
  const auto issued = get_time(claims, "iat");
  if (!expires) return expires.error();
  if (!not_before) return not_before.error();
  if (!issued) return issued.error();
  if (!*expires) return refused("has no expiry (exp)");
  if (now >= **expires + kClockLeeway) return fail(Code::expired, "the token has expired");
  if (*not_before && **not_before > now + kClockLeeway) return refused("is not valid yet (nbf)");
  if (*issued && **issued > now + kClockLeeway) return refused("was issued in the future (iat)");
  out.expires_at = **expires;
  out.issued_at = issued->value_or(Instant{});
  return {};
}

}  // namespace

TokenVerifier::TokenVerifier(const std::vector<config::Issuer>& issuers) {
  for (const auto& issuer : issuers) {
    auto keys = KeySet::from_jwks(issuer.jwks);
    issuers_.push_back({issuer, keys ? std::move(*keys) : KeySet()});
  }
}

Result<void> TokenVerifier::set_keys(std::string_view issuer_name, const Json& jwks) {
  for (auto& known : issuers_) {
    if (known.settings.name != issuer_name) continue;
    auto keys = KeySet::from_jwks(jwks);
    if (!keys) return keys.error();
    known.keys = std::move(*keys);
    return {};
  }
  return fail(Code::not_found, "no issuer is configured under this name");
}

Result<const TokenVerifier::Known*> TokenVerifier::issuer_of(const Jwt& token) const {
  const auto issuer = get_string(token.claims, "iss");
  if (!issuer || issuer->empty()) return refused("names no issuer (iss)");
  for (const auto& known : issuers_) {
    if (known.settings.url == *issuer) return &known;
  }
  return refused("is from an issuer that is not configured");
}

Result<const config::Issuer*> TokenVerifier::claimed_issuer(std::string_view token) const {
  const auto jwt = parse_jwt(token);
  if (!jwt) return jwt.error();
  const auto known = issuer_of(*jwt);
  if (!known) return known.error();
  return &(*known)->settings;
}

Result<VerifiedToken> TokenVerifier::verify(std::string_view token, Purpose purpose, Instant now) const {
  const auto jwt = parse_jwt(token);
  if (!jwt) return jwt.error();
  const auto known = issuer_of(*jwt);
  if (!known) return known.error();
  const config::Issuer& issuer = (*known)->settings;
  if ((*known)->keys.empty()) return fail(Code::unavailable, "no keys of the token's issuer are known yet");
  if (const auto verified = (*known)->keys.verify(*jwt); !verified) return verified.error();

  VerifiedToken out;
  if (const auto checked = check_times(jwt->claims, now, out); !checked) return checked.error();
  const auto audience = check_audience(jwt->claims, issuer, purpose);
  if (!audience) return audience.error();
  const std::string subject = string_or(jwt->claims, "sub");
  if (!is_plain_text(subject)) return refused("has no subject (sub) of 1 to 256 bytes of plain text");
  auto groups = get_groups(jwt->claims, issuer.groups_claim);
  if (!groups) return groups.error();
  auto claims = get_claims(jwt->claims, issuer);
  if (!claims) return claims.error();
  claims->insert_or_assign("aud", *audience);
  out.principal = {issuer.name, subject, std::move(*groups), std::move(*claims)};
  return out;
}

}  // namespace holdpoint::identity
