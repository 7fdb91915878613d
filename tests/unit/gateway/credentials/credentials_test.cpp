#include <gtest/gtest.h>

#include <set>

#include "bus/base/json.hpp"
#include "gateway/credentials/assume_role.hpp"

namespace holdpoint::credentials {
namespace {

bool is_sts_name(const std::string& text) {
  return text.size() >= 2 && text.size() <= 64 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") ==
             std::string::npos;
}

TEST(AssumeRole, names_every_principal_in_the_alphabet_of_sts_and_never_two_alike) {
  const std::vector<std::string> principals{"corp:ann",
                                            "corp-ann",
                                            "corp:\xc3\xa4nn",
                                            std::string(300, 'a'),
                                            std::string(301, 'a'),
                                            "a",
                                            "corp:repo:org/x:ref:refs/heads/main"};
  std::set<std::string> seen;
  for (const std::string& principal : principals) {
    EXPECT_TRUE(is_sts_name(source_identity(principal))) << principal;
    EXPECT_TRUE(is_sts_name(session_name({principal, "0190b5d2-0000-7000-8000-0123456789ab", ""}))) << principal;
    EXPECT_TRUE(seen.insert(source_identity(principal)).second) << principal;
  }
}

TEST(AssumeRole, asks_in_the_name_of_agent_session_and_review) {
  const std::string body =
      assume_role_body("arn:aws:iam::1:role/a&b", {"corp:ann", "s-1", "r-1"}, std::chrono::seconds(900));
  EXPECT_NE(body.find("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%26b"), std::string::npos);
  EXPECT_NE(body.find("Tags.member.1.Key=holdpoint-principal&Tags.member.1.Value=corp%3Aann"), std::string::npos);
  EXPECT_NE(body.find("Tags.member.3.Value=r-1"), std::string::npos);
  EXPECT_EQ(assume_role_body("r", {"p", "s", ""}, std::chrono::seconds(900)).find("holdpoint-review"),
            std::string::npos);
}

TEST(AssumeRole, reads_the_answer_and_explains_a_refusal) {
  const std::string good =
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s+/=</"
      "SecretAccessKey>"
      "<SessionToken>t</SessionToken><Expiration>2026-11-01T12:00:00Z</Expiration></Credentials></AssumeRoleResult></"
      "AssumeRoleResponse>";
  const auto read = read_assume_role(200, good);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ((*read)->access_key_id, "ASIA1");
  EXPECT_EQ((*read)->expires_at, *from_rfc3339("2026-11-01T12:00:00Z"));
  EXPECT_FALSE(read_assume_role(200, "<AccessKeyId>A</AccessKeyId>").has_value());
  const auto refused = read_assume_role(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
  EXPECT_NE(refused.error().context.find("sts:TagSession"), std::string::npos);
  EXPECT_EQ(read_assume_role(503, "").error().code, Code::unavailable);
}

TEST(SealedCredentials, open_only_for_the_group_they_are_sealed_to) {
  BoxKey group = generate_box_key();
  config::Document document;
  document.group_public = group.public_key;
  document.sealed_credentials["prod"] =
      seal_to(group.public_key, R"({"access_key_id":"AKIA1","secret_access_key":"s"})");
  const auto opened = open_sealed(document, group.secret_key);
  ASSERT_TRUE(opened.has_value()) << opened.error().context;
  EXPECT_EQ(opened->at("prod")->access_key_id, "AKIA1");

  const BoxKey other = generate_box_key();
  const auto refused = open_sealed(document, other.secret_key);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().context.find("prod"), std::string::npos);
  document.sealed_credentials["prod"] = seal_to(group.public_key, "{}");
  EXPECT_FALSE(open_sealed(document, group.secret_key).has_value());
}

}  // namespace
}  // namespace holdpoint::credentials
