// What only a real PostgreSQL can show: races, crashes, rights.
#include "approvals/postgres/postgres_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <pqxx/pqxx>
#include <thread>

#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;
using holdpoint::testing::PrivatePostgres;

class PostgresStoreTest : public ::testing::Test {
 protected:
  Stores stores{"postgres"};
  Replica one{stores.first()};

  void grant_once(std::uint8_t number) {
    ASSERT_TRUE(one.request_review(review_json(number, "digest-" + std::to_string(number)), ""));
    ASSERT_TRUE(one.vote(number, "ann@sre", "approve"));
  }
};

Claim wanted(std::uint8_t review, const Id& operation, const std::string& gateway, const std::string& invocation = "") {
  Claim claim;
  claim.operation_id = operation;
  claim.review_id = id(review);
  claim.digest = "digest-" + std::to_string(review);
  claim.principal = "local:agent";
  claim.invocation_id = invocation;
  claim.claimer = {gateway, 1, gateway};
  return claim;
}

record::Event event_for(RandomIdSource& ids) {
  record::Event event;
  event.id = ids.next(kStart);
  event.source = "test";
  event.type = record::type::kGrantClaimed;
  event.subject = "s";
  event.time = kStart;
  return event;
}

// Races `rounds` batches of claims for reviews 1..count from two connections; the number of grants that were given.
int race(const std::string& dsn, std::uint8_t count, const std::string& invocation) {
  std::atomic<int> claimed{0};
  std::atomic<int> ready{0};
  std::vector<std::thread> gateways;
  for (const char* gateway : {"gateway-1", "gateway-2"}) {
    gateways.emplace_back([&, gateway] {
      PostgresStore store(dsn);
      RandomIdSource ids;
      static_cast<void>(store.find(id(1)));  // connects
      ++ready;
      while (ready < 2) std::this_thread::yield();
      for (int round = 0; round < 5; ++round) {
        std::vector<Claim> claims;
        std::vector<record::Event> events;
        // Each gateway walks in another order, so that their row locks cross.
        for (std::uint8_t i = 0; i < count; ++i) {
          const auto number = static_cast<std::uint8_t>(gateway[8] == '1' ? i + 1 : count - i);
          claims.push_back(wanted(number, ids.next(kStart), gateway, invocation));
          events.push_back(event_for(ids));
        }
        const auto answers = store.claim(claims, events, kStart);
        ASSERT_TRUE(answers) << answers.error().context;
        for (const auto& answer : *answers) claimed += answer.result == ClaimResult::claimed ? 1 : 0;
      }
    });
  }
  for (auto& gateway : gateways) gateway.join();
  return claimed;
}

TEST_F(PostgresStoreTest, two_gateways_that_race_get_each_grant_for_once_exactly_once) {
  for (std::uint8_t i = 1; i <= 40; ++i) grant_once(i);
  EXPECT_EQ(race(stores.dsn(), 40, ""), 40);
}

TEST_F(PostgresStoreTest, two_gateways_that_race_with_one_call_use_a_grant_for_a_time_once) {
  for (std::uint8_t i = 1; i <= 10; ++i) {
    Json review = review_json(i, "digest-" + std::to_string(i));
    review["grant"] = {{"kind", "for"}, {"for_s", 600}};
    ASSERT_TRUE(one.request_review(review, ""));
    ASSERT_TRUE(one.vote(i, "ann@sre", "approve", kStart, {{"kind", "for"}, {"for_s", 600}}));
  }
  EXPECT_EQ(race(stores.dsn(), 10, "call-1"), 10);
}

TEST_F(PostgresStoreTest, one_batch_that_asks_twice_gets_one_grant) {
  grant_once(1);
  RandomIdSource ids;
  const Id repeated = ids.next(kStart);
  const std::vector<Claim> claims{wanted(1, repeated, "gateway-1"), wanted(1, repeated, "gateway-1"),
                                  wanted(1, ids.next(kStart), "gateway-1")};
  const std::vector<record::Event> events{event_for(ids), event_for(ids), event_for(ids)};
  const auto answers = stores.first().claim(claims, events, kStart).value();
  EXPECT_EQ(answers[0].result, ClaimResult::claimed);
  EXPECT_EQ(answers[1].result, ClaimResult::claimed) << "the same operation gets the same answer";
  EXPECT_EQ(answers[2].result, ClaimResult::in_use);
}

