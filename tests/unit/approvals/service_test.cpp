// The service against the store in memory and the one in PostgreSQL: what others got wrong about approvals.
#include "approvals/service.hpp"

#include <gtest/gtest.h>

#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;
using wire::Role;

class ServiceTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Two replicas with a store object each: in PostgreSQL two connections, in memory the same one.
  samples::Stores stores{GetParam()};
  ReviewStore& store = stores.first();
  Replica one{stores.first()};
  Replica two{stores.second()};
};
INSTANTIATE_TEST_SUITE_P(Stores, ServiceTest, ::testing::Values("memory", "postgres"),
                         [](const auto& row) { return std::string(row.param); });

TEST_P(ServiceTest, approve_a_run_b_is_closed) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1", kStart, "digest-b"), "closed");
  EXPECT_EQ(one.claim_result(1, 51, "call-1", kStart, "digest-a"), "claimed");
}

TEST_P(ServiceTest, an_approval_of_one_principal_is_closed_for_another) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1", kStart, "digest-a", "gateway-1", "local:other"), "closed");
}

TEST_P(ServiceTest, one_person_in_two_groups_counts_once) {
  Json review = review_json();
  review["reviewers"] = {"sre", "dba"};
  review["required"] = 2;
  ASSERT_TRUE(one.request_review(review, "call-1"));
  EXPECT_EQ(text(one.vote(1, "ann@sre", "approve"), "state"), "pending");
  EXPECT_EQ(text(one.vote(1, "ann@dba", "approve"), "state"), "pending");
  EXPECT_EQ(text(one.vote(1, "bob@dba", "approve"), "state"), "approved");
}

TEST_P(ServiceTest, the_requester_cannot_approve_the_own_request) {
  Json review = review_json();
  review["principal"] = "corp:ann";
  ASSERT_TRUE(one.request_review(review, "call-1"));
  const auto voted = one.vote(1, "ann@sre", "approve");
  ASSERT_FALSE(voted);
  EXPECT_EQ(voted.error().code, Code::denied);
  EXPECT_EQ(one.sink.count(record::type::kReviewVoted), 0u);
}

