#include <gtest/gtest.h>

#include "gateway/aws/resources.hpp"
#include "tests/unit/gateway/aws/calls.hpp"

namespace holdpoint::aws {
namespace {

TEST(ResourceBounds, a_name_that_is_no_name_is_refused_before_policy_compares_it) {
  const auto describe = [](std::size_t bytes) {
    return classify_call(json_call("dynamodb", "DynamoDB_20120810.DescribeTable",
                                   R"({"TableName":"*)" + std::string(bytes, 'A') + "\"}"));
  };
  EXPECT_TRUE(describe(1000));
  ASSERT_FALSE(describe(3000));
  EXPECT_EQ(describe(3000).error().code, Code::too_large);
}

TEST(ResourceBounds, all_resources_of_a_call_are_bounded_together) {
  const auto many = [](std::size_t count, std::size_t bytes) {
    return std::vector<Requirement>(count, {"s3:DeleteObject", std::string(bytes, 'a'), {}});
  };
  EXPECT_TRUE(check_resources(many(1000, 1100)));  // as DeleteObjects may have
  EXPECT_TRUE(check_resources(many(10000, 64)));
  EXPECT_EQ(check_resources(many(10001, 1)).error().code, Code::too_large);
  EXPECT_EQ(check_resources(many(1500, 2000)).error().code, Code::too_large);
  EXPECT_EQ(check_resources(many(1, 2049)).error().code, Code::too_large);
}

}  // namespace
}  // namespace holdpoint::aws
