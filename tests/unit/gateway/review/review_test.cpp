#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>

#include "gateway/review/claims.hpp"
#include "gateway/review/decision.hpp"
#include "gateway/review/decision_board.hpp"
#include "gateway/review/digest.hpp"
#include "gateway/review/parking.hpp"

namespace holdpoint::review {
namespace {

aws::Operation delete_table() {
  aws::Operation operation;
  operation.service = "dynamodb";
  operation.operation = "DeleteTable";
  operation.region = "eu-west-1";
  operation.requirements = {{"dynamodb:DeleteTable", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", {}}};
  operation.parameters = {{"TableName", "orders"}};
  return operation;
}

std::string digest(const aws::Operation& operation, const std::string& principal = "local:ann",
                   const std::string& key = std::string(32, 'k')) {
  return operation_digest(key, principal, "arn:aws:iam::123456789012:role/a", "prod", operation, std::nullopt);
}

TEST(Digest, is_the_same_for_the_same_call_whatever_order_its_parts_come_in) {
  aws::Operation one = delete_table();
  one.requirements.push_back({"dynamodb:DescribeTable", "*", {}});
  one.parameters = *parse_json(R"({"b":{"y":1,"x":2},"a":[1,2]})");
  aws::Operation other = one;
  std::swap(other.requirements[0], other.requirements[1]);
  other.parameters = *parse_json(R"({"a":[1,2],"b":{"x":2,"y":1}})");
  EXPECT_EQ(digest(one), digest(other));
}

TEST(Digest, differs_as_soon_as_anything_that_matters_does) {
  const std::string base = digest(delete_table());
  const std::vector<std::function<void(aws::Operation&)>> changes{
      [](aws::Operation& o) { o.operation = "DescribeTable"; },
      [](aws::Operation& o) { o.service = "dynamodb-streams"; },
      [](aws::Operation& o) { o.region = "us-east-1"; },
      [](aws::Operation& o) { o.parameters["TableName"] = "orders2"; },
      [](aws::Operation& o) { o.parameters["Extra"] = nullptr; },
      [](aws::Operation& o) { o.requirements[0].resource += "x"; },
      [](aws::Operation& o) { o.requirements[0].action = "dynamodb:UpdateTable"; },
      [](aws::Operation& o) { o.requirements.push_back(o.requirements[0]); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    aws::Operation changed = delete_table();
    changes[i](changed);
    EXPECT_NE(digest(changed), base) << i;
  }
  EXPECT_NE(digest(delete_table(), "local:bob"), base);
  EXPECT_NE(digest(delete_table(), "local:ann", std::string(32, 'l')), base);
}

TEST(Digest, binds_source_and_destination_of_a_copy) {
  aws::Operation copy = delete_table();
  copy.requirements = {{"s3:GetObject", "a", {}}, {"s3:PutObject", "b", {}}};
  aws::Operation swapped = copy;
  std::swap(swapped.requirements[0].resource, swapped.requirements[1].resource);
  EXPECT_NE(digest(copy), digest(swapped));
}

TEST(Digest, binds_the_bytes_of_a_body_that_is_data) {
  aws::Operation put = delete_table();
  put.body_is_data = true;
  const std::string key(32, 'k');
  EXPECT_NE(operation_digest(key, "p", "r", "t", put, sha256("a")),
            operation_digest(key, "p", "r", "t", put, sha256("b")));
}

// ---- decisions ----------------------------------------------------------------------------------------------------

struct Fixture {
  SigningKey approvals = SigningKey::generate();
  SigningKey masker = SigningKey::generate();
  SigningKey revoked = SigningKey::generate();
  config::Document document;
  Instant now = *from_rfc3339("2026-11-01T12:00:00Z");
  Json text{{"deployment", "d1"},
            {"review_id", "r1"},
            {"digest", "abc"},
            {"verdict", "approved"},
            {"reason", ""},
            {"grant",
             {{"kind", "once"},
              {"count", 1},
              {"not_before", "2026-11-01T11:59:00Z"},
              {"expires_at", "2026-11-01T12:10:00Z"}}},
            {"reviewers", {"local:bob"}},
            {"policy_version", 3},
            {"decided_at", "2026-11-01T11:59:00Z"}};

  Fixture() {
    document.deployment = "d1";
    document.keys = {{"ka", "approvals-1", wire::Role::approvals, "", approvals.public_key(), false},
                     {"km", "masker-1", wire::Role::masker, "", masker.public_key(), false},
                     {"kr", "approvals-0", wire::Role::approvals, "", revoked.public_key(), true}};
  }
  Json carried(const SigningKey& key, const std::string& key_id,
               const std::string& domain = "holdpoint-decision-v1\n") const {
    const std::string exact = to_json(text);
    return {{"decision", exact}, {"key_id", key_id}, {"signature", to_base64(key.sign(domain + exact))}};
  }
  Result<operation::Decided> verify(const Json& from) const {
    return verify_decision(from, document, {"r1", "abc"}, now);
  }
};

TEST(Decision, is_accepted_from_a_key_of_approvals) {
  Fixture f;
  const auto decided = f.verify(f.carried(f.approvals, "ka"));
  ASSERT_TRUE(decided.has_value()) << decided.error().context;
  EXPECT_EQ(decided->verdict, operation::Verdict::approved);
}

TEST(Decision, of_a_rejection_carries_its_reason) {
  Fixture f;
  f.text["verdict"] = "rejected";
  f.text["reason"] = "not on a Friday";
  const auto decided = f.verify(f.carried(f.approvals, "ka"));
  ASSERT_TRUE(decided.has_value());
  EXPECT_EQ(decided->verdict, operation::Verdict::rejected);
  EXPECT_EQ(decided->reason, "not on a Friday");
}

TEST(Decision, is_refused_when_forged) {
  Fixture f;
  EXPECT_FALSE(f.verify(f.carried(f.masker, "km"))) << "a key of another role";
  EXPECT_FALSE(f.verify(f.carried(f.revoked, "kr"))) << "a revoked key";
  EXPECT_FALSE(f.verify(f.carried(f.masker, "ka"))) << "another key under this id";
  EXPECT_FALSE(f.verify(f.carried(f.approvals, "kx"))) << "an unknown id";
  EXPECT_FALSE(f.verify(f.carried(f.approvals, "ka", "holdpoint-records-v1\n"))) << "a signature for another purpose";
  EXPECT_FALSE(f.verify(Json{{"verdict", "approved"}})) << "no signature";
  EXPECT_FALSE(f.verify(Json("approved")));
  Json altered = f.carried(f.approvals, "ka");
  altered["decision"] = to_json(f.text) + " ";
  EXPECT_FALSE(f.verify(altered)) << "an altered text";
}

TEST(Decision, is_refused_when_signed_for_something_else) {
  const std::vector<std::pair<std::string, Json>> changes{
      {"deployment", "d2"}, {"review_id", "r2"}, {"digest", "abd"}, {"verdict", "maybe"}, {"grant", nullptr}};
  for (const auto& [member, value] : changes) {
    Fixture f;
    f.text[member] = value;
    EXPECT_FALSE(f.verify(f.carried(f.approvals, "ka"))) << member;
  }
}

TEST(Decision, permits_nothing_beyond_its_grant) {
  Fixture late;
  late.now = *from_rfc3339("2026-11-01T12:10:00Z");
  EXPECT_EQ(late.verify(late.carried(late.approvals, "ka"))->verdict, operation::Verdict::expired);
  Fixture early;
  early.now = *from_rfc3339("2026-11-01T11:00:00Z");
  EXPECT_FALSE(early.verify(early.carried(early.approvals, "ka")));
  Fixture none;
  none.text["grant"]["count"] = 0;
  EXPECT_FALSE(none.verify(none.carried(none.approvals, "ka")));
}

// ---- waiting ------------------------------------------------------------------------------------------------------

TEST(Parking, is_bounded_in_total_and_by_principal_and_gives_places_back) {
  Parking parking;
  const Parking::Limits limits{3, 2};
  std::vector<Parking::Place> places;
  places.push_back(std::move(*parking.enter("a", limits)));
  places.push_back(std::move(*parking.enter("a", limits)));
  EXPECT_EQ(parking.enter("a", limits).error().code, Code::overloaded);
  places.push_back(std::move(*parking.enter("b", limits)));
  EXPECT_EQ(parking.enter("c", limits).error().code, Code::overloaded);
  EXPECT_EQ(parking.size(), 3u);
  places.erase(places.begin());
  EXPECT_TRUE(parking.enter("c", limits).has_value());
  places.clear();
  EXPECT_EQ(parking.size(), 0u);
}

TEST(DecisionBoard, tells_everyone_who_waits_for_a_review_and_nobody_else) {
  DecisionBoard board;
  int one = 0, two = 0, other = 0;
  DecisionBoard::Waiter a(board, "r1", [&] { ++one; });
  DecisionBoard::Waiter b(board, "r1", [&] { ++two; });
  DecisionBoard::Waiter c(board, "r2", [&] { ++other; });
  board.tell({{"review_id", "r1"}, {"state", "pending"}});
  EXPECT_EQ(one, 0);
  board.tell({{"review_id", "r1"}, {"state", "rejected"}});
  board.tell({{"review_id", "r9"}, {"state", "rejected"}});
  board.tell("nonsense");
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, 1);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(a.take_news()["state"], "rejected");
  EXPECT_TRUE(a.take_news().is_null());
}

TEST(DecisionBoard, asks_for_everyone_in_turn) {
  DecisionBoard board;
  std::vector<std::unique_ptr<DecisionBoard::Waiter>> waiters;
  for (int i = 0; i < 2500; ++i)
    waiters.push_back(std::make_unique<DecisionBoard::Waiter>(board, "r" + std::to_string(i % 2400), [] {}));
  std::size_t asked = 0;
  for (const std::size_t expected : {1000u, 1000u, 400u}) {
    const auto ids = board.next_ids();
    EXPECT_EQ(ids.size(), expected);
    asked += ids.size();
  }
  EXPECT_EQ(asked, 2400u);
  EXPECT_TRUE(board.round_ended());
  EXPECT_EQ(board.next_ids().size(), 1000u);
  EXPECT_EQ(board.next_ids(200).size(), 200u);
  EXPECT_FALSE(board.round_ended());
  waiters.clear();
  EXPECT_TRUE(board.next_ids().empty());
}

// ---- claims -------------------------------------------------------------------------------------------------------

/// Approvals, that grants everything.
struct Granting {
  explicit Granting(Duration pause = Duration{}) : settle_after(pause) {}
  Duration settle_after;
  boost::asio::io_context io;
  std::vector<wire::Message> heard;
  Claims claims{io.get_executor(),
                [this](std::string, wire::Message message, Instant, std::string) { return answer(std::move(message)); },
                {"gateway-1", 7},
                settle_after};
  std::size_t granted = 0;
  bool hold = false;
  std::optional<Code> refuses_with;
  boost::asio::steady_timer held{io, boost::asio::steady_timer::time_point::max()};

  boost::asio::awaitable<Result<wire::Message>> answer(wire::Message message) {
    heard.push_back(message);
    if (hold) (void)co_await held.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (refuses_with) co_return Error{*refuses_with, "refused"};
    if (message.type == "GrantSettled")
      co_return wire::Message{"GrantSettlementNoted", {{"refused", Json::array()}}, {}};
    wire::Message answered{"GrantClaimsAnswered", {{"claims", Json::array()}}, {}};
    for (const Json& each : message.body["claims"])
      answered.body["claims"].push_back({{"operation_id", each["operation_id"]}, {"result", "claimed"}});
    co_return answered;
  }
  void settle(const std::string& operation_id, const std::string& state) {
    claims.settle({operation_id, "r", claims.self(), state, 200, "q"});
  }
  boost::asio::awaitable<void> claim(std::string operation_id) {
    ClaimWish wish;
    wish.operation_id = std::move(operation_id);
    const auto answered = co_await claims.claim(std::move(wish), std::chrono::seconds(5));
    if (answered && answered->claim == operation::Claim::claimed) ++granted;
  }
  std::vector<std::size_t> sizes(const char* list) const {
    std::vector<std::size_t> out;
    for (const wire::Message& each : heard) out.push_back(each.body[list].size());
    return out;
  }
};

TEST(Claims, of_calls_that_wake_together_go_in_few_messages) {
  Granting approvals;
  for (int i = 0; i < 450; ++i)
    boost::asio::co_spawn(approvals.io, approvals.claim("o" + std::to_string(i)), boost::asio::detached);
  approvals.io.poll();
  boost::asio::co_spawn(approvals.io, approvals.claims.run_claims(), boost::asio::detached);
  approvals.io.poll();
  EXPECT_EQ(approvals.sizes("claims"), (std::vector<std::size_t>{200, 200, 50}));
  EXPECT_EQ(approvals.granted, 450u);
}

TEST(Claims, settle_in_few_messages_and_in_order) {
  Granting approvals;
  for (int i = 0; i < 450; ++i) approvals.settle("o" + std::to_string(i), "done");
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.io.poll();
  EXPECT_EQ(approvals.sizes("settlements"), (std::vector<std::size_t>{200, 200, 50}));
  EXPECT_EQ(approvals.heard[1].body["settlements"][0]["operation_id"], "o200");
  EXPECT_EQ(approvals.heard[2].body["settlements"][49]["state"], "done");
  EXPECT_EQ(approvals.claims.unsettled(), 0u);
}

TEST(Claims, say_of_a_call_that_ended_meanwhile_only_how) {
  Granting approvals;
  approvals.settle("o1", "sent");
  approvals.settle("o2", "sent");
  approvals.settle("o1", "done");
  EXPECT_EQ(approvals.claims.unsettled(), 2u);
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.io.poll();
  ASSERT_EQ(approvals.sizes("settlements"), std::vector<std::size_t>{2});
  EXPECT_EQ(approvals.heard[0].body["settlements"][0]["state"], "done");
  EXPECT_EQ(approvals.heard[0].body["settlements"][1]["state"], "sent");
  approvals.settle("o2", "failed");
  approvals.io.poll();
  ASSERT_EQ(approvals.heard.size(), 2u);
  EXPECT_EQ(approvals.heard[1].body["settlements"][0]["state"], "failed");
}

TEST(Claims, wait_a_moment_before_they_say_that_a_call_was_sent) {
  Granting approvals(std::chrono::milliseconds(300));
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.settle("o1", "sent");
  approvals.io.poll();
  EXPECT_TRUE(approvals.heard.empty());
  approvals.settle("o1", "done");
  while (approvals.heard.empty()) approvals.io.run_one();
  ASSERT_EQ(approvals.sizes("settlements"), std::vector<std::size_t>{1});
  EXPECT_EQ(approvals.heard[0].body["settlements"][0]["state"], "done");
}

TEST(Claims, say_again_what_was_not_refused_for_what_it_says) {
  for (const Code code :
       {Code::timed_out, Code::unavailable, Code::overloaded, Code::outcome_unknown, Code::not_durable}) {
    Granting approvals;
    approvals.refuses_with = code;
    approvals.settle("o1", "released");
    boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
    approvals.io.poll();
    EXPECT_EQ(approvals.claims.unsettled(), 1u) << name(code);
  }
  Granting approvals;
  approvals.refuses_with = Code::malformed;
  approvals.settle("o1", "released");
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.io.poll();
  EXPECT_EQ(approvals.claims.unsettled(), 0u);
}

TEST(Claims, leave_out_a_request_id_for_which_the_message_would_be_refused) {
  Granting approvals;
  approvals.claims.settle({"o1", "r", approvals.claims.self(), "done", 200, std::string(5000, 'x')});
  approvals.claims.settle({"o2", "r", approvals.claims.self(), "done", 200, "q"});
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.io.poll();
  ASSERT_EQ(approvals.sizes("settlements"), std::vector<std::size_t>{2});
  const Json& said = approvals.heard[0].body["settlements"];
  EXPECT_EQ(said[0]["outcome"], Json({{"status", 200}}));
  EXPECT_EQ(said[1]["outcome"], Json({{"status", 200}, {"request_id", "q"}}));
}

TEST(Claims, keep_what_is_said_while_a_message_is_under_way) {
  Granting approvals;
  approvals.hold = true;
  approvals.settle("o1", "sent");
  boost::asio::co_spawn(approvals.io, approvals.claims.run_settlements(), boost::asio::detached);
  approvals.io.poll();
  approvals.settle("o1", "done");  // "sent" is in the message: this one is another
  EXPECT_EQ(approvals.claims.unsettled(), 2u);
  approvals.held.cancel();
  approvals.hold = false;
  approvals.io.poll();
  ASSERT_EQ(approvals.sizes("settlements"), (std::vector<std::size_t>{1, 1}));
  EXPECT_EQ(approvals.heard[1].body["settlements"][0]["state"], "done");
  EXPECT_EQ(approvals.claims.unsettled(), 0u);
}

}  // namespace
}  // namespace holdpoint::review