TEST_P(ServiceTest, time_to_live_runs_from_the_decision) {
  Json review = review_json();
  review["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  ASSERT_TRUE(one.request_review(review, "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve", kStart + 14min, {{"kind", "for"}, {"for_s", 1800}}));
  EXPECT_EQ(one.claim_result(1, 50, "call-1", kStart + 43min), "claimed");
  EXPECT_EQ(one.claim_result(1, 51, "call-2", kStart + 44min), "closed");
}

TEST_P(ServiceTest, a_vote_delivered_to_the_other_replica_counts) {
  Json review = review_json();
  review["required"] = 2;
  ASSERT_TRUE(one.request_review(review, "call-1"));
  EXPECT_EQ(text(one.vote(1, "ann@sre", "approve"), "state"), "pending");
  EXPECT_EQ(text(two.vote(1, "bob@sre", "approve"), "state"), "approved");
  EXPECT_EQ(one.status(1).value().body["reviews"][0]["state"], "approved");
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
}

TEST_P(ServiceTest, ten_attempts_of_one_call_make_one_review) {
  for (std::uint8_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(text((i % 2 ? one : two).request_review(review_json(i), "call-1"), "review_id"), to_text(id(1)));
  }
  EXPECT_EQ(store.list({}).value().size(), 1u);
  EXPECT_EQ(one.sink.count(record::type::kReviewRequested) + two.sink.count(record::type::kReviewRequested), 1u);
}

TEST_P(ServiceTest, a_later_identical_call_joins_an_open_or_granted_review) {
  ASSERT_TRUE(one.request_review(review_json(1), "call-1"));
  EXPECT_EQ(text(one.request_review(review_json(2), "call-2"), "review_id"), to_text(id(1)));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  const auto joined = one.request_review(review_json(3), "");
  EXPECT_EQ(text(joined, "review_id"), to_text(id(1)));
  EXPECT_EQ(text(joined, "state"), "approved");
  EXPECT_TRUE(joined.value().body.contains("decision"));
}

TEST_P(ServiceTest, a_call_joins_no_review_that_asked_for_less_than_policy_does_now) {
  Json lax = review_json(1);
  lax["reviewers"] = {"sre", "dba"};
  lax["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  ASSERT_TRUE(one.request_review(lax, "call-1"));
  const auto opened_by = [&](std::uint8_t number, const char* member, const Json& value) {
    Json asked = lax;
    asked["review_id"] = to_text(id(number));
    asked[member] = value;
    return text(two.request_review(asked, "call-" + std::to_string(number)), "review_id");
  };
  EXPECT_EQ(opened_by(2, "reviewers", {"dba", "sre"}), to_text(id(1))) << "the same groups";
  EXPECT_EQ(opened_by(3, "grant", {{"kind", "for"}, {"for_s", 3600}}), to_text(id(1))) << "more than was asked";
  EXPECT_EQ(opened_by(4, "required", 2), to_text(id(4)));
  EXPECT_EQ(opened_by(5, "reviewers", {"sre"}), to_text(id(5)));
  EXPECT_EQ(opened_by(6, "grant", {{"kind", "once"}}), to_text(id(6)));
  EXPECT_EQ(opened_by(7, "grant", {{"kind", "for"}, {"for_s", 900}}), to_text(id(6))) << "once is less than a time";
  // Granted is as open: what people agreed to was not what is asked now.
  ASSERT_TRUE(one.vote(6, "ann@sre", "approve"));
  EXPECT_EQ(opened_by(8, "required", 3), to_text(id(8)));
  EXPECT_EQ(opened_by(9, "grant", {{"kind", "once"}}), to_text(id(6)));
}

TEST_P(ServiceTest, a_gateway_is_told_what_the_review_asks_of_people_not_what_the_call_did) {
  Json first = review_json(1);
  first["required"] = 2;
  ASSERT_TRUE(one.request_review(first, "call-1"));
  Json again = review_json(2);
  again["required"] = 3;
  const auto opened = one.request_review(again, "call-1");  // another attempt of the same call
  ASSERT_EQ(text(opened, "review_id"), to_text(id(1)));
  EXPECT_EQ(opened.value().body["asked"],
            (Json{{"required", 2}, {"reviewers", {"sre"}}, {"grant", {{"kind", "once"}}}}));
  EXPECT_EQ(opened.value().body["expires_at"], to_rfc3339(kStart + 15min));
}

TEST_P(ServiceTest, another_digest_or_principal_gets_a_review_of_its_own) {
  ASSERT_TRUE(one.request_review(review_json(1), "call-1"));
  EXPECT_EQ(text(one.request_review(review_json(2, "digest-b"), "call-1"), "review_id"), to_text(id(2)));
  Json other = review_json(3);
  other["principal"] = "local:other";
  EXPECT_EQ(text(one.request_review(other, "call-1"), "review_id"), to_text(id(3)));
}

TEST_P(ServiceTest, a_grant_for_once_is_claimed_once_and_its_outcome_reaches_the_retry) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed") << "the same operation gets the same answer";
  EXPECT_EQ(two.claim_result(1, 51, "call-1", kStart, "digest-a", "gateway-2"), "in_use");
  EXPECT_EQ(two.claim_result(1, 50, "call-1", kStart, "digest-a", "gateway-2"), "closed") << "another claimer";
  ASSERT_TRUE(one.settle(1, 50, "sent"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "in_use") << "sent: nobody may send on a repeated answer";
  ASSERT_TRUE(one.settle(1, 50, "done"));
  const auto retry = two.claim(1, 51, "call-1").value().body["claims"][0];
  EXPECT_EQ(retry["result"], "settled");
  EXPECT_EQ(retry["state"], "done");
  EXPECT_EQ(retry["outcome"]["status"], 200);
  EXPECT_EQ(two.claim_result(1, 52, "call-2"), "closed") << "another call never profits from a used grant";
}

TEST_P(ServiceTest, a_call_whose_grant_another_call_used_asks_anew_and_the_retry_of_the_used_one_does_not) {
  ASSERT_TRUE(one.request_review(review_json(1), "call-1"));
  ASSERT_TRUE(one.request_review(review_json(2), "call-2"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(text(one.request_review(review_json(3), "call-2"), "review_id"), to_text(id(3)));
  EXPECT_EQ(text(one.request_review(review_json(4), "call-2"), "review_id"), to_text(id(3)));
  const auto retry = one.request_review(review_json(5), "call-1");
  EXPECT_EQ(text(retry, "review_id"), to_text(id(1)));
  EXPECT_EQ(text(retry, "state"), "consumed");
}

TEST_P(ServiceTest, a_client_without_invocation_ids_waits_for_its_operation_that_is_under_way) {
  ASSERT_TRUE(one.request_review(review_json(1), ""));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50), "claimed");
  ASSERT_TRUE(one.settle(1, 50, "sent"));
  EXPECT_EQ(text(one.request_review(review_json(2), ""), "review_id"), to_text(id(1)));
  EXPECT_EQ(one.claim_result(1, 51), "in_use");
  ASSERT_TRUE(one.settle(1, 50, "done"));
  EXPECT_EQ(one.claim_result(1, 51), "closed");
  EXPECT_EQ(text(one.request_review(review_json(3), ""), "review_id"), to_text(id(3)));
}

TEST_P(ServiceTest, a_released_claim_gives_the_grant_back_and_a_sent_one_never_does) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(two.settle(1, 50, "released", "gateway-2").error().code, Code::denied);
  ASSERT_TRUE(one.settle(1, 50, "released"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "closed");
  ASSERT_EQ(one.claim_result(1, 51, "call-1"), "claimed");
  ASSERT_TRUE(one.settle(1, 51, "sent"));
  EXPECT_EQ(one.settle(1, 51, "released").error().code, Code::conflict);
  EXPECT_EQ(one.claim_result(1, 52, "call-1"), "in_use");
}

TEST_P(ServiceTest, settlements_only_move_forward) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  ASSERT_TRUE(one.settle(1, 50, "done"));
  EXPECT_TRUE(one.settle(1, 50, "sent")) << "overtaken: noted, nothing changes";
  EXPECT_TRUE(one.settle(1, 50, "done"));
  EXPECT_EQ(one.settle(1, 50, "failed").error().code, Code::conflict);
  EXPECT_EQ(one.settle(1, 50, "claimed").error().code, Code::malformed);
  EXPECT_EQ(one.sink.count(record::type::kGrantSettled), 1u);
}

TEST_P(ServiceTest, one_bad_settlement_of_a_batch_stops_no_other) {
  for (std::uint8_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(one.request_review(review_json(i, "digest-" + std::to_string(i)), ""));
    ASSERT_TRUE(one.vote(i, "ann@sre", "approve"));
    ASSERT_EQ(one.claim_result(i, static_cast<std::uint8_t>(50 + i), "", kStart, "digest-" + std::to_string(i)),
              "claimed");
  }
  Json settlements = Json::array();
  const auto settle = [&](std::uint8_t review, std::uint8_t operation, const char* state) {
    settlements.push_back({{"operation_id", to_text(id(operation))},
                           {"review_id", to_text(id(review))},
                           {"claimer", {{"gateway", "gateway-1"}, {"epoch", 1}}},
                           {"state", state}});
  };
  settle(1, 51, "sent");
  settle(1, 99, "done");  // nobody's
  settle(2, 53, "done");  // another review's
  settle(1, 51, "done");
  settle(1, 51, "released");  // it ran
  settle(3, 53, "released");
  const auto noted =
      one.ask(Role::gateway, "GrantSettled", {{"settlements", settlements}}, kStart, "gateway-1").value().body;
  ASSERT_EQ(noted["refused"].size(), 3u);
  EXPECT_EQ(noted["refused"][0]["operation_id"], to_text(id(99)));
  EXPECT_EQ(noted["refused"][1]["code"], "not_found");
  EXPECT_EQ(noted["refused"][2]["code"], "conflict");
  EXPECT_EQ(one.sink.count(record::type::kGrantSettled), 3u);
  EXPECT_EQ(one.claim_result(1, 51, "", kStart, "digest-1"), "settled");
  EXPECT_EQ(one.claim_result(3, 63, "", kStart, "digest-3"), "claimed") << "given back: another operation may use it";
}

TEST_P(ServiceTest, a_grant_for_a_time_allows_many_operations_but_no_call_twice) {
  Json review = review_json();
  review["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  ASSERT_TRUE(one.request_review(review, "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve", kStart, {{"kind", "for"}, {"for_s", 600}}));
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(one.claim_result(1, 51, "call-2"), "claimed");
  EXPECT_EQ(one.claim_result(1, 52, "call-2"), "in_use");
  EXPECT_EQ(one.claim_result(1, 53, ""), "claimed");
  EXPECT_EQ(one.claim_result(1, 54, "call-3", kStart + 10min), "closed");
}

TEST_P(ServiceTest, approving_without_saying_for_how_long_means_once) {
  Json review = review_json();
  review["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  ASSERT_TRUE(one.request_review(review, "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  EXPECT_EQ(one.claim_result(1, 51, "call-2"), "in_use");
}

TEST_P(ServiceTest, a_pending_rejected_or_expired_review_grants_nothing) {
  ASSERT_TRUE(one.request_review(review_json(1, "a"), "call-1"));
  ASSERT_TRUE(one.request_review(review_json(2, "b"), "call-2"));
  ASSERT_TRUE(one.request_review(review_json(3, "c"), "call-3"));
  ASSERT_TRUE(one.vote(2, "ann@sre", "reject"));
  one.service.tick(store, kStart + 15min);
  EXPECT_EQ(one.claim_result(1, 50, "", kStart, "a"), "closed");
  EXPECT_EQ(one.claim_result(2, 51, "", kStart, "b"), "closed");
  EXPECT_EQ(one.claim_result(3, 52, "", kStart, "c"), "closed");
  EXPECT_EQ(one.claim_result(9, 53), "closed");
}

TEST_P(ServiceTest, a_decision_is_on_record_before_anybody_hears_of_it) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.topics.published.size(), 3u);
  EXPECT_EQ(one.topics.published[2].topic, "review.decided");
  EXPECT_EQ(one.topics.published[2].recorded_before, 3u);
  EXPECT_EQ(one.topics.published[2].message.body["state"], "approved");
  EXPECT_TRUE(one.topics.published[2].message.body["decision"].contains("signature"));
}

TEST_P(ServiceTest, while_the_journal_refuses_no_decision_leaves_and_no_grant_is_claimed) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  one.sink.broken = true;
  EXPECT_EQ(one.vote(1, "ann@sre", "approve").error().code, Code::not_durable);
  const auto status = two.status(1).value().body["reviews"][0];
  EXPECT_EQ(status["state"], "pending");
  EXPECT_FALSE(status.contains("decision"));
  EXPECT_EQ(two.claim_result(1, 50, "call-1"), "closed");
  EXPECT_EQ(one.topics.published.size(), 1u);
  // The other replica finishes what this one cannot.
  two.service.tick(store, kStart + 6s);
  EXPECT_EQ(two.status(1).value().body["reviews"][0]["state"], "approved");
  EXPECT_EQ(two.sink.count(record::type::kReviewDecided), 1u);
  EXPECT_EQ(two.topics.published.back().topic, "review.decided");
  EXPECT_EQ(two.claim_result(1, 50, "call-1"), "claimed");
}

