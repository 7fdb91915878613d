#include "bus/identity/token_verifier.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <functional>

#include "token_maker.hpp"

namespace holdpoint::identity {
namespace {

using test::join_token;
using test::KeyType;
using test::make_token;
using test::TokenKey;

constexpr const char* kUrl = "https://idp.example/realm";

class TokenVerifierTest : public ::testing::Test {
 protected:
  static const TokenKey& rsa() {
    static const TokenKey key(KeyType::rsa2048);
    return key;
  }
  static const TokenKey& other_rsa() {
    static const TokenKey key(KeyType::rsa2048);
    return key;
  }
  static const TokenKey& p256() {
    static const TokenKey key(KeyType::p256);
    return key;
  }

  static config::Issuer issuer() {
    config::Issuer issuer;
    issuer.name = "corp";
    issuer.url = kUrl;
    issuer.audiences = {"holdpoint", "holdpoint-ci"};
    Json restricted = rsa().jwk("rs256-only");
    restricted["alg"] = "RS256";
    Json encrypting = rsa().jwk("for-encryption");
    encrypting["use"] = "enc";
    issuer.jwks = {{"keys", {rsa().jwk("r1"), p256().jwk("e1"), restricted, encrypting}}};
    return issuer;
  }

  static Json header(const char* alg = "RS256", const char* kid = "r1") {
    return {{"alg", alg}, {"kid", kid}, {"typ", "JWT"}};
  }
  Json claims() const {
    const auto seconds = to_unix_seconds(now_);
    return {{"iss", kUrl},         {"sub", "ci-1"},       {"aud", "holdpoint"}, {"exp", seconds + 600},
            {"iat", seconds - 10}, {"nbf", seconds - 10}, {"groups", {"dev"}},  {"repository", "acme/shop"}};
  }
  static Json with(Json object, const char* name, Json value) {
    object[name] = std::move(value);
    return object;
  }
  static Json without(Json object, const char* name) {
    object.erase(name);
    return object;
  }
  [[nodiscard]] Result<VerifiedToken> verify(std::string_view token, Purpose purpose = Purpose::agent) const {
    return TokenVerifier({issuer()}).verify(token, purpose, now_);
  }

