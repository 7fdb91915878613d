#include "gateway/pipeline/admission.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace holdpoint::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const auto kBegin = Admission::Steady::now();

TEST(Admission, a_principal_has_so_many_calls_at_work_and_another_its_own) {
  Admission admission;
  const Admission::Limits limits{0, 2, 0};
  auto first = admission.enter("a", limits, kBegin);
  const auto second = admission.enter("a", limits, kBegin);
  EXPECT_FALSE(first.refused || second.refused);
  EXPECT_TRUE(admission.enter("a", limits, kBegin).refused);
  EXPECT_FALSE(admission.enter("b", limits, kBegin).refused);
  first.place = {};
  EXPECT_FALSE(admission.enter("a", limits, kBegin).refused);
}

TEST(Admission, a_gateway_has_so_many_calls_at_work_whoever_makes_them) {
  Admission admission;
  const Admission::Limits limits{2, 0, 0};
  std::vector<Admission::Answer> running;
  running.push_back(admission.enter("a", limits, kBegin));
  running.push_back(admission.enter("b", limits, kBegin));
  const auto refused = admission.enter("c", limits, kBegin);
  ASSERT_TRUE(refused.refused);
  EXPECT_NE(refused.refused->reason.find("works on 2 calls"), std::string::npos);
  running.clear();
  EXPECT_FALSE(admission.enter("c", limits, kBegin).refused);
}

TEST(Admission, a_principal_begins_so_many_calls_in_a_second) {
  Admission admission;
  const Admission::Limits limits{0, 0, 4};
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(admission.enter("a", limits, kBegin).refused);
  EXPECT_TRUE(admission.enter("a", limits, kBegin).refused);
  EXPECT_FALSE(admission.enter("b", limits, kBegin).refused);
  EXPECT_FALSE(admission.enter("a", limits, kBegin + milliseconds(250)).refused);
  EXPECT_TRUE(admission.enter("a", limits, kBegin + milliseconds(250)).refused);
  // A rest is not saved up.
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(admission.enter("a", limits, kBegin + seconds(60)).refused);
  EXPECT_TRUE(admission.enter("a", limits, kBegin + seconds(60)).refused);
}

TEST(Admission, of_a_flood_one_refusal_a_second_is_recorded_with_how_many_were_left_out) {
  Admission admission;
  const Admission::Limits limits{0, 1, 0};
  const auto running = admission.enter("a", limits, kBegin);
  EXPECT_EQ(admission.enter("a", limits, kBegin).refused->record, 0u);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(admission.enter("a", limits, kBegin + milliseconds(500)).refused->record, std::nullopt);
  EXPECT_EQ(admission.enter("a", limits, kBegin + seconds(1)).refused->record, 5u);
  EXPECT_EQ(admission.enter("a", limits, kBegin + seconds(2)).refused->record, 0u);
}

TEST(Admission, many_principals_are_looked_after_and_no_more) {
  Admission admission;
  const Admission::Limits limits{0, 1, 0};
  std::vector<Admission::Answer> running;
  for (std::size_t i = 0; i < Admission::kPrincipalsMax; ++i)
    running.push_back(admission.enter(std::to_string(i), limits, kBegin));
  EXPECT_TRUE(admission.enter("one more", limits, kBegin).refused);
  EXPECT_TRUE(admission.enter("0", limits, kBegin).refused);
  running.clear();
  EXPECT_FALSE(admission.enter("one more", limits, kBegin + seconds(2)).refused);
}

}  // namespace
}  // namespace holdpoint::pipeline
