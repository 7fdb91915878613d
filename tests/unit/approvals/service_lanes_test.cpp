// Requests that are answered together, against both stores.
#include <gtest/gtest.h>

#include "approvals/service.hpp"
#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;
using wire::Role;

class ServiceLanesTest : public ::testing::TestWithParam<const char*> {
 protected:
  samples::Stores stores{GetParam()};
  ReviewStore& store = stores.first();
  Replica one{stores.first()};
  Replica two{stores.second()};
};
INSTANTIATE_TEST_SUITE_P(Stores, ServiceLanesTest, ::testing::Values("memory", "postgres"),
                         [](const auto& row) { return std::string(row.param); });

TEST_P(ServiceLanesTest, votes_that_come_at_once_are_counted_together_and_none_stops_another) {
  Json two_people = review_json(2, "digest-b");
  two_people["required"] = 2;
  ASSERT_TRUE(one.request_review(review_json(1), "call-1"));
  ASSERT_TRUE(one.request_review(two_people, "call-2"));
  const auto vote = [](std::uint8_t number, const std::string& token, const std::string& verdict = "approve",
                       Role role = Role::frontend) {
    wire::Envelope request;
    request.sender = {role, "chat-1"};
    request.message = {
        "VoteCast", {{"review_id", to_text(id(number))}, {"verdict", verdict}, {"reason", "r"}, {"token", token}}, {}};
    return request;
  };
  const std::vector<wire::Envelope> votes{vote(2, "ann@sre"),        vote(9, "ann@sre"),
                                          vote(1, "eve@guests"),     vote(1, "ann@sre"),
                                          vote(1, "bob@sre", "yes"), vote(1, "bob@sre", "reject"),
                                          vote(2, "bob@sre"),        vote(2, "ann@sre"),
                                          vote(1, "forged"),         vote(1, "bob@sre", "approve", Role::masker)};
  const auto answers = one.service.handle(Lane::votes, votes, store, kStart);
  ASSERT_EQ(answers.size(), votes.size());
  EXPECT_EQ(text(answers[0], "state"), "pending");
  EXPECT_EQ(answers[1].error().code, Code::not_found);
  EXPECT_EQ(answers[2].error().code, Code::denied);
  EXPECT_EQ(text(answers[3], "state"), "approved");
  EXPECT_EQ(answers[4].error().code, Code::malformed);
  EXPECT_EQ(answers[5].error().code, Code::review_closed) << "votes of one batch count in their order";
  EXPECT_EQ(text(answers[6], "state"), "approved");
  EXPECT_EQ(text(answers[7], "state"), "approved") << "repeated";
  EXPECT_EQ(answers[8].error().code, Code::unauthenticated);
  EXPECT_EQ(answers[9].error().code, Code::denied);
  EXPECT_EQ(one.sink.count(record::type::kReviewVoted), 3u);
  EXPECT_EQ(one.sink.count(record::type::kReviewDecided), 2u);
  EXPECT_EQ(two.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(two.claim_result(2, 51, "call-2", kStart, "digest-b"), "claimed");
  EXPECT_EQ(store.find(id(2)).value().review.votes().size(), 2u);
}

TEST_P(ServiceLanesTest, claims_of_two_gateways_that_come_at_once_get_their_own_answers) {
  for (std::uint8_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(one.request_review(review_json(i, "digest-" + std::to_string(i)), ""));
    ASSERT_TRUE(one.vote(i, "ann@sre", "approve"));
  }
  const auto claims = [](const std::string& gateway, std::vector<std::pair<std::uint8_t, std::uint8_t>> wanted) {
    wire::Envelope request;
    request.sender = {Role::gateway, gateway};
    request.message = {"GrantClaimRequested", {{"claims", Json::array()}}, {}};
    for (const auto& [review, operation] : wanted) {
      request.message.body["claims"].push_back({{"review_id", to_text(id(review))},
                                                {"operation_id", to_text(id(operation))},
                                                {"digest", "digest-" + std::to_string(review)},
                                                {"principal", "local:agent"},
                                                {"claimer", {{"gateway", gateway}, {"epoch", 1}}}});
    }
    return request;
  };
  wire::Envelope foreign = claims("gateway-1", {{1, 60}});
  foreign.sender.key_id = "gateway-2";
  const std::vector<wire::Envelope> requests{claims("gateway-1", {{1, 51}}), foreign,
                                             claims("gateway-2", {{1, 52}, {2, 53}})};
  const auto answers = one.service.handle(Lane::claims, requests, store, kStart);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].value().body["claims"][0]["result"], "claimed");
  EXPECT_EQ(answers[1].error().code, Code::denied);
  EXPECT_EQ(answers[2].value().body["claims"][0]["result"], "in_use");
  EXPECT_EQ(answers[2].value().body["claims"][1]["result"], "claimed");
  EXPECT_EQ(one.sink.count(record::type::kGrantClaimed), 2u);
}

}  // namespace
}  // namespace holdpoint::approvals