// Until a statement of another connection waits for a lock.
void await_a_waiter(const std::string& dsn) {
  pqxx::connection connection(dsn);
  const auto waiting = [&] {
    pqxx::work work(connection);
    return work
        .exec(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()")[0][0]
        .as<int>();
  };
  while (waiting() == 0) std::this_thread::sleep_for(1ms);
}

TEST_F(PostgresStoreTest, a_release_waits_for_its_claim_that_is_being_committed) {
  grant_once(1);
  RandomIdSource ids;
  const Id operation = ids.next(kStart);
  pqxx::connection connection(stores.dsn());
  pqxx::work slow(connection);
  slow.exec("UPDATE reviews.review SET state = 'consumed'");
  slow.exec("INSERT INTO reviews.claim SELECT '" + to_text(operation) +
            "', review_id, true, digest, principal, 'call-1',"
            " 'gateway-1', 1, 'gateway-1', 'claimed', '', now() FROM reviews.review");
  std::thread gateway([&] {
    const std::vector<Settlement> settlements{
        {operation, id(1), {"gateway-1", 1, "gateway-1"}, ClaimState::released, ""}};
    const std::vector<record::Event> events{event_for(ids)};
    const auto settled = stores.second().settle(settlements, events);
    ASSERT_TRUE(settled) << settled.error().context;
    EXPECT_TRUE(settled->front() && *settled->front()) << "found once it was there";
  });
  await_a_waiter(stores.dsn());
  slow.commit();
  gateway.join();
  EXPECT_EQ(one.claim_result(1, 51, "call-1", kStart, "digest-1"), "claimed");
}

// The statement that claims sees the grant in use; the one that looks who uses it sees nobody.
TEST_F(PostgresStoreTest, a_claim_that_meets_a_release_in_flight_gets_the_grant) {
  grant_once(1);
  grant_once(2);
  ASSERT_EQ(one.claim_result(2, 50, "", kStart, "digest-2"), "claimed");
  pqxx::connection connection(stores.dsn());
  pqxx::work releasing(connection);
  releasing.exec("UPDATE reviews.claim SET state = 'released'");
  // The claim's statement has begun, and waits for this row, when the release is committed.
  releasing.exec("UPDATE reviews.review SET state = 'approved'");
  std::thread gateway([&] {
    RandomIdSource ids;
    const std::vector<Claim> claims{wanted(1, ids.next(kStart), "gateway-1"), wanted(2, ids.next(kStart), "gateway-1")};
    const std::vector<record::Event> events{event_for(ids), event_for(ids)};
    const auto answers = stores.second().claim(claims, events, kStart);
    ASSERT_TRUE(answers) << answers.error().context;
    EXPECT_EQ((*answers)[0].result, ClaimResult::claimed);
    EXPECT_EQ((*answers)[1].result, ClaimResult::claimed);
  });
  await_a_waiter(stores.dsn());
  releasing.commit();
  gateway.join();
}

TEST_F(PostgresStoreTest, replicas_that_open_the_same_call_at_once_make_one_review) {
  std::atomic<int> opened{0};
  std::vector<std::thread> replicas;
  for (std::uint8_t i = 1; i <= 6; ++i) {
    replicas.emplace_back([&, i] {
      PostgresStore store(stores.dsn());
      Replica replica(store);
      const auto answer = replica.request_review(review_json(i), i % 2 ? "call-1" : "");
      ASSERT_TRUE(answer) << answer.error().context;
      opened += answer->body["review_id"] == to_text(id(i)) ? 1 : 0;
    });
  }
  for (auto& replica : replicas) replica.join();
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(stores.first().list({}).value().size(), 1u);
}

TEST_F(PostgresStoreTest, votes_that_race_on_two_replicas_make_one_decision) {
  for (std::uint8_t number = 1; number <= 10; ++number) {
    Json review = review_json(number, "digest-" + std::to_string(number));
    review["required"] = 2;
    ASSERT_TRUE(one.request_review(review, ""));
  }
  std::atomic<std::size_t> decided{0};
  std::vector<std::thread> replicas;
  for (const char* who : {"ann@sre", "bob@sre"}) {
    replicas.emplace_back([&, who] {
      PostgresStore store(stores.dsn());
      Replica replica(store);
      for (std::uint8_t number = 1; number <= 10; ++number) {
        const auto voted = replica.vote(number, who, "approve");
        ASSERT_TRUE(voted) << voted.error().context;
      }
      decided += replica.sink.count(record::type::kReviewDecided);
    });
  }
  for (auto& replica : replicas) replica.join();
  EXPECT_EQ(decided, 10u);
}

TEST_F(PostgresStoreTest, nothing_acknowledged_is_lost_when_the_server_is_killed) {
  grant_once(1);
  ASSERT_EQ(one.claim_result(1, 50, "", kStart, "digest-1"), "claimed");
  ASSERT_TRUE(one.request_review(review_json(2, "digest-2"), ""));
  PrivatePostgres::shared().crash_and_restart();
  EXPECT_EQ(one.claim_result(1, 50, "", kStart, "digest-1"), "claimed") << "the connection comes back by itself";
  EXPECT_EQ(one.claim_result(1, 51, "", kStart, "digest-1"), "in_use");
  EXPECT_EQ(text(one.vote(2, "ann@sre", "approve"), "state"), "approved");
}

TEST_F(PostgresStoreTest, without_a_server_every_answer_is_unavailable_within_its_patience) {
  PostgresStore store("host=/nonexistent dbname=none", 100ms);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(store.find(id(1)).error().code, Code::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(PostgresStoreTest, the_runtime_role_cannot_rewrite_history) {
  grant_once(1);
  for (const char* statement :
       {"DELETE FROM reviews.review", "DELETE FROM reviews.claim", "DELETE FROM reviews.details",
        "UPDATE reviews.details SET details = ''", "TRUNCATE reviews.vote", "UPDATE reviews.review SET question = ''",
        "UPDATE reviews.review SET digest = 'x'", "UPDATE reviews.claim SET review_id = review_id",
        "DROP TABLE reviews.claim", "CREATE TABLE reviews.x (y int)", "CREATE ROLE other",
        "ALTER TABLE reviews.review DISABLE TRIGGER ALL"}) {
    pqxx::connection connection(stores.dsn());
    pqxx::work work(connection);
    EXPECT_THROW(work.exec(statement), pqxx::insufficient_privilege) << statement;
  }
}

TEST_F(PostgresStoreTest, the_schema_itself_refuses_a_second_live_claim_on_a_grant_for_once) {
  grant_once(1);
  ASSERT_EQ(one.claim_result(1, 50, "", kStart, "digest-1"), "claimed");
  pqxx::connection connection(stores.dsn());
  pqxx::work work(connection);
  EXPECT_THROW(work.exec("INSERT INTO reviews.claim SELECT gen_random_uuid(), review_id, once, digest, principal,"
                         " invocation_id, gateway, epoch, key_id, 'claimed', '', now() FROM reviews.claim"),
               pqxx::unique_violation);
}

TEST_F(PostgresStoreTest, hostile_text_is_stored_and_returned_as_it_was) {
  Json review = review_json();
  review["parameters"] = {{"k", std::string("\0';--\"\\{}\u202e\U0001f600", 16)}, {"big", 1e200}};
  review["digest"] = "a'b\"c\\d{e},f";
  review["principal"] = "local:'; DROP TABLE reviews.review; --";
  ASSERT_TRUE(one.request_review(review, "call-1"));
  const auto voted = one.ask(wire::Role::op, "VoteCast",
                             {{"review_id", to_text(id(1))},
                              {"verdict", "approve"},
                              {"reason", "it's \"fine\" \\ {ok}, \u202e"},
                              {"token", "o'brien\"\\@sre"}});
  ASSERT_TRUE(voted) << voted.error().context;
  const auto stored = stores.second().find(id(1)).value().review;
  EXPECT_EQ(stored.question().details["parameters"], review["parameters"]);
  EXPECT_EQ(stored.votes()[0].reviewer, "corp:o'brien\"\\");
  EXPECT_EQ(stored.votes()[0].reason, "it's \"fine\" \\ {ok}, \u202e");
  EXPECT_TRUE(verify_decision(*stored.decision(), one.signatory.key.public_key()));
  EXPECT_EQ(one.claim_result(1, 50, "call-1", kStart, review["digest"].get<std::string>(), "gateway-1",
                             review["principal"].get<std::string>()),
            "claimed");
}

// A plan is kept from the first claims of a connection on, when there may be no review yet. Every claim that then read
// all grants there ever were would be the slower the more there are.
TEST_F(PostgresStoreTest, a_claim_that_was_planned_while_the_tables_were_empty_reads_no_other_grant) {
  {
    PostgresStore store(stores.dsn());
    RandomIdSource ids;
    const auto claim = [&](std::uint8_t review) {
      const std::vector<Claim> claims{wanted(review, ids.next(kStart), "gateway-1")};
      const std::vector<record::Event> events{event_for(ids)};
      return store.claim(claims, events, kStart).value()[0].result;
    };
    for (int i = 0; i < 10; ++i) EXPECT_EQ(claim(1), ClaimResult::closed);
    for (std::uint8_t i = 1; i <= 20; ++i) grant_once(i);
    EXPECT_EQ(claim(1), ClaimResult::claimed);
  }  // what a connection has read is known once it is closed
  pqxx::connection connection(stores.dsn());
  const auto scans = [&](const char* index) {
    pqxx::work work(connection);
    return work
        .exec(
            std::string("SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'reviews' AND indexrelname = '") +
            index + "'")[0][0]
        .as<long>();
  };
  while (scans("claim_once") == 0) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(scans("review_granted"), 0);
}

TEST_F(PostgresStoreTest, a_review_that_was_asked_before_its_details_stood_apart_is_shown_as_it_was) {
  ASSERT_TRUE(one.request_review(review_json(), ""));
  const Json asked = stores.first().find(id(1)).value().review.question().details;
  ASSERT_FALSE(asked.empty());
  std::string owner = stores.dsn();
  owner.replace(owner.find("holdpoint_approvals"), 19, "postgres");
  pqxx::connection connection(owner);
  pqxx::work work(connection);
  work.exec(
      "UPDATE reviews.review r SET question = (r.question::jsonb || d.details::jsonb)::text FROM reviews.details d");
  work.exec("DELETE FROM reviews.details");
  work.commit();
  EXPECT_EQ(stores.first().find(id(1)).value().review.question().details, asked);
  EXPECT_EQ(text(one.vote(1, "ann@sre", "approve"), "state"), "approved");
}

}  // namespace
}  // namespace holdpoint::approvals