  Instant now_ = from_rfc3339("2026-11-01T12:00:00Z").value();
};

TEST_F(TokenVerifierTest, AGoodTokenYieldsThePrincipal) {
  const auto verified = verify(make_token(header(), claims(), rsa()));
  ASSERT_TRUE(verified.has_value()) << verified.error().context;
  EXPECT_EQ(verified->principal.name(), "corp:ci-1");
  EXPECT_EQ(verified->principal.groups, std::vector<std::string>{"dev"});
  EXPECT_EQ(verified->principal.claims.at("repository"), "acme/shop");
  EXPECT_EQ(verified->principal.claims.at("aud"), "holdpoint");
  EXPECT_FALSE(verified->principal.claims.contains("iss"));
  EXPECT_EQ(verified->expires_at, now_ + std::chrono::minutes(10));
}

TEST_F(TokenVerifierTest, EveryAcceptedAlgorithmVerifies) {
  const TokenKey p384(KeyType::p384);
  const TokenKey edwards(KeyType::ed25519);
  auto settings = issuer();
  settings.jwks["keys"].push_back(p384.jwk("e2"));
  settings.jwks["keys"].push_back(edwards.jwk("o1"));
  const TokenVerifier verifier({settings});
  const std::vector<std::tuple<const char*, const char*, const TokenKey*>> rows = {
      {"RS256", "r1", &rsa()},  {"RS384", "r1", &rsa()}, {"RS512", "r1", &rsa()},
      {"PS256", "r1", &rsa()},  {"PS384", "r1", &rsa()}, {"PS512", "r1", &rsa()},
      {"ES256", "e1", &p256()}, {"ES384", "e2", &p384},  {"EdDSA", "o1", &edwards}};
  for (const auto& [alg, kid, key] : rows) {
    const std::string token = make_token(header(alg, kid), claims(), *key);
    const auto verified = verifier.verify(token, Purpose::agent, now_);
    EXPECT_TRUE(verified.has_value()) << alg << ": " << verified.error().context;
    std::string altered = token;
    altered.at(altered.rfind('.') + 5) ^= 1;
    EXPECT_FALSE(verifier.verify(altered, Purpose::agent, now_).has_value()) << alg;
  }
}

TEST_F(TokenVerifierTest, EveryHostileTokenIsRefusedInItsOwnWords) {
  const auto seconds = to_unix_seconds(now_);
  const auto good = [&] { return make_token(header(), claims(), rsa()); };
  const auto signed_with = [&](const Json& head, const Json& body) { return make_token(head, body, rsa()); };
  const auto part = [](const std::string& token, int index) {
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    return index == 0   ? token.substr(0, first)
           : index == 1 ? token.substr(first + 1, second - first - 1)
                        : token.substr(second + 1);
  };
  // HS256 "signed" with the public key's own bytes, as the classic confusion does.
  const auto confused = [&] {
    const Json head = header("HS256");
    const std::string input = to_base64url(to_json(head)) + '.' + to_base64url(to_json(claims()));
    return join_token(to_json(head), to_json(claims()), view(hmac_sha256(to_json(rsa().jwk("r1")), input)));
  };
  struct Row {
    const char* what;
    std::string token;
    Code code;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"expired", signed_with(header(), with(claims(), "exp", seconds - 61)), Code::expired, "expired"},
      {"no expiry", signed_with(header(), without(claims(), "exp")), Code::unauthenticated, "exp"},
      {"expiry as text", signed_with(header(), with(claims(), "exp", "9999999999")), Code::unauthenticated, "exp"},
      {"negative expiry", signed_with(header(), with(claims(), "exp", -1)), Code::unauthenticated, "exp"},
      {"not valid yet", signed_with(header(), with(claims(), "nbf", seconds + 61)), Code::unauthenticated, "nbf"},
      {"issued in the future", signed_with(header(), with(claims(), "iat", seconds + 61)), Code::unauthenticated,
       "iat"},
      {"wrong audience", signed_with(header(), with(claims(), "aud", "other")), Code::unauthenticated,
       "another audience"},
      {"no audience", signed_with(header(), without(claims(), "aud")), Code::unauthenticated, "no audience"},
      {"audience of another kind", signed_with(header(), with(claims(), "aud", Json{1})), Code::unauthenticated,
       "audience"},
      {"reviewer's token", signed_with(header(), with(claims(), "aud", "holdpoint-reviews")), Code::unauthenticated,
       "reviewers"},
      {"both audiences",
       signed_with(header(), with(with(claims(), "aud", {"holdpoint", "holdpoint-reviews"}), "azp", "holdpoint")),
       Code::unauthenticated, "reviewers"},
      {"two audiences, no party", signed_with(header(), with(claims(), "aud", {"holdpoint", "x"})),
       Code::unauthenticated, "azp"},
      {"another party", signed_with(header(), with(claims(), "azp", "another-client")), Code::unauthenticated, "azp"},
      {"wrong issuer", signed_with(header(), with(claims(), "iss", "https://evil.example")), Code::unauthenticated,
       "not configured"},
      {"issuer with a slash more", signed_with(header(), with(claims(), "iss", std::string(kUrl) + "/")),
       Code::unauthenticated, "not configured"},
      {"issuer in other case", signed_with(header(), with(claims(), "iss", "https://IDP.example/realm")),
       Code::unauthenticated, "not configured"},
      {"issuer's name for its url", signed_with(header(), with(claims(), "iss", "corp")), Code::unauthenticated,
       "not configured"},
      {"no issuer", signed_with(header(), without(claims(), "iss")), Code::unauthenticated, "no issuer"},
      {"issuer as list", signed_with(header(), with(claims(), "iss", {kUrl})), Code::unauthenticated, "no issuer"},
      {"no subject", signed_with(header(), without(claims(), "sub")), Code::unauthenticated, "subject"},
      {"subject with a line break", signed_with(header(), with(claims(), "sub", "a\nb")), Code::unauthenticated,
       "subject"},
      {"subject too long", signed_with(header(), with(claims(), "sub", std::string(257, 'a'))), Code::unauthenticated,
       "subject"},
      {"groups of another kind", signed_with(header(), with(claims(), "groups", {{"a", 1}})), Code::unauthenticated,
       "groups"},
      {"group that is a number", signed_with(header(), with(claims(), "groups", Json{1})), Code::unauthenticated,
       "groups"},
      {"claims without end", signed_with(header(), with(claims(), "note", std::string(2100, 'x'))),
       Code::unauthenticated, "2048"},
      {"alg none", join_token(R"({"alg":"none","kid":"r1"})", to_json(claims()), ""), Code::unauthenticated,
       "not signed"},
      {"alg NoNe with signature", join_token(R"({"alg":"NoNe","kid":"r1"})", to_json(claims()), "x"),
       Code::unauthenticated, "not signed"},
      {"no alg", join_token(R"({"kid":"r1"})", to_json(claims()), "x"), Code::malformed, "no algorithm"},
      {"RS to HS confusion", confused(), Code::unauthenticated, "algorithm"},
      {"ES512", join_token(to_json(header("ES512")), to_json(claims()), "x"), Code::unauthenticated, "algorithm"},
      {"alg of another kind of key", join_token(to_json(header("ES256")), to_json(claims()), Bytes(64, 'x')),
       Code::unauthenticated, "does not go with"},
      {"alg the key does not allow", signed_with(header("RS384", "rs256-only"), claims()), Code::unauthenticated,
       "does not go with"},
      {"key for encryption", signed_with(header("RS256", "for-encryption"), claims()), Code::not_found, "kid"},
      {"embedded key", make_token(with(header(), "jwk", other_rsa().jwk("r1")), claims(), other_rsa()),
       Code::unauthenticated, "\"jwk\""},
      {"key by url", make_token(with(header(), "jku", "https://evil.example/jwks"), claims(), other_rsa()),
       Code::unauthenticated, "\"jku\""},
      {"certificate by url", signed_with(with(header(), "x5u", "https://evil.example"), claims()),
       Code::unauthenticated, "\"x5u\""},
      {"certificate chain", signed_with(with(header(), "x5c", {"AA=="}), claims()), Code::unauthenticated, "\"x5c\""},
      {"critical extension", signed_with(with(header(), "crit", {"exp"}), claims()), Code::unauthenticated, "\"crit\""},
      {"empty crit", signed_with(with(header(), "crit", Json::array()), claims()), Code::unauthenticated, "\"crit\""},
      {"unencoded payload", signed_with(with(header(), "b64", false), claims()), Code::unauthenticated, "\"b64\""},
      {"compressed", signed_with(with(header(), "zip", "DEF"), claims()), Code::unauthenticated, "\"zip\""},
      {"another type of token", signed_with(with(header(), "typ", "logout+jwt"), claims()), Code::unauthenticated,
       "type"},
      {"type that is no text", signed_with(with(header(), "typ", 1), claims()), Code::unauthenticated, "type"},
      {"signed by somebody else", make_token(header(), claims(), other_rsa()), Code::unauthenticated,
       "signature is wrong"},
      {"kid swapped to another key", make_token(header("RS256", "rs256-only"), claims(), other_rsa()),
       Code::unauthenticated, "signature is wrong"},
      {"kid unknown", make_token(header("RS256", "r9"), claims(), rsa()), Code::not_found, "kid"},
      {"kid as path", make_token(header("RS256", "../../etc/passwd"), claims(), rsa()), Code::not_found, "kid"},
      {"no kid", signed_with(without(header(), "kid"), claims()), Code::unauthenticated, "kid"},
      {"empty kid", signed_with(with(header(), "kid", ""), claims()), Code::unauthenticated, "kid"},
      {"kid that is a number", signed_with(with(header(), "kid", 1), claims()), Code::unauthenticated, "kid"},
      {"payload of another token",
       part(good(), 0) + '.' + to_base64url(to_json(with(claims(), "sub", "root"))) + '.' + part(good(), 2),
       Code::unauthenticated, "signature is wrong"},
      {"truncated signature", good().substr(0, good().size() - 6), Code::unauthenticated, "signature is wrong"},
      {"no signature", part(good(), 0) + '.' + part(good(), 1) + '.', Code::malformed, "signature"},
      {"two parts", part(good(), 0) + '.' + part(good(), 1), Code::malformed, "three parts"},
      {"five parts", good() + ".a.b", Code::malformed, "three parts"},
      {"nothing", "", Code::malformed, "three parts"},
      {"dots alone", "..", Code::malformed, "header"},
      {"padded base64", part(good(), 0) + "=." + part(good(), 1) + '.' + part(good(), 2), Code::malformed, "base64url"},
      {"standard base64", part(good(), 0) + '.' + part(good(), 1) + ".+/+/", Code::malformed, "base64url"},
      {"line break inside", part(good(), 0) + ".\n" + part(good(), 1) + '.' + part(good(), 2), Code::malformed,
       "base64url"},
      {"surrounding space", " " + good(), Code::malformed, "base64url"},
      {"spare bits set", part(good(), 0) + '.' + part(good(), 1) + ".AB", Code::malformed, "base64url"},
      {"duplicate alg", join_token(R"({"alg":"RS256","alg":"none","kid":"r1"})", to_json(claims()), "x"),
       Code::malformed, "unique"},
      {"duplicate sub", join_token(to_json(header()), R"({"iss":"a","sub":"x","sub":"y"})", "x"), Code::malformed,
       "unique"},
      {"header no object", join_token("[]", to_json(claims()), "x"), Code::malformed, "header"},
      {"payload no object", join_token(to_json(header()), "1", "x"), Code::malformed, "payload"},
      {"payload no JSON", join_token(to_json(header()), "\xff\xfe", "x"), Code::malformed, "payload"},
      {"nested without end", join_token(to_json(header()), std::string(5000, '['), "x"), Code::malformed, "payload"},
      {"huge", std::string(17 << 10, 'a'), Code::too_large, "16 KiB"},
  };
  for (const Row& row : rows) {
    const auto verified = verify(row.token);
    ASSERT_FALSE(verified.has_value()) << row.what;
    EXPECT_EQ(verified.error().code, row.code) << row.what << ": " << verified.error().context;
    EXPECT_NE(verified.error().context.find(row.says), std::string::npos)
        << row.what << ": " << verified.error().context;
    for (const char* secret : {"ci-1", "evil", "another-client", "root", "acme"}) {
      EXPECT_EQ(verified.error().context.find(secret), std::string::npos)
          << row.what << ": " << verified.error().context;
    }
  }
}

TEST_F(TokenVerifierTest, AnEcdsaSignatureHasExactlyTheCurvesLength) {
  const Json head = header("ES256", "e1");
  const std::string input = to_base64url(to_json(head)) + '.' + to_base64url(to_json(claims()));
  const Bytes signature = p256().sign("ES256", input);
  EXPECT_TRUE(verify(join_token(to_json(head), to_json(claims()), signature)).has_value());
  for (const Bytes& bad : {signature + '\0', '\0' + signature, signature.substr(1), signature.substr(0, 63),
                           Bytes(64, '\0'), Bytes(64, '\xff'), signature.substr(0, 32) + Bytes(32, '\0'), Bytes()}) {
    EXPECT_FALSE(verify(join_token(to_json(head), to_json(claims()), bad)).has_value()) << to_hex(bad);
  }
}

TEST_F(TokenVerifierTest, TimesHaveALeewayOfOneMinute) {
  const auto seconds = to_unix_seconds(now_);
  EXPECT_TRUE(verify(make_token(header(), with(claims(), "exp", seconds - 59), rsa())).has_value());
  EXPECT_TRUE(verify(make_token(header(), with(claims(), "nbf", seconds + 60), rsa())).has_value());
  EXPECT_TRUE(verify(make_token(header(), with(claims(), "iat", seconds + 60), rsa())).has_value());
  EXPECT_TRUE(verify(make_token(header(), without(without(claims(), "nbf"), "iat"), rsa())).has_value());
  EXPECT_TRUE(
      verify(make_token(header(), with(claims(), "exp", static_cast<double>(seconds) + 0.5), rsa())).has_value());
  EXPECT_FALSE(verify(make_token(header(), with(claims(), "exp", seconds - 60), rsa())).has_value());
}

TEST_F(TokenVerifierTest, APartyMayBeAnAudienceOrListed) {
  EXPECT_TRUE(verify(make_token(header(), with(claims(), "azp", "holdpoint-ci"), rsa())).has_value());
  EXPECT_TRUE(verify(make_token(header(), with(with(claims(), "aud", {"x", "holdpoint"}), "azp", "holdpoint"), rsa()))
                  .has_value());
  auto settings = issuer();
  settings.parties = {"ci-client"};
  EXPECT_TRUE(TokenVerifier({settings})
                  .verify(make_token(header(), with(claims(), "azp", "ci-client"), rsa()), Purpose::agent, now_)
                  .has_value());
}

TEST_F(TokenVerifierTest, AnAgentsTokenNeverVotes) {
  const auto refused = verify(make_token(header(), claims(), rsa()), Purpose::review);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::unauthenticated);
  EXPECT_TRUE(
      verify(make_token(header(), with(claims(), "aud", "holdpoint-reviews"), rsa()), Purpose::review).has_value());
}

