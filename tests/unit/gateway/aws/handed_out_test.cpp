#include "gateway/aws/handed_out.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "gateway/aws/classify.hpp"

namespace holdpoint::aws {
namespace {

TEST(HandedOut, every_entry_is_an_operation_of_the_table_and_says_what_to_mask) {
  std::size_t count = 0;
  for (const HandedOut& entry : handed_out_list()) {
    const ServiceModel* service = Table::instance().service(entry.service);
    ASSERT_NE(service, nullptr) << entry.service;
    EXPECT_NE(service->operation(entry.operation), nullptr) << entry.service << ":" << entry.operation;
    EXPECT_NE(entry.how, HandsOut::nothing) << entry.operation;
    EXPECT_FALSE(entry.members.empty()) << entry.operation;
    EXPECT_EQ(handed_out(entry.service, entry.operation), &entry);
    ++count;
  }
  EXPECT_GT(count, 100u);
  EXPECT_EQ(handed_out("ecr", "GetAuthorizationTokens"), nullptr);
  EXPECT_EQ(handed_out("", ""), nullptr);
  EXPECT_EQ(handed_out("zzz", "zzz"), nullptr);
}

TEST(HandedOut, no_operation_whose_name_speaks_of_credentials_is_forgotten) {
  const std::regex telling(
      "Assume.*Role|Credentials?$|(Presigned|Signed|Streaming|Stream|Embed|Upload|Download)(Session)?Ur[lI]|"
      "(Session|Authorization|Access|Auth|Chat|Participant)Token|ConnectionString$|SessionEndpoint$",
      std::regex::icase);
  const std::string kept = "the answer says what there is, without the secret";
  const std::string changes = "changes what the service keeps, and answers no secret";
  const std::map<std::string, std::string> exempt = {
      {"bedrock-agentcore-control:RotatePaymentConnectorCredentials", changes},
      {"chime-sdk-messaging:GetMessagingSessionEndpoint", "the same host for everybody"},
      {"chime-sdk-voice:ListVoiceConnectorTerminationCredentials", kept},
      {"chime-sdk-voice:PutVoiceConnectorTerminationCredentials", changes},
      {"codebuild:ImportSourceCredentials", changes},
      {"codebuild:ListSourceCredentials", kept},
      {"codecatalyst:ListAccessTokens", kept},
      {"cognito-identity-provider:ListWebAuthnCredentials", kept},
      {"gameliftstreams:RevokeStreamUrl", changes},
      {"iam:ListServiceSpecificCredentials", kept},
      {"iam:UpdateAssumeRolePolicy", changes},
      {"iam:UpdateServiceSpecificCredential", changes},
      {"route53globalresolver:ListAccessTokens", kept},
      {"route53globalresolver:UpdateAccessToken", changes},
      {"storage-gateway:UpdateChapCredentials", changes},
      {"workmail:GetPersonalAccessTokenMetadata", kept},
      {"workmail:ListPersonalAccessTokens", kept},
  };
  std::size_t met = 0;
  for (const auto& service : Table::instance().services()) {
    if (service->id == "sts") continue;  // answered by the gateway itself, or refused
    for (const OperationModel& operation : service->operations()) {
      const std::string name(operation.name);
      if (name.starts_with("Delete") || !std::regex_search(name, telling)) continue;
      const std::string whole = std::string(service->id) + ":" + name;
      const bool listed = handed_out(service->id, name) != nullptr;
      met += exempt.count(whole);
      EXPECT_NE(listed, exempt.contains(whole)) << whole;
    }
  }
  EXPECT_EQ(met, exempt.size());
}

TEST(HandedOut, a_classified_call_carries_what_it_hands_out) {
  const auto classified = [](const char* service, const char* target) {
    const HttpHead head{
        "POST", "/", {{"Host", "gw"}, {"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}}};
    return classify(head, {service, "eu-west-1", "123456789012", {}}, "{}");
  };
  const auto token = classified("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  ASSERT_TRUE(token) << token.error().context;
  EXPECT_EQ(token->operation.hands_out, HandsOut::named);
  const auto list = classified("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories");
  ASSERT_TRUE(list) << list.error().context;
  EXPECT_EQ(list->operation.hands_out, HandsOut::nothing);
  const HttpHead function{"GET", "/2015-03-31/functions/f", {{"Host", "gw"}}};
  EXPECT_EQ(classify(function, {"lambda", "eu-west-1", "123456789012", {}}, "")->operation.hands_out, HandsOut::masked);
}

}  // namespace
}  // namespace holdpoint::aws
