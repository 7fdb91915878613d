// A token that was verified once: when it is believed again, and when not.
#include "approvals/verified_tokens.hpp"

#include <gtest/gtest.h>

#include "bus/identity/embedded_issuer.hpp"

namespace holdpoint::approvals {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Instant kNow = from_unix_seconds(1'780'000'000);

class VerifiedTokensTest : public ::testing::Test {
 protected:
  static config::Issuer settings(const identity::EmbeddedIssuer& issuer) {
    config::Issuer out;
    out.name = "local";
    issuer.fill(out);
    return out;
  }
  [[nodiscard]] std::string token(const std::string& subject, std::string_view audience) const {
    return issuer_.issue({subject, {"sre"}, std::string(audience), minutes(10), {}}, kNow).value();
  }
  [[nodiscard]] std::string token(const std::string& subject = "alice") const {
    return token(subject, identity::kReviewAudience);
  }

  identity::EmbeddedIssuer issuer_ = identity::EmbeddedIssuer::create();
  identity::TokenVerifier verifier_{{settings(issuer_)}};
  VerifiedTokens tokens_{verifier_};
};

TEST_F(VerifiedTokensTest, ATokenProvesTheSamePrincipalAgainAndIsRememberedOnce) {
  const std::string alice = token();
  const auto first = tokens_.verify(alice, kNow);
  const auto again = tokens_.verify(alice, kNow + minutes(5));
  ASSERT_TRUE(first && again);
  EXPECT_EQ(again->name(), first->name());
  EXPECT_EQ(again->groups, first->groups);
  EXPECT_EQ(again->claims, first->claims);
  EXPECT_EQ(tokens_.remembered(), 1U);
}

TEST_F(VerifiedTokensTest, ATokenEndsWhenItWouldHaveEndedUnremembered) {
  const std::string alice = token();
  const Instant last = kNow + minutes(10) + identity::kClockLeeway;
  ASSERT_TRUE(tokens_.verify(alice, kNow));
  EXPECT_TRUE(tokens_.verify(alice, last - Duration(1)));
  EXPECT_EQ(tokens_.verify(alice, last).error().code, Code::expired);
  EXPECT_EQ(tokens_.remembered(), 0U);
}

TEST_F(VerifiedTokensTest, AClockThatWasSetBackHasTheTokenVerifiedAnew) {
  const std::string alice = token();
  ASSERT_TRUE(tokens_.verify(alice, kNow));
  EXPECT_FALSE(tokens_.verify(alice, kNow - minutes(5)));  // issued in the future
  EXPECT_TRUE(tokens_.verify(alice, kNow));
}

TEST_F(VerifiedTokensTest, AForgedOrOtherTokenIsNotBelievedForOneThatIsRemembered) {
  const std::string alice = token();
  ASSERT_TRUE(tokens_.verify(alice, kNow));
  const std::string bob = token("bob");
  const std::string forged = bob.substr(0, bob.rfind('.')) + alice.substr(alice.rfind('.'));
  EXPECT_EQ(tokens_.verify(forged, kNow).error().code, Code::unauthenticated);
  EXPECT_FALSE(tokens_.verify(alice + "A", kNow));
  EXPECT_FALSE(tokens_.verify(token("alice", identity::kAgentAudience), kNow));
  EXPECT_EQ(tokens_.verify(bob, kNow).value().subject, "bob");
  EXPECT_EQ(tokens_.remembered(), 2U);
}

TEST_F(VerifiedTokensTest, WhatIsRememberedIsBounded) {
  for (int i = 0; i < 1200; ++i) {
    ASSERT_TRUE(tokens_.verify(token("person-" + std::to_string(i)), kNow));
    ASSERT_LE(tokens_.remembered(), 500U);
  }
}

}  // namespace
}  // namespace holdpoint::approvals