TEST_F(TokenVerifierTest, AKeyOfOneIssuerSignsForNoOther) {
  auto second = issuer();
  second.name = "partner";
  second.url = "https://partner.example";
  second.jwks = {{"keys", {other_rsa().jwk("r1")}}};
  const TokenVerifier verifier({issuer(), second});
  EXPECT_FALSE(verifier.verify(make_token(header(), claims(), other_rsa()), Purpose::agent, now_).has_value());
  const auto own =
      verifier.verify(make_token(header(), with(claims(), "iss", second.url), other_rsa()), Purpose::agent, now_);
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(own->principal.name(), "partner:ci-1");
}

TEST_F(TokenVerifierTest, KeysAreFetchedForTheClaimedIssuerAndReplaced) {
  auto settings = issuer();
  settings.jwks = Json::object();
  TokenVerifier verifier({settings});
  const std::string token = make_token(header(), claims(), rsa());
  EXPECT_EQ(verifier.verify(token, Purpose::agent, now_).error().code, Code::unavailable);
  EXPECT_EQ((*verifier.claimed_issuer(token).value()).name, "corp");
  EXPECT_FALSE(verifier.claimed_issuer(make_token(header(), with(claims(), "iss", "x"), rsa())).has_value());

  ASSERT_TRUE(verifier.set_keys("corp", {{"keys", {rsa().jwk("r1")}}}).has_value());
  EXPECT_TRUE(verifier.verify(token, Purpose::agent, now_).has_value());
  ASSERT_TRUE(verifier.set_keys("corp", {{"keys", {rsa().jwk("r2")}}}).has_value());
  EXPECT_EQ(verifier.verify(token, Purpose::agent, now_).error().code, Code::not_found);
  EXPECT_FALSE(verifier.set_keys("corp", Json::array()).has_value());
  EXPECT_FALSE(verifier.set_keys("nobody", issuer().jwks).has_value());
}

