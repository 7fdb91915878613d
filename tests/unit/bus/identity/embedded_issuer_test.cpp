#include "bus/identity/embedded_issuer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "bus/identity/token_verifier.hpp"

namespace holdpoint::identity {
namespace {

class EmbeddedIssuerTest : public ::testing::Test {
 protected:
  EmbeddedIssuerTest() {
    std::string name = ::testing::TempDir() + "issuer-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "issuer.json";
  }
  ~EmbeddedIssuerTest() override { std::filesystem::remove_all(folder_); }

  static config::Issuer settings(const EmbeddedIssuer& issuer) {
    config::Issuer out;
    out.name = "local";
    out.embedded = true;
    issuer.fill(out);
    return out;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
  Instant now_ = from_rfc3339("2026-11-01T12:00:00Z").value();
};

TEST_F(EmbeddedIssuerTest, ItsTokensVerifyLikeThoseOfAnyIssuer) {
  const auto issuer = EmbeddedIssuer::create();
  const auto token = issuer.issue({.subject = "agent-1", .groups = {"dev"}, .claims = {{"team", "shop"}}}, now_);
  ASSERT_TRUE(token.has_value()) << token.error().context;
  const TokenVerifier verifier({settings(issuer)});
  const auto verified = verifier.verify(*token, Purpose::agent, now_);
  ASSERT_TRUE(verified.has_value()) << verified.error().context;
  EXPECT_EQ(verified->principal.name(), "local:agent-1");
  EXPECT_EQ(verified->principal.groups, std::vector<std::string>{"dev"});
  EXPECT_EQ(verified->principal.claims.at("team"), "shop");
  EXPECT_EQ(verifier.verify(*token, Purpose::agent, now_ + std::chrono::minutes(62)).error().code, Code::expired);
}

TEST_F(EmbeddedIssuerTest, AgentsTokensDoNotVoteAndReviewersDoNotCall) {
  const auto issuer = EmbeddedIssuer::create();
  const TokenVerifier verifier({settings(issuer)});
  const auto agent = issuer.issue({.subject = "a"}, now_).value();
  const auto reviewer = issuer.issue({.subject = "r", .audience = std::string(kReviewAudience)}, now_).value();
  EXPECT_FALSE(verifier.verify(agent, Purpose::review, now_).has_value());
  EXPECT_FALSE(verifier.verify(reviewer, Purpose::agent, now_).has_value());
  EXPECT_TRUE(verifier.verify(reviewer, Purpose::review, now_).has_value());
}

TEST_F(EmbeddedIssuerTest, AnotherDeploymentsIssuerIsAnotherIssuer) {
  const auto token = EmbeddedIssuer::create().issue({.subject = "a"}, now_).value();
  EXPECT_FALSE(TokenVerifier({settings(EmbeddedIssuer::create())}).verify(token, Purpose::agent, now_).has_value());
}

TEST_F(EmbeddedIssuerTest, IssuesNothingItCouldNotVouchFor) {
  const auto issuer = EmbeddedIssuer::create();
  const std::vector<TokenRequest> bad = {{.subject = ""},
                                         {.subject = "a\nb"},
                                         {.subject = "a", .groups = {""}},
                                         {.subject = "a", .groups = {"\xe2\x80\xae"}},
                                         {.subject = "a", .audience = "other"},
                                         {.subject = "a", .ttl = Duration::zero()},
                                         {.subject = "a", .ttl = std::chrono::days(31)},
                                         {.subject = "a", .claims = {{"sub", "b"}}},
                                         {.subject = "a", .claims = {{"groups", "admin"}}}};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(issuer.issue(bad[i], now_).error().code, Code::malformed) << i;
  }
}

TEST_F(EmbeddedIssuerTest, ComesBackFromItsFileThatOnlyItsOwnerReads) {
  const auto made = EmbeddedIssuer::load_or_create(file_);
  ASSERT_TRUE(made.has_value()) << made.error().context;
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto again = EmbeddedIssuer::load_or_create(file_);
  ASSERT_TRUE(again.has_value()) << again.error().context;
  EXPECT_EQ(again->url(), made->url());
  EXPECT_EQ(again->jwks(), made->jwks());

  ::chmod(file_.c_str(), 0644);
  EXPECT_EQ(EmbeddedIssuer::load_or_create(file_).error().code, Code::configuration);
}

TEST_F(EmbeddedIssuerTest, ABrokenFileIsNamedAndNeverReplaced) {
  for (const char* text : {"", "{}", "[]", R"({"issuer":"x","seeds":[]})", R"({"issuer":"x","seeds":["AAAA"]})",
                           R"({"issuer":"x","seeds":[1]})", R"({"seeds":[]})"}) {
    std::ofstream(file_) << text;
    ::chmod(file_.c_str(), 0600);
    const auto loaded = EmbeddedIssuer::load_or_create(file_);
    ASSERT_TRUE(loaded.has_error()) << text;
    EXPECT_EQ(loaded.error().code, Code::configuration);
    EXPECT_NE(loaded.error().context.find(file_.string()), std::string::npos);
  }
}

TEST_F(EmbeddedIssuerTest, TokensOutliveARotationAndNotThree) {
  auto issuer = EmbeddedIssuer::create();
  const auto token = issuer.issue({.subject = "a", .ttl = std::chrono::days(1)}, now_).value();
  issuer.rotate();
  EXPECT_TRUE(TokenVerifier({settings(issuer)}).verify(token, Purpose::agent, now_).has_value());
  const auto newer = issuer.issue({.subject = "a"}, now_).value();
  EXPECT_TRUE(TokenVerifier({settings(issuer)}).verify(newer, Purpose::agent, now_).has_value());
  issuer.rotate();
  issuer.rotate();
  EXPECT_EQ(TokenVerifier({settings(issuer)}).verify(token, Purpose::agent, now_).error().code, Code::not_found);
}

}  // namespace
}  // namespace holdpoint::identity
