#include "approvals/review.hpp"

#include <gtest/gtest.h>

#include "approvals/eligibility.hpp"
#include "tests/unit/approvals/samples.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;

Review review_of(unsigned required, GrantTerms terms = {}) {
  Question asked = question();
  asked.required = required;
  asked.terms = terms;
  return Review(asked);
}

TEST(ReviewTest, one_vote_of_two_leaves_it_pending) {
  Review review = review_of(2);
  EXPECT_EQ(review.vote(approve("ann")).value(), ReviewState::pending);
  EXPECT_EQ(review.vote(approve("bob")).value(), ReviewState::approved);
  EXPECT_EQ(review.approvals(), 2u);
}

TEST(ReviewTest, one_person_who_votes_twice_counts_once) {
  Review review = review_of(2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(review.vote(approve("ann")).value(), ReviewState::pending);
  EXPECT_EQ(review.approvals(), 1u);
}

TEST(ReviewTest, one_veto_rejects_whatever_was_approved_before) {
  Review review = review_of(3);
  ASSERT_TRUE(review.vote(approve("ann")));
  ASSERT_TRUE(review.vote(approve("bob")));
  EXPECT_EQ(review.vote(reject("cyd", "not on a friday")).value(), ReviewState::rejected);
  EXPECT_EQ(review.reason(), "not on a friday");
}

TEST(ReviewTest, who_approved_may_still_veto) {
  Review review = review_of(2);
  ASSERT_TRUE(review.vote(approve("ann")));
  EXPECT_EQ(review.vote(reject("ann")).value(), ReviewState::rejected);
  EXPECT_EQ(review.votes().size(), 1u);
}

TEST(ReviewTest, the_requester_never_votes_on_the_own_request) {
  Question asked = question();
  asked.principal = "corp:ann";
  for (const Verdict verdict : {Verdict::approve, Verdict::reject}) {
    Review review(asked);
    const auto voted = review.vote({"corp:ann", verdict, "", {}, kStart});
    ASSERT_FALSE(voted);
    EXPECT_EQ(voted.error().code, Code::denied);
    EXPECT_EQ(review.state(), ReviewState::pending);
  }
}

TEST(ReviewTest, a_closed_review_takes_no_new_vote_but_bears_a_repeated_one) {
  Review review = review_of(1);
  ASSERT_EQ(review.vote(approve("ann")).value(), ReviewState::approved);
  EXPECT_EQ(review.vote(approve("ann", kStart + 1s)).value(), ReviewState::approved);
  EXPECT_EQ(review.vote(approve("bob")).error().code, Code::review_closed);
  EXPECT_EQ(review.vote(reject("bob")).error().code, Code::review_closed);
  EXPECT_EQ(review.vote(reject("ann")).error().code, Code::review_closed);
}

TEST(ReviewTest, a_pending_review_expires_within_the_time_from_its_request) {
  Review review = review_of(1);
  EXPECT_EQ(review.expire(kStart + 15min - 1us), ReviewState::pending);
  EXPECT_EQ(review.vote(approve("ann", kStart + 15min)).error().code, Code::review_closed);
  EXPECT_EQ(review.expire(kStart + 15min), ReviewState::expired);
}

TEST(ReviewTest, the_grants_time_to_live_runs_from_the_decision_not_from_the_request) {
  Review review = review_of(1, {30min});
  ASSERT_TRUE(review.vote(approve("ann", kStart + 14min, {30min})));
  EXPECT_EQ(review.grant()->not_before, kStart + 14min);
  EXPECT_EQ(review.grant()->expires_at, kStart + 44min);
  EXPECT_EQ(review.expire(kStart + 43min), ReviewState::approved);
  EXPECT_EQ(review.expire(kStart + 44min), ReviewState::expired);
}

TEST(ReviewTest, reviewers_narrow_a_grant_and_never_widen_it) {
  struct Row {
    GrantTerms policy, first, second;
    bool accepted;
    GrantTerms outcome;
  };
  const GrantTerms once{};
  const GrantTerms half{30min};
  const GrantTerms five{5min};
  for (const Row& row :
       {Row{half, half, half, true, half}, Row{half, five, half, true, five}, Row{half, once, half, true, once},
        Row{half, half, once, true, once}, Row{five, half, five, false, {}}, Row{once, five, once, false, {}},
        Row{once, once, five, false, {}}}) {
    Review review = review_of(2, row.policy);
    const auto first = review.vote(approve("ann", kStart, row.first));
    const auto second = review.vote(approve("bob", kStart, row.second));
    EXPECT_EQ(first && second, row.accepted);
    ASSERT_EQ(review.grant().has_value(), row.accepted);
    if (row.accepted) {
      EXPECT_EQ(*review.grant(), make_grant(row.outcome, kStart, 15min));
    }
  }
}

TEST(ReviewTest, a_resent_wider_approval_does_not_undo_a_narrower_one) {
  Review review = review_of(2, {30min});
  ASSERT_TRUE(review.vote(approve("ann", kStart, {30min})));
  ASSERT_TRUE(review.vote(approve("ann", kStart, {5min})));
  ASSERT_TRUE(review.vote(approve("ann", kStart, {30min})));
  ASSERT_EQ(review.vote(approve("bob", kStart, {30min})).value(), ReviewState::approved);
  EXPECT_EQ(review.grant()->expires_at, kStart + 5min);
}

TEST(ReviewTest, a_grant_for_once_is_consumed_once_and_given_back_when_nothing_was_sent) {
  Review review = review_of(1);
  EXPECT_FALSE(review.consume(kStart));
  ASSERT_TRUE(review.vote(approve("ann")));
  EXPECT_TRUE(review.consume(kStart));
  EXPECT_FALSE(review.consume(kStart));
  EXPECT_TRUE(review.give_back());
  EXPECT_FALSE(review.give_back());
  EXPECT_FALSE(review.consume(kStart + 15min)) << "the grant is over";
  EXPECT_TRUE(review.consume(kStart + 15min - 1us));
}

TEST(ReviewTest, a_reason_is_bounded_utf8) {
  Review review = review_of(1);
  EXPECT_EQ(review.vote(reject("ann", std::string(2001, 'x'))).error().code, Code::malformed);
  EXPECT_EQ(review.vote(reject("ann", "\xff")).error().code, Code::malformed);
  EXPECT_EQ(review.vote(reject("ann", std::string("a\0b", 3))).error().code, Code::malformed);
  EXPECT_EQ(review.state(), ReviewState::pending);
}

TEST(EligibilityTest, only_members_of_the_named_groups_vote_and_nobody_on_their_own_request) {
  struct Row {
    const char* what;
    identity::Principal who;
    std::vector<std::string> names;
    bool eligible;
  };
  auto other_issuer = person("named", {});
  other_issuer.issuer = "local";
  auto requester = person("agent", {"sre"});
  requester.issuer = "local";
  auto nobody = person("", {"sre"});
  const auto configuration = document();
  for (const Row& row :
       {Row{"a member", person("ann", {"sre"}), {"sre"}, true},
        Row{"a member by another group", person("ann", {"oncall"}), {"sre"}, true},
        Row{"named by subject", person("named", {}), {"sre"}, true},
        Row{"the same subject of another issuer", other_issuer, {"sre"}, false},
        Row{"another group", person("ann", {"dba"}), {"sre"}, false},
        Row{"one of two groups named", person("ann", {"dba"}), {"sre", "dba"}, true},
        Row{"no group", person("ann", {}), {"sre"}, false},
        Row{"a group that is not configured", person("ann", {"gone"}), {"gone"}, false},
        Row{"no names: any reviewer", person("ann", {"dba"}), {}, true},
        Row{"no names: still a reviewer", person("ann", {"guests"}), {}, false},
        Row{"the requester, a member too", requester, {"sre"}, false}, Row{"without a subject", nobody, {"sre"}, false},
        Row{"a subject that SQL would cut", person(std::string("ann\0x", 5)), {"sre"}, false}}) {
    Question asked = question();
    asked.reviewers = row.names;
    EXPECT_EQ(may_vote(asked, row.who, configuration).has_value(), row.eligible) << row.what;
  }
}

TEST(EligibilityTest, a_revoked_reviewer_does_not_vote) {
  auto configuration = document();
  configuration.revoked.principals = {"corp:ann"};
  EXPECT_EQ(may_vote(question(), person("ann"), configuration).error().code, Code::revoked);
  EXPECT_TRUE(may_vote(question(), person("bob"), configuration));
}

TEST(DecisionTest, the_signature_covers_every_member_and_only_its_text) {
  const auto key = SigningKey::generate();
  Decision decision{"d1", id(1), "digest-a", true, "fine", make_grant({30min}, kStart, 15min), {"corp:ann"}, 7, kStart};
  const auto signed_decision = sign_decision(decision, "key-1", key);
  EXPECT_TRUE(verify_decision(signed_decision, key.public_key()));
  EXPECT_EQ(signed_decision.text, R"({"decided_at":")" + to_rfc3339(kStart) +
                                      R"(","deployment":"d1","digest":"digest-a",)" +
                                      R"("grant":{"count":0,"expires_at":")" + to_rfc3339(kStart + 30min) +
                                      R"(","kind":"for","not_before":")" + to_rfc3339(kStart) +
                                      R"("},"policy_version":7,"reason":"fine","review_id":")" + to_text(id(1)) +
                                      R"(","reviewers":["corp:ann"],"verdict":"approved"})");
  for (std::size_t i = 0; i < signed_decision.text.size(); ++i) {
    auto altered = signed_decision;
    altered.text[i] = static_cast<char>(altered.text[i] ^ 1);
    ASSERT_FALSE(verify_decision(altered, key.public_key())) << i;
  }
  EXPECT_FALSE(verify_decision(signed_decision, SigningKey::generate().public_key()));
}