TEST_F(TokenVerifierTest, UnusableKeysAreAsIfTheyWereNotThere) {
  const TokenKey weak(KeyType::rsa1024);
  Json off_curve = p256().jwk("k");
  off_curve["y"] = off_curve["x"];
  Json short_point = p256().jwk("k");
  short_point["x"] = to_base64url(Bytes(31, 'x'));
  Json secret = rsa().jwk("k");
  secret["d"] = "AQAB";
  Json signing_only = rsa().jwk("k");
  signing_only["key_ops"] = {"sign"};
  Json even = rsa().jwk("k");
  even["e"] = "AA";
  for (const Json& jwk :
       {weak.jwk("k"), off_curve, short_point, secret, signing_only, even,
        Json{{"kty", "oct"}, {"k", "c2VjcmV0"}, {"kid", "k"}}, Json{{"kty", "RSA"}, {"kid", "k"}}, Json(1)}) {
    EXPECT_TRUE(KeySet::from_jwks({{"keys", {jwk}}}).value().empty()) << jwk;
  }
  EXPECT_FALSE(KeySet::from_jwks({{"keys", Json::array()}}).value().verify(Jwt{}).has_value());
  EXPECT_TRUE(KeySet::from_jwks({{"keys", std::vector<Json>(101, rsa().jwk("k"))}}).has_error());
}

TEST_F(TokenVerifierTest, AKidThatTwoKeysHaveIsRefused) {
  auto settings = issuer();
  settings.jwks = {{"keys", {rsa().jwk("r1"), other_rsa().jwk("r1")}}};
  const auto verified = TokenVerifier({settings}).verify(make_token(header(), claims(), rsa()), Purpose::agent, now_);
  EXPECT_EQ(verified.error().code, Code::unauthenticated);
}

TEST_F(TokenVerifierTest, NamedClaimsAloneAreKept) {
  auto settings = issuer();
  settings.claims = {"repository"};
  const auto body = with(with(claims(), "note", std::string(3000, 'x')), "protected", true);
  const auto verified = TokenVerifier({settings}).verify(make_token(header(), body, rsa()), Purpose::agent, now_);
  ASSERT_TRUE(verified.has_value()) << verified.error().context;
  EXPECT_EQ(verified->principal.claims,
            (std::map<std::string, std::string>{{"aud", "holdpoint"}, {"repository", "acme/shop"}}));
}

}  // namespace
}  // namespace holdpoint::identity
