#include "gateway/aws/handed_out.hpp"

#include <gtest/gtest.h>

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
