#include "gateway/aws/actions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace holdpoint::aws {
namespace {

bool known(const std::string& action) {
  const auto& actions = known_actions();
  return std::binary_search(actions.begin(), actions.end(), action);
}

TEST(Actions, OperationsPermissionsAndWhatNeedsSeveralActionsAreKnown) {
  for (const char* action : {"dynamodb:getitem", "dynamodb:partiqlselect", "s3:getobject", "s3:getobjectversion",
                             "s3:bypassgovernanceretention", "iam:passrole", "sts:assumerole", "ec2:runinstances"}) {
    EXPECT_TRUE(known(action)) << action;
  }
}

TEST(Actions, MisspeltOnesAreNot) {
  for (const char* action : {"dynamodb:getitm", "dynamodb:", "getitem", "s3:GetObject", "", "#", "nosuch:getitem"}) {
    EXPECT_FALSE(known(action)) << action;
  }
}

TEST(Actions, EachStandsOnceInOrder) {
  const auto& actions = known_actions();
  EXPECT_GT(actions.size(), 20000U);
  EXPECT_EQ(std::adjacent_find(actions.begin(), actions.end(), std::greater_equal<>()), actions.end());
}

}  // namespace
}  // namespace holdpoint::aws