TEST_P(ServiceTest, a_review_that_expires_is_recorded_and_published_once) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  EXPECT_EQ(one.request_review(review_json(), "call-1", kStart + 15min).value().body["state"], "expired");
  one.service.tick(store, kStart + 15min);
  two.service.tick(store, kStart + 15min);
  EXPECT_EQ(one.sink.count(record::type::kReviewDecided), 1u);
  EXPECT_EQ(two.sink.count(record::type::kReviewDecided), 0u);
  EXPECT_EQ(one.topics.published.back().message.body["state"], "expired");
  EXPECT_EQ(one.vote(1, "ann@sre", "approve", kStart + 16min).error().code, Code::review_closed);
  EXPECT_EQ(text(one.request_review(review_json(2), "call-2", kStart + 16min), "review_id"), to_text(id(2)));
}

TEST_P(ServiceTest, votes_of_somebody_who_was_revoked_since_do_not_count) {
  Json review = review_json();
  review["required"] = 2;
  ASSERT_TRUE(one.request_review(review, "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  one.configuration.revoked.principals = {"corp:ann"};
  EXPECT_EQ(text(one.vote(1, "bob@sre", "approve"), "state"), "pending");
  EXPECT_EQ(text(one.vote(1, "cyd@sre", "approve"), "state"), "approved");
}

TEST_P(ServiceTest, every_message_is_refused_from_a_role_that_may_not_send_it) {
  const std::vector<std::pair<std::string, std::vector<Role>>> rows{{"ReviewRequested", {Role::gateway}},
                                                                    {"ReviewStatusRequested", {Role::gateway}},
                                                                    {"GrantClaimRequested", {Role::gateway}},
                                                                    {"GrantSettled", {Role::gateway}},
                                                                    {"ClaimsOfGatewayRequested", {Role::gateway}},
                                                                    {"ReviewsRequested", {Role::op, Role::frontend}},
                                                                    {"ReviewRequestedById", {Role::op, Role::frontend}},
                                                                    {"VoteCast", {Role::op, Role::frontend}},
                                                                    {"ConsoleLinkRequested", {Role::op}}};
  for (const auto& [type, allowed] : rows) {
    for (const Role role : {Role::none, Role::broker, Role::gateway, Role::approvals, Role::masker, Role::auditor,
                            Role::op, Role::frontend}) {
      const auto answer = one.ask(role, type, {{"gateway", "gateway-1"}});
      const bool may = std::find(allowed.begin(), allowed.end(), role) != allowed.end();
      EXPECT_EQ(!answer && answer.error().code == Code::denied, !may) << type << " from " << wire::name(role);
    }
  }
  EXPECT_EQ(one.ask(Role::gateway, "MaskRequested", Json::object()).error().code, Code::unsupported);
}

TEST_P(ServiceTest, hostile_bodies_are_refused_and_change_nothing) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  const Json claims_many = Json::array_t(201, Json::object());
  const std::vector<std::tuple<Role, std::string, Json>> rows{
      {Role::gateway, "ReviewRequested", {{"review", 5}}},
      {Role::gateway, "ReviewStatusRequested", {{"review_ids", "all"}}},
      {Role::gateway, "ReviewStatusRequested", {{"review_ids", {1}}}},
      {Role::gateway, "ReviewStatusRequested", {{"review_ids", Json::array_t(1001, "x")}}},
      {Role::gateway, "GrantClaimRequested", {{"claims", claims_many}}},
      {Role::gateway, "GrantClaimRequested", {{"claims", {1}}}},
      {Role::gateway, "GrantSettled", {{"operation_id", to_text(id(1))}}},
      {Role::gateway, "GrantSettled", {{"settlements", {{{"operation_id", to_text(id(1))}}}}}},
      {Role::op, "ReviewsRequested", {{"state", "all"}}},
      {Role::op, "ReviewsRequested", {{"limit", "many"}}},
      {Role::op, "ReviewRequestedById", {{"review_id", "' OR 1=1 --"}}},
      {Role::op, "ReviewRequestedById", {{"review_id", to_text(id(99))}}},
      {Role::op, "VoteCast", {{"review_id", to_text(id(1))}, {"verdict", "approve"}}},
      {Role::op, "VoteCast", {{"review_id", to_text(id(1))}, {"verdict", "approve"}, {"token", "forged"}}},
      {Role::op, "VoteCast", {{"review_id", to_text(id(1))}, {"verdict", "yes"}, {"token", "ann@sre"}}},
      {Role::op, "VoteCast", {{"review_id", to_text(id(1))}, {"verdict", "approve"}, {"token", "ann@guests"}}},
      {Role::op, "ConsoleLinkRequested", {{"reviewer", "corp:ann"}}},
      {Role::op, "ConsoleLinkRequested", {{"token", "ann@guests"}}}};
  for (const auto& [role, type, body] : rows) EXPECT_FALSE(one.ask(role, type, body)) << type << " " << body;
  EXPECT_EQ(one.status(1).value().body["reviews"][0]["state"], "pending");
  EXPECT_EQ(one.sink.recorded.size(), 1u);
}

TEST_P(ServiceTest, a_flood_of_one_principal_is_overloaded_and_others_still_get_in) {
  one.configuration.gateway.parked_per_principal_max = 7;
  for (std::size_t i = 0; i < 7 * kPendingPerParked; ++i) {
    Json review = review_json(1, "digest-" + std::to_string(i));
    review["review_id"] = to_text(one.ids.next(kStart));
    ASSERT_TRUE(one.request_review(review, "call-" + std::to_string(i)));
  }
  EXPECT_EQ(one.request_review(review_json(2, "one more"), "call").error().code, Code::overloaded);
  Json other = review_json(3);
  other["principal"] = "local:other";
  EXPECT_TRUE(one.request_review(other, "call"));
}

TEST_P(ServiceTest, a_list_fits_the_bus_and_leaves_large_parameters_to_the_detail) {
  for (std::uint8_t i = 1; i <= 20; ++i) {
    Json review = review_json(i, "digest-" + std::to_string(i));
    review["parameters"] = {{"Item", std::string(400 << 10, 'x')}};
    ASSERT_TRUE(one.request_review(review, ""));
  }
  const auto list = one.ask(Role::op, "ReviewsRequested", Json::object()).value();
  EXPECT_EQ(list.body["reviews"].size(), 20u);
  EXPECT_LT(to_json(list.body).size(), wire::kBodyBytesMax);
  EXPECT_TRUE(list.body["reviews"][0].contains("parameters_note"));
  const auto detail = one.ask(Role::op, "ReviewRequestedById", {{"review_id", to_text(id(1))}}).value();
  EXPECT_EQ(detail.body["review"]["parameters"]["Item"].get<std::string>().size(), 400u << 10);
}

TEST_P(ServiceTest, a_long_list_comes_in_pages_and_says_how_many_wait) {
  for (std::uint8_t i = 1; i <= 7; ++i) {
    Json review = review_json(i, "digest-" + std::to_string(i));
    if (i == 5) review["parameters"] = {{"large", std::string(5000, 'x')}};
    ASSERT_TRUE(one.request_review(review, ""));
  }
  ASSERT_TRUE(one.vote(3, "ann@sre", "reject"));
  std::vector<std::string> seen;
  Json question{{"state", "pending"}, {"limit", 4}};
  const Json first = one.ask(Role::frontend, "ReviewsRequested", question).value().body;
  EXPECT_EQ(first["reviews"].size(), 4u);
  EXPECT_EQ(first["more"], true);
  EXPECT_EQ(first["pending"], 6);
  for (const Json& each : first["reviews"]) seen.push_back(string_or(each, "review_id"));
  question["before"] = seen.back();
  const Json second = one.ask(Role::frontend, "ReviewsRequested", question).value().body;
  EXPECT_EQ(second["more"], false);
  for (const Json& each : second["reviews"]) seen.push_back(string_or(each, "review_id"));
  std::vector<std::string> wanted;
  for (const std::uint8_t i : {7, 6, 5, 4, 2, 1}) wanted.push_back(to_text(id(i)));
  EXPECT_EQ(seen, wanted);
  question["before"] = to_text(id(99));
  EXPECT_EQ(one.ask(Role::frontend, "ReviewsRequested", question).value().body["reviews"].size(), 0u);
}

TEST_P(ServiceTest, a_restarted_gateway_learns_its_open_claims) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  const auto mine = two.ask(Role::gateway, "ClaimsOfGatewayRequested", {{"gateway", "gateway-1"}}).value().body;
  ASSERT_EQ(mine["claims"].size(), 1u);
  EXPECT_EQ(mine["claims"][0]["operation_id"], to_text(id(50)));
  EXPECT_EQ(mine["claims"][0]["epoch"], 1);
  EXPECT_EQ(mine["claims"][0]["state"], "claimed");
  const Json question{{"gateway", "gateway-2"}};
  const auto others = two.ask(Role::gateway, "ClaimsOfGatewayRequested", question, kStart, "gateway-2").value().body;
  EXPECT_TRUE(others["claims"].empty());
}

