#include "gateway/policy/trust_policy.hpp"

#include <gtest/gtest.h>

namespace holdpoint::policy {
namespace {

using enum Effect;

TrustRequest web_identity() {
  return {.principal = {"corp", "repo:acme/shop", {"dev", "ci"}, {{"aud", "holdpoint"}, {"ref", "main"}}},
          .issuer_url = "https://idp.example/realm",
          .role_arn = "arn:aws:iam::123456789012:role/coding-agent",
          .role_session_name = "build-7",
          .source_ip = "192.0.2.7"};
}

TrustRequest assume_role() {
  TrustRequest request = web_identity();
  request.action = TrustRequest::Action::assume_role;
  request.caller_role_arn = "arn:aws:iam::123456789012:role/first";
  return request;
}

Effect decide(const std::string& members, const TrustRequest& request) {
  const std::string text = R"({"Version":"2012-10-17","Statement":[{)" + members + "}]}";
  const auto policy = Policy::parse("trust", text, PolicyKind::trust);
  return evaluate_trust(policy.value(), request).effect;
}

TEST(TrustPolicy, TrustsWhomItNames) {
  struct Row {
    const char* members;
    Effect web_identity;
    Effect assume_role;
  };
  const Row rows[] = {
      {R"("Effect":"Allow","Principal":{"Federated":"corp"},"Action":"sts:AssumeRoleWithWebIdentity")", allow,
       implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"https://idp.example/realm"},"Action":"sts:*")", allow,
       implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"arn:aws:iam::1:oidc-provider/idp.example/realm"},"Action":"sts:*")",
       allow, implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"arn:aws:iam::1:oidc-provider/idp.example"},"Action":"sts:*")",
       implicit_deny, implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":["x","corp"]},"Action":"sts:*")", allow, implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"Corp"},"Action":"sts:*")", implicit_deny, implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"idp.example"},"Action":"sts:*")", implicit_deny, implicit_deny},
      {R"("Effect":"Allow","Principal":{"Federated":"corp"},"Action":"sts:AssumeRole")", implicit_deny, implicit_deny},
      {R"("Effect":"Allow","Principal":"*","Action":"sts:AssumeRole*")", allow, allow},
      {R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/first"},"Action":"sts:*")", implicit_deny,
       allow},
      {R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/second"},"Action":"sts:*")",
       implicit_deny, implicit_deny},
      {R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:*")", implicit_deny,
       allow},
      {R"("Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:*")", implicit_deny, allow},
      {R"("Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:*")", implicit_deny, implicit_deny},
      {R"("Effect":"Deny","Principal":"*","Action":"sts:*"},{"Effect":"Allow","Principal":"*","Action":"sts:*")", deny,
       deny},
      {R"("Effect":"Allow","Principal":"*","Action":"sts:*"},{"Effect":"Deny","Principal":{"Federated":"corp"},"Action":"sts:*")",
       deny, allow},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(decide(row.members, web_identity()), row.web_identity) << row.members;
    EXPECT_EQ(decide(row.members, assume_role()), row.assume_role) << row.members;
  }
}

TEST(TrustPolicy, ConditionsSeeTheToken) {
  const std::vector<std::pair<const char*, bool>> rows = {
      {R"("StringEquals":{"idp.example/realm:sub":"repo:acme/shop"})", true},
      {R"("StringEquals":{"corp:sub":"repo:acme/shop"})", true},
      {R"("StringLike":{"corp:sub":"repo:acme/*"})", true},
      {R"("StringLike":{"corp:sub":"repo:evil/*"})", false},
      {R"("StringEquals":{"other:sub":"repo:acme/shop"})", false},
      {R"("StringEquals":{"corp:aud":"holdpoint"})", true},
      {R"("StringEquals":{"corp:aud":"other"})", false},
      {R"("StringEquals":{"corp:ref":"main"})", true},
      {R"("StringEquals":{"corp:none":"main"})", false},
      {R"("ForAnyValue:StringEquals":{"holdpoint:groups":"ci"})", true},
      {R"("ForAnyValue:StringEquals":{"corp:groups":"ci"})", true},
      {R"("ForAnyValue:StringEquals":{"holdpoint:groups":"admin"})", false},
      {R"("StringEquals":{"holdpoint:claim/ref":"main"})", true},
      {R"("StringLike":{"sts:RoleSessionName":"build-*"})", true},
      {R"("StringLike":{"sts:RoleSessionName":"${corp:sub}"})", false},
      {R"("IpAddress":{"aws:SourceIp":"192.0.2.0/24"})", true},
      {R"("IpAddress":{"aws:SourceIp":"10.0.0.0/8"})", false},
  };
  for (const auto& [condition, allowed] : rows) {
    const std::string members = R"("Effect":"Allow","Principal":{"Federated":"corp"},"Action":"sts:*","Condition":{)" +
                                std::string(condition) + "}";
    EXPECT_EQ(decide(members, web_identity()), allowed ? allow : implicit_deny) << condition;
  }
}

TEST(TrustPolicy, AnIssuerNamedLikeAPrefixHidesNothing) {
  TrustRequest request = web_identity();
  request.principal.issuer = "holdpoint";
  request.principal.claims["groups"] = "admin";
  EXPECT_EQ(
      decide(
          R"("Effect":"Allow","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"holdpoint:target":"x"}})",
          request),
      implicit_deny);
  EXPECT_EQ(
      decide(
          R"("Effect":"Allow","Principal":"*","Action":"sts:*","Condition":{"ForAnyValue:StringEquals":{"holdpoint:groups":"admin"}})",
          request),
      implicit_deny);
}

TEST(TrustPolicy, RefusesWhatATrustPolicyHasNot) {
  for (const char* members :
       {R"("Effect":"Allow","Action":"sts:*")", R"("Effect":"Allow","Principal":{},"Action":"sts:*")",
        R"("Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:*")",
        R"("Effect":"Allow","Principal":{"Federated":"co*"},"Action":"sts:*")",
        R"("Effect":"Allow","NotPrincipal":{"Federated":"corp"},"Action":"sts:*")",
        R"("Effect":"Allow","Principal":"*","Action":"sts:*","Resource":"*")",
        R"("Effect":"Hold","Principal":"*","Action":"sts:*")",
        R"("Effect":"Allow","Principal":"*","Action":"sts:*","Mask":"off")"}) {
    const std::string text = R"({"Version":"2012-10-17","Statement":[{)" + std::string(members) + "}]}";
    EXPECT_TRUE(Policy::parse("trust", text, PolicyKind::trust).has_error()) << members;
  }
}

TEST(TrustPolicy, ReasonsSayWhatToDo) {
  const auto policy =
      Policy::parse("trust", R"({"Statement":[{"Effect":"Allow","Principal":{"Federated":"x"},"Action":"sts:*"}]})",
                    PolicyKind::trust);
  const auto decision = evaluate_trust(policy.value(), web_identity());
  EXPECT_NE(decision.reason.find("corp:repo:acme/shop; ask the role's owner"), std::string::npos) << decision.reason;
}

}  // namespace
}  // namespace holdpoint::policy
