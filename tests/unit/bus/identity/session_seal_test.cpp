#include "bus/identity/session_seal.hpp"

#include <gtest/gtest.h>

#include <set>

namespace holdpoint::identity {
namespace {

SessionSeal seal_with(std::initializer_list<const char*> ids) {
  std::vector<SessionSeal::MasterKey> keys;
  for (const char* id : ids) keys.push_back({id, Secret(Bytes(32, id[0]))});
  return SessionSeal::from_keys(std::move(keys)).value();
}

class SessionSealTest : public ::testing::Test {
 protected:
  Session session() const {
    return {.id = "0190a1b2-0000-7000-8000-000000000001",
            .principal = {.issuer = "corp",
                          .subject = "ci-1",
                          .groups = {"dev", "ops"},
                          .claims = {{"team", "shop"}, {"x", ""}}},
            .role_arn = "arn:aws:iam::123456789012:role/coding-agent",
            .role_session_name = "build-7",
            .issued_at = now_,
            .expires_at = now_ + std::chrono::hours(1),
            .policy = R"({"Statement":[]})",
            .assumed_from = {"0190a1b2-0000-7000-8000-000000000000"}};
  }
  Instant now_ = from_rfc3339("2026-11-01T12:00:00.000007Z").value();
  SessionSeal seal_ = seal_with({"k2", "k1"});
};

TEST_F(SessionSealTest, ComesBackAsItWas) {
  const auto credentials = seal_.mint(session()).value();
  EXPECT_EQ(credentials.access_key_id.size(), 20u);
  EXPECT_TRUE(is_gateway_access_key(credentials.access_key_id));
  EXPECT_EQ(credentials.secret_access_key.size(), 40u);
  EXPECT_LT(credentials.session_token.size(), 500u);
  const auto opened = seal_.open(credentials.access_key_id, credentials.session_token, now_);
  ASSERT_TRUE(opened.has_value()) << opened.error().context;
  EXPECT_EQ(opened->secret_access_key.reveal(), credentials.secret_access_key);
  const Session& read = opened->session;
  const Session wrote = session();
  EXPECT_EQ(read.id, wrote.id);
  EXPECT_EQ(read.principal.name(), wrote.principal.name());
  EXPECT_EQ(read.principal.groups, wrote.principal.groups);
  EXPECT_EQ(read.principal.claims, wrote.principal.claims);
  EXPECT_EQ(read.role_arn, wrote.role_arn);
  EXPECT_EQ(read.role_session_name, wrote.role_session_name);
  EXPECT_EQ(read.issued_at, wrote.issued_at);
  EXPECT_EQ(read.expires_at, wrote.expires_at);
  EXPECT_EQ(read.policy, wrote.policy);
  EXPECT_EQ(read.assumed_from, wrote.assumed_from);
}

TEST_F(SessionSealTest, EndsOnTime) {
  const auto credentials = seal_.mint(session()).value();
  const auto at = [&](Duration after) {
    return seal_.open(credentials.access_key_id, credentials.session_token, now_ + after);
  };
  EXPECT_TRUE(at(std::chrono::hours(1) - Duration(1)).has_value());
  EXPECT_EQ(at(std::chrono::hours(1)).error().code, Code::expired);
}

TEST_F(SessionSealTest, NothingButWhatWasMintedOpens) {
  const auto credentials = seal_.mint(session()).value();
  const auto another = seal_.mint(session()).value();
  const std::string& id = credentials.access_key_id;
  const std::string& token = credentials.session_token;
  const std::vector<std::pair<std::string, std::string>> bad = {{id, another.session_token},
                                                                {another.access_key_id, token},
                                                                {id, ""},
                                                                {id, "AAAA"},
                                                                {id, token + "A"},
                                                                {id, token.substr(0, token.size() - 1)},
                                                                {id, token + "="},
                                                                {id, std::string(5000, 'A')},
                                                                {id, "*" + token.substr(1)}};
  for (const auto& [key_id, session_token] : bad) {
    EXPECT_EQ(seal_.open(key_id, session_token, now_).error().code, Code::unauthenticated) << session_token;
  }
  for (std::size_t i = 0; i < token.size(); i += 7) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(seal_.open(id, altered, now_).has_value()) << i;
  }
  for (const char* unknown :
       {"", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "HOLD", "HOLDAAAAAAAAAAAAAAA1", "holdAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(seal_.open(unknown, token, now_).error().code, Code::not_found) << unknown;
  }
}

TEST_F(SessionSealTest, OlderKeysOpenAndTheNewestMints) {
  const auto old = seal_with({"k1"}).mint(session()).value();
  EXPECT_TRUE(seal_.open(old.access_key_id, old.session_token, now_).has_value());
  const auto fresh = seal_.mint(session()).value();
  EXPECT_FALSE(seal_with({"k1"}).open(fresh.access_key_id, fresh.session_token, now_).has_value());
  EXPECT_TRUE(seal_with({"k3", "k2"}).open(fresh.access_key_id, fresh.session_token, now_).has_value());
}

TEST_F(SessionSealTest, TheSecretFollowsFromIdAndTokenOfThisGroupAlone) {
  std::set<std::string> secrets;
  for (int i = 0; i < 50; ++i) secrets.insert(seal_.mint(session()).value().secret_access_key);
  EXPECT_EQ(secrets.size(), 50u);
}

TEST_F(SessionSealTest, TheTokenShowsNothingOfTheSession) {
  const auto credentials = seal_.mint(session()).value();
  const auto bytes = from_base64url(credentials.session_token).value();
  for (const char* part : {"ci-1", "coding-agent", "corp", "shop"}) EXPECT_EQ(bytes.find(part), Bytes::npos) << part;
  EXPECT_EQ(credentials.session_token.find(credentials.secret_access_key), std::string::npos);
}

TEST_F(SessionSealTest, ASessionThatFitsIntoNoClientsTokenIsRefused) {
  Session large = session();
  large.policy = std::string(2048, 'p');
  EXPECT_TRUE(seal_.mint(large).has_value());
  large.principal.claims["note"] = std::string(2048, 'n');
  EXPECT_EQ(seal_.mint(large).error().code, Code::too_large);
}

TEST_F(SessionSealTest, ReadsItsKeysFromTheDocument) {
  const BoxKey group = generate_box_key();
  config::Document document;
  document.group_public = group.public_key;
  EXPECT_EQ(SessionSeal::from_document(document, group.secret_key).error().code, Code::configuration);
  document.session_keys = {{"k2", seal_to(group.public_key, Bytes(32, 'k'))},
                           {"k1", seal_to(group.public_key, Bytes(32, 'j'))}};
  const auto seal = SessionSeal::from_document(document, group.secret_key);
  ASSERT_TRUE(seal.has_value()) << seal.error().context;
  const auto credentials = seal->mint(session()).value();
  EXPECT_TRUE(seal_with({"k2"}).open(credentials.access_key_id, credentials.session_token, now_).has_value());

  EXPECT_EQ(SessionSeal::from_document(document, generate_box_key().secret_key).error().code, Code::tampered);
  EXPECT_EQ(SessionSeal::from_document(document, Secret()).error().code, Code::configuration);
  document.session_keys = {{"short", seal_to(group.public_key, "x")}};
  EXPECT_EQ(SessionSeal::from_document(document, group.secret_key).error().code, Code::configuration);
}

}  // namespace
}  // namespace holdpoint::identity