TEST(DecisionTest, a_rejection_grants_nothing) {
  const Decision decision{"d1", id(1), "digest-a", false, "no", {}, {"corp:ann"}, 7, kStart};
  const Json json = parse_json(decision_text(decision)).value();
  EXPECT_EQ(json["verdict"], "rejected");
  EXPECT_EQ(json["grant"]["count"], 0);
  EXPECT_EQ(json["grant"]["expires_at"], to_rfc3339(kStart));
}

TEST(ReviewJsonTest, a_question_survives_its_text) {
  Json review = review_json();
  review["parameters"] = {{"Key", std::string("nul \0 and \u202e", 13)}, {"n", 1e200}};
  review["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  const Question asked = question_from_json(review, kStart).value();
  const Question again = question_from_text(question_to_text(asked), details_to_text(asked)).value();
  EXPECT_EQ(question_to_text(again), question_to_text(asked));
  EXPECT_EQ(again.details, asked.details);
  EXPECT_EQ(again.details["parameters"], review["parameters"]);
  EXPECT_EQ(again.terms, GrantTerms{30min});
}

TEST(ReviewJsonTest, a_gateway_cannot_smuggle_state_votes_or_a_decision) {
  Json review = review_json();
  review["state"] = "approved";
  review["votes"] = {{{"reviewer", "corp:ann"}, {"verdict", "approve"}}};
  review["decision"] = {{"decision", "{}"}};
  review["requested_at"] = "1999-01-01T00:00:00Z";
  const Json shown = review_to_json(Review(question_from_json(review, kStart).value()));
  EXPECT_EQ(shown["state"], "pending");
  EXPECT_TRUE(shown["votes"].empty());
  EXPECT_FALSE(shown.contains("decision"));
  EXPECT_EQ(shown["requested_at"], to_rfc3339(kStart));
}

TEST(ReviewJsonTest, malformed_reviews_are_refused) {
  const auto refused = [](const char* member, Json value) {
    Json review = review_json();
    review[member] = std::move(value);
    const auto read = question_from_json(review, kStart);
    EXPECT_FALSE(read) << member << " " << review[member];
  };
  refused("digest", "");
  refused("digest", 5);
  refused("principal", std::string("a\0b", 3));
  refused("principal", "a\nb");
  refused("principal", std::string(1025, 'x'));
  refused("review_id", "not-an-id");
  refused("review_id", "00000000-0000-0000-0000-000000000000");
  refused("required", 0);
  refused("required", -1);
  refused("required", 17);
  refused("required", "1");
  refused("within_s", 0);
  refused("within_s", 1e18);
  refused("grant", nullptr);
  refused("grant", {{"kind", "always"}});
  refused("grant", {{"kind", "for"}});
  refused("grant", {{"kind", "for"}, {"for_s", 0}});
  refused("grant", {{"kind", "for"}, {"for_s", 31 * 86400}});
  refused("reviewers", "sre");
  refused("reviewers", Json::array({1}));
  refused("policy_version", -1);
  refused("parameters", std::string(600 << 10, 'x'));
}

}  // namespace
}  // namespace holdpoint::approvals
