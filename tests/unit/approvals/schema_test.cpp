// The schema `reviews` over time: migrations beside replicas at work, programs and schemas that do not go together.
#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <thread>

#include "approvals/postgres/postgres_store.hpp"
#include "approvals/schema/schema.hpp"
#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals {
namespace {

using namespace samples;

class SchemaTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string owner() const {
    std::string dsn = stores.dsn();
    return dsn.replace(dsn.find("holdpoint_approvals"), 19, "postgres");
  }
  void change(const std::string& statement) {
    pqxx::connection connection(owner());
    pqxx::work work(connection);
    work.exec(statement);
    work.commit();
  }
  /// As a database from before there were versions.
  void forget_version() { change("DELETE FROM reviews.schema_version"); }
  void grant_once(std::uint8_t number) {
    ASSERT_TRUE(one.request_review(review_json(number, "digest-" + std::to_string(number)), ""));
    ASSERT_TRUE(one.vote(number, "ann@sre", "approve"));
  }

  Stores stores{"postgres"};
  Replica one{stores.first()};
};

TEST_F(SchemaTest, migrating_again_keeps_the_data) {
  grant_once(1);
  ASSERT_TRUE(migrate(owner()));
  forget_version();
  ASSERT_TRUE(migrate(owner()));
  EXPECT_EQ(stores.first().find(id(1)).value().review.state(), ReviewState::approved);
  EXPECT_EQ(one.claim_result(1, 50, "", kStart, "digest-1"), "claimed");
}

// A replica's transaction has one table and wants another: a migration that had that one and wanted the first would end
// one of the two.
TEST_F(SchemaTest, a_migration_waits_for_no_replica_that_waits_for_it) {
  grant_once(1);
  ASSERT_EQ(one.claim_result(1, 50, "", kStart, "digest-1"), "claimed");
  forget_version();
  pqxx::connection connection(stores.dsn());
  pqxx::work replica(connection);
  replica.exec("UPDATE reviews.claim SET outcome = outcome");
  std::thread operator_at_work([&] {
    const auto migrated = migrate(owner());
    EXPECT_TRUE(migrated) << migrated.error().context;
  });
  pqxx::connection looking(owner());
  const auto waiting = [&] {
    pqxx::work work(looking);
    return !work.exec(
                    "SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE NOT l.granted"
                    " AND c.relname = 'claim'")
                .empty();
  };
  while (!waiting()) std::this_thread::sleep_for(1ms);
  EXPECT_NO_THROW(replica.exec("UPDATE reviews.review SET announced = announced"));
  EXPECT_NO_THROW(replica.exec("UPDATE reviews.call SET review_id = review_id"));
  replica.commit();
  operator_at_work.join();
}

TEST_F(SchemaTest, an_older_schema_is_refused_with_what_to_do) {
  forget_version();
  PostgresStore store(stores.dsn());
  const auto found = store.find(id(1));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::unavailable);
  EXPECT_NE(found.error().context.find("--migrate"), std::string::npos) << found.error().context;
  EXPECT_EQ(check_schema(stores.dsn()).error().code, Code::configuration);
  ASSERT_TRUE(migrate(owner()));
  EXPECT_TRUE(check_schema(stores.dsn()));
  EXPECT_EQ(store.find(id(1)).error().code, Code::not_found) << "the same store, once it is migrated";
}

TEST_F(SchemaTest, a_newer_schema_is_worked_under_when_it_says_so_and_left_as_it_is) {
  const std::string own = std::to_string(kSchemaVersion);
  change("UPDATE reviews.schema_version SET version = 1000, oldest = " + own);
  EXPECT_TRUE(check_schema(stores.dsn()));
  grant_once(1);
  ASSERT_TRUE(migrate(owner()));
  EXPECT_TRUE(check_schema(stores.dsn()));
  change("UPDATE reviews.schema_version SET oldest = 1000");
  const auto refused = check_schema(stores.dsn());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().context.find("replace this replica"), std::string::npos) << refused.error().context;
}

// What an incompatible migration leaves a replica that is at work: an error at first, then words.
TEST_F(SchemaTest, a_replica_whose_tables_changed_under_it_says_why_it_stopped) {
  ASSERT_EQ(stores.first().find(id(1)).error().code, Code::not_found);
  change("ALTER TABLE reviews.review RENAME TO review_of_version_3");
  change("UPDATE reviews.schema_version SET version = 1000, oldest = 1000");
  EXPECT_EQ(stores.first().find(id(1)).error().code, Code::unavailable);
  EXPECT_NE(stores.first().find(id(1)).error().context.find("replace this replica"), std::string::npos);
}

TEST_F(SchemaTest, one_call_uses_a_grant_for_a_time_once_whatever_a_statement_does_wrong) {
  Json review = review_json();
  review["grant"] = {{"kind", "for"}, {"for_s", 600}};
  ASSERT_TRUE(one.request_review(review, ""));
  ASSERT_TRUE(one.vote(1, "ann@sre", "approve", kStart, {{"kind", "for"}, {"for_s", 600}}));
  ASSERT_EQ(one.claim_result(1, 50, "call-1"), "claimed");
  pqxx::connection connection(stores.dsn());
  pqxx::work work(connection);
  EXPECT_THROW(work.exec("INSERT INTO reviews.claim SELECT gen_random_uuid(), review_id, once, digest, principal,"
                         " invocation_id, gateway, epoch, key_id, 'claimed', '', now() FROM reviews.claim"),
               pqxx::unique_violation);
}

}  // namespace
}  // namespace holdpoint::approvals