TEST_P(ServiceTest, parameters_that_policy_keeps_out_of_the_record_are_for_reviewers_alone) {
  Json review = review_json();
  review["record"] = "metadata";
  ASSERT_TRUE(one.request_review(review, "call-1"));
  ASSERT_TRUE(one.request_review(review_json(2, "digest-b"), "call-2"));
  ASSERT_EQ(one.sink.recorded.size(), 2u);
  EXPECT_FALSE(one.sink.recorded[0].data.contains("parameters"));
  EXPECT_TRUE(one.sink.recorded[1].data.contains("parameters"));
  const Json shown = one.ask(Role::op, "ReviewRequestedById", {{"review_id", to_text(id(1))}}).value().body["review"];
  EXPECT_EQ(shown["parameters"], review["parameters"]);
}

TEST_P(ServiceTest, a_gateway_cannot_act_under_the_name_of_another) {
  ASSERT_TRUE(one.request_review(review_json(), "call-1"));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve"));
  const Json claimer{{"gateway", "gateway-1"}, {"epoch", 1}};
  Json claim{{"review_id", to_text(id(1))}, {"operation_id", to_text(id(50))},
             {"digest", "digest-a"},        {"principal", "local:agent"},
             {"claimer", claimer},          {"invocation_id", "call-1"}};
  const Json settlement{
      {"review_id", to_text(id(1))}, {"operation_id", to_text(id(50))}, {"claimer", claimer}, {"state", "released"}};
  const std::vector<std::pair<std::string, Json>> rows{
      {"ReviewRequested", {{"review", review_json(2)}, {"invocation_id", ""}, {"gateway", "gateway-1"}}},
      {"GrantClaimRequested", {{"claims", {claim}}}},
      {"GrantSettled", {{"settlements", {settlement}}}},
      {"ClaimsOfGatewayRequested", {{"gateway", "gateway-1"}}},
      {"ClaimsOfGatewayRequested", Json::object()}};
  const auto try_as = [&](const std::string& key_id, Code code) {
    const std::size_t recorded = one.sink.recorded.size();
    for (const auto& [type, body] : rows) {
      const auto answer = one.ask(Role::gateway, type, body, kStart, key_id);
      ASSERT_FALSE(answer) << type << " by " << key_id;
      EXPECT_EQ(answer.error().code, code) << type << " by " << key_id;
    }
    EXPECT_EQ(one.sink.recorded.size(), recorded);
  };
  try_as("gateway-2", Code::denied);
  try_as("masker-1", Code::denied);          // whatever the broker took it for
  try_as("new-gateway", Code::unavailable);  // a key that this replica has not heard of yet
  claim["claimer"]["gateway"] = "gateway-2";
  const auto mixed = one.ask(Role::gateway, "GrantClaimRequested", {{"claims", {claim, rows[1].second["claims"][0]}}},
                             kStart, "gateway-2");
  ASSERT_FALSE(mixed) << "one foreign claim refuses the message";
  EXPECT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  one.configuration.keys[0].revoked = true;
  EXPECT_EQ(one.ask(Role::gateway, "ClaimsOfGatewayRequested", {{"gateway", "gateway-1"}}).error().code, Code::denied);
}

}  // namespace
}  // namespace holdpoint::approvals
