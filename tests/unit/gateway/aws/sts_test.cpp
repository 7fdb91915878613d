#include "gateway/aws/sts.hpp"

#include <gtest/gtest.h>

#include "bus/base/json.hpp"
#include "gateway/aws/xml.hpp"

namespace holdpoint::aws {
namespace {

const HttpHead kForm{"POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}};
const std::string kRole = "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fcoding-agent&RoleSessionName=run-1";
const std::string kWeb = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=aaaa.bbbb.cccc&" + kRole;

TEST(Sts, AWebIdentityLoginIsReadFromFormAndQuery) {
  for (const bool query : {false, true}) {
    const HttpHead head = query ? HttpHead{"GET", "/?" + kWeb + "&DurationSeconds=900", {}} : kForm;
    const std::string body = query ? "" : kWeb + "&DurationSeconds=900";
    EXPECT_TRUE(is_sts_call(head, body));
    const auto call = parse_sts(head, body);
    ASSERT_TRUE(call) << call.error().context;
    const auto& login = std::get<AssumeRoleWithWebIdentity>(*call);
    EXPECT_EQ(login.role_arn, "arn:aws:iam::123456789012:role/coding-agent");
    EXPECT_EQ(login.role_session_name, "run-1");
    EXPECT_EQ(login.token.reveal(), "aaaa.bbbb.cccc");
    EXPECT_EQ(login.duration, Duration(std::chrono::minutes(15)));
  }
}

TEST(Sts, OnesOwnSessionComesOnceMoreForSoLongAndNarrowed) {
  const auto again = parse_sts(kForm, "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900");
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(std::get<GetSessionToken>(*again).duration, Duration(std::chrono::minutes(15)));
  const auto narrowed = parse_sts(kForm, "Action=GetFederationToken&Version=2011-06-15&Name=bob&Policy=%7B%7D");
  ASSERT_TRUE(narrowed) << narrowed.error().context;
  EXPECT_EQ(std::get<GetFederationToken>(*narrowed).policy, "{}");
  const LocalCredentials credentials{"HPAK", Secret(Bytes("s")), "t", *from_rfc3339("2026-11-01T12:00:00Z")};
  const Json answer = parse_xml(federation_token_answer(credentials, "123456789012", "bob", "r")).value();
  const Json& result = answer.at("GetFederationTokenResponse").at("GetFederationTokenResult");
  EXPECT_EQ(result.at("FederatedUser").at("Arn"), "arn:aws:sts::123456789012:federated-user/bob");
  EXPECT_EQ(result.at("Credentials").at("AccessKeyId"), "HPAK");
}

struct Refused {
  const char* name;
  std::string body;
  Code code;
};

TEST(Sts, InputsThatWouldWidenOrConfuseAreRefused) {
  const std::string assume = "Action=AssumeRole&Version=2011-06-15&" + kRole;
  const Refused cases[] = {
      {"PolicyArns", kWeb + "&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAdministratorAccess",
       Code::denied},
      {"a duplicate token", kWeb + "&WebIdentityToken=dddd", Code::malformed},
      {"a duplicate role", kWeb + "&" + kRole, Code::malformed},
      {"too short", kWeb + "&DurationSeconds=899", Code::malformed},
      {"too long", kWeb + "&DurationSeconds=43201", Code::malformed},
      {"no number", kWeb + "&DurationSeconds=1h", Code::malformed},
      {"an unknown parameter", kWeb + "&Extra=1", Code::denied},
      {"session tags", assume + "&Tags.member.1.Key=a&Tags.member.1.Value=b", Code::denied},
      {"a source identity", assume + "&SourceIdentity=root", Code::denied},
      {"a chained context", assume + "&ProvidedContexts.member.1.ProviderArn=x", Code::denied},
      {"no token", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&" + kRole, Code::malformed},
      {"another version", "Action=GetCallerIdentity&Version=2010-01-01", Code::malformed},
      {"SAML", "Action=AssumeRoleWithSAML&Version=2011-06-15&RoleArn=x&PrincipalArn=y&SAMLAssertion=z", Code::denied},
      {"a second factor", "Action=GetSessionToken&Version=2011-06-15&SerialNumber=x&TokenCode=123456", Code::denied},
      {"a session for days", "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=129601", Code::malformed},
      {"a federation without policy", "Action=GetFederationToken&Version=2011-06-15&Name=xy", Code::denied},
      {"a federation without name", "Action=GetFederationToken&Version=2011-06-15&Policy=%7B%7D", Code::malformed},
      {"a federation with tags",
       "Action=GetFederationToken&Version=2011-06-15&Name=xy&Policy=%7B%7D&Tags.member.1.Key=a", Code::denied},
      {"an operation of the target", "Action=DecodeAuthorizationMessage&Version=2011-06-15&EncodedMessage=x",
       Code::not_found},
      {"no role's ARN",
       "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fx",
       Code::malformed},
      {"a wildcard role",
       "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2F*",
       Code::malformed},
      {"a session name with a slash",
       "Action=AssumeRole&Version=2011-06-15&RoleSessionName=a%2Fb&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%"
       "2Fx",
       Code::malformed},
      {"a session name with a line end",
       "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab%0A&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%"
       "2Fx",
       Code::malformed},
      {"a policy too long", assume + "&Policy=" + std::string(2049, 'a'), Code::malformed},
      {"a token too long",
       "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&" + kRole + "&WebIdentityToken=" + std::string(20001, 'a'),
       Code::malformed},
  };
  for (const Refused& test : cases) {
    SCOPED_TRACE(test.name);
    const auto call = parse_sts(kForm, test.body);
    ASSERT_TRUE(call.has_error());
    EXPECT_EQ(call.error().code, test.code) << call.error().context;
    EXPECT_EQ(call.error().context.find("aaaa.bbbb"), std::string::npos);
  }
}

TEST(Sts, AnswersAreWhatSdksParse) {
  const LocalCredentials credentials{"HPIA1", Secret(Bytes("se&cret")), "tok<en",
                                     *from_rfc3339("2026-11-01T12:00:00.5Z")};
  const CallerIdentity identity{"AROA1:run-1", "123456789012",
                                assumed_role_arn("arn:aws:iam::123456789012:role/team/coding-agent", "run-1")};
  EXPECT_EQ(identity.arn, "arn:aws:sts::123456789012:assumed-role/coding-agent/run-1");
  const Json web =
      parse_xml(assume_role_with_web_identity_answer(credentials, identity, "sub", "aud", "iss", "id")).value();
  const Json& result = web.at("AssumeRoleWithWebIdentityResponse").at("AssumeRoleWithWebIdentityResult");
  EXPECT_EQ(result.at("Credentials").at("SecretAccessKey"), "se&cret");
  EXPECT_EQ(result.at("Credentials").at("SessionToken"), "tok<en");
  EXPECT_EQ(result.at("Credentials").at("Expiration"), "2026-11-01T12:00:00Z");
  EXPECT_EQ(result.at("AssumedRoleUser").at("Arn"), identity.arn);
  const Json who = parse_xml(caller_identity_answer(identity, "id")).value();
  EXPECT_EQ(who.at("GetCallerIdentityResponse").at("GetCallerIdentityResult").at("Account"), "123456789012");
  const Json container = parse_json(container_credentials_answer(credentials)).value();
  EXPECT_EQ(container.at("Token"), "tok<en");
  EXPECT_EQ(container.at("AccessKeyId"), "HPIA1");
}

}  // namespace
}  // namespace holdpoint::aws
