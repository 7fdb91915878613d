// Claims that end without a use, against the store in memory and the one in PostgreSQL.
#include <gtest/gtest.h>

#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;
using wire::Role;

class ReleaseTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Two replicas with a store object each: in PostgreSQL two connections, in memory the same one.
  samples::Stores stores{GetParam()};
  Replica one{stores.first()};
  Replica two{stores.second()};
};
INSTANTIATE_TEST_SUITE_P(Stores, ReleaseTest, ::testing::Values("memory", "postgres"),
                         [](const auto& row) { return std::string(row.param); });

// A slow database commits a claim after its gateway has given it up: nobody would ever settle it.
TEST_P(ReleaseTest, a_release_that_comes_before_its_claim_leaves_the_grant_usable) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_TRUE(one.settle(1, 50, "released"));
  EXPECT_TRUE(one.settle(1, 50, "released")) << "resent";
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "closed") << "its gateway has told the client that it was not sent";
  EXPECT_EQ(two.claim_result(1, 51, "call-1", kStart, "digest-a", "gateway-2"), "claimed");
  EXPECT_EQ(one.claim_result(1, 52, "call-1"), "in_use");
  EXPECT_EQ(one.sink.count(record::type::kGrantSettled), 0u) << "nothing was claimed";
  EXPECT_EQ(one.settle(9, 53, "released").error().code, Code::not_found) << "no such review";
}

TEST_P(ReleaseTest, a_gateway_gives_up_claims_of_its_earlier_self_under_a_new_key_and_no_more) {
  config::PeerKey renewed{"gateway-1-renewed", "gateway-1", Role::gateway, "", ""};
  one.configuration.keys.push_back(renewed);
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  const auto refused = [&](const char* state) {
    const Json settlement{{"operation_id", to_text(id(50))},
                          {"review_id", to_text(id(1))},
                          {"claimer", {{"gateway", "gateway-1"}, {"epoch", 1}}},
                          {"state", state}};
    return one.ask(Role::gateway, "GrantSettled", {{"settlements", {settlement}}}, kStart, renewed.key_id)
        .value()
        .body["refused"]
        .size();
  };
  EXPECT_EQ(refused("released"), 1u);
  EXPECT_EQ(refused("done"), 1u);
  EXPECT_EQ(refused("unknown"), 0u);
  EXPECT_EQ(two.claim(1, 51, "call-1").value().body["claims"][0]["state"], "unknown");
}

}  // namespace
}  // namespace holdpoint::approvals
