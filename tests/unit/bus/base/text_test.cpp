#include "bus/base/text.hpp"

#include <gtest/gtest.h>

namespace holdpoint {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Text, SplitsIntoEveryPartEmptyOnesToo) {
  EXPECT_EQ(split("a,b,,c", ','), (Parts{"a", "b", "", "c"}));
  EXPECT_EQ(split(",", ','), (Parts{"", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
}

TEST(Text, TakesWordAfterWordUntilNothingIsLeft) {
  std::string_view text = "a b  c";
  Parts taken;
  while (!text.empty()) taken.push_back(take(text, ' '));
  EXPECT_EQ(taken, (Parts{"a", "b", "", "c"}));
  EXPECT_EQ(take(text, ' '), "");
}

}  // namespace
}  // namespace holdpoint
