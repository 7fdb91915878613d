// The sequencer over a real PostgreSQL.
#include <thread>

#include "auditor/log_reader.hpp"
#include "tests/unit/auditor/hostile_entries.hpp"
#include "tests/unit/auditor/log_fixture.hpp"

namespace holdpoint::auditor {
namespace {

TEST_F(LogTest, NumbersEntriesWithoutGapsAndRemembersAcrossARestart) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 300)))->through, 300u);
  const Hash root = sequencer_->root();
  const Submitted again = gateway_.next(events_of("gateway-1", 10));
  open();
  EXPECT_EQ(sequencer_->size(), 300u);
  EXPECT_EQ(sequencer_->root(), root);
  EXPECT_EQ(submit(again)->through, 310u);
  EXPECT_EQ(submit(again)->through, 310u) << "sent again";
  EXPECT_EQ(sequencer_->size(), 310u);
  EXPECT_EQ(sequencer_->position("gateway-1", gateway_.key_id(), keys_)->through, 310u);
  EXPECT_EQ(sequencer_->position("gateway-1", "another key", keys_).error().code, Code::denied);
  checkpoint();
  const auto report = verified();
  EXPECT_TRUE(report.intact()) << report.problems.front().text;
  EXPECT_EQ(report.entries, 310u);
  EXPECT_EQ(report.checkpoint_size, 310u);
}

TEST_F(LogTest, AnswersEachOfManySubmissionsByItself) {
  Source other("approvals-1");
  other.add_to(keys_);
  Submitted forged = other.next({"forged"});
  forged.submission.signature[0] ^= 1;
  const auto answers = sequencer_->submit(
      {gateway_.next({"a"}), forged, gateway_.next({"b", "c"}), Source("stranger").next({"x"})}, keys_, now_);
  EXPECT_EQ(answers[0]->through, 1u);
  EXPECT_EQ(answers[1].error().code, Code::tampered);
  EXPECT_EQ(answers[2]->through, 3u);
  EXPECT_EQ(answers[3].error().code, Code::denied);
  EXPECT_EQ(sequencer_->size(), 3u);
}

TEST_F(LogTest, TakesNoEventThatNamesAnotherSourceAndKeepsItsNeighboursSubmissions) {
  Source approvals("approvals-1");
  approvals.add_to(keys_);
  const Bytes foreign = event_entry("approvals-1", record::type::kReviewVoted, "r1", Json{{"review_id", "r1"}});
  std::vector<Bytes> mixed = events_of("gateway-1", 2);
  mixed.push_back(foreign);
  for (const Bytes& other : {foreign, Bytes(R"({"source":5})"), Bytes(R"({"source":5,"x":1.5})")}) {
    Source fresh("gateway-9");
    fresh.add_to(keys_);
    EXPECT_EQ(submit(fresh.next({other})).error().code, Code::denied) << other;
  }
  const auto answers = sequencer_->submit(
      {gateway_.next(mixed), approvals.next({foreign}), approvals.next({"no event", R"({"type":"t"})"})}, keys_, now_);
  EXPECT_EQ(answers[0].error().code, Code::denied);
  EXPECT_NE(answers[0].error().context.find("entry 3 names another, approvals-1"), std::string::npos);
  EXPECT_EQ(answers[1]->through, 1u);
  EXPECT_EQ(answers[2]->through, 3u);
  EXPECT_EQ(sequencer_->size(), 3u);
  checkpoint();
  EXPECT_TRUE(verified().intact());
}

TEST_F(LogTest, TakesEveryHostileEntryAndGivesItsExactBytesBack) {
  const std::vector<Bytes> entries = hostile_entries();
  EXPECT_EQ(submit(gateway_.next(entries))->through, entries.size());
  const auto rows = sql("holdpoint_reader", "SELECT bytes, quarantined FROM audit.log ORDER BY index");
  ASSERT_EQ(rows.size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto row = rows[static_cast<pqxx::result::size_type>(i)];
    EXPECT_EQ(from_hex(std::string_view(row[0].c_str()).substr(2)).value(), entries[i]) << i;
    EXPECT_FALSE(row[1].as<bool>()) << i;
  }
  checkpoint();
  const auto report = verified();
  EXPECT_TRUE(report.intact()) << report.problems.front().text;
  std::uint64_t exported = 0;
  EXPECT_EQ(
      verify::export_entries(options(), 0,
                             [&](std::string_view line) {
                               EXPECT_TRUE(parse_json(line).has_value());
                               EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' '; }));
                               return ++exported > 0;
                             })
          .value(),
      entries.size());
}

TEST_F(LogTest, QuarantinesTheOneEntryThatTheDatabaseRefusesAndTakesItsNeighbours) {
  sql("postgres", "ALTER TABLE audit.entries ADD CONSTRAINT poison CHECK (subject <> 'operation-57')");
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 100)))->through, 100u);
  const auto rows = sql("holdpoint_reader", "SELECT index FROM audit.log WHERE quarantined");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0][0].as<int>(), 57);
  EXPECT_NE(
      sql("holdpoint_reader", "SELECT reason FROM audit.log_quarantine WHERE index = 57")[0][0].as<std::string>().find(
          "poison"),
      std::string::npos);
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 5)))->through, 105u);
  checkpoint();
  const auto report = verified();
  EXPECT_TRUE(report.intact()) << report.problems.front().text;
  EXPECT_EQ(report.quarantined, 1u);
}

TEST_F(LogTest, SurvivesADatabaseThatIsKilledAndStartsAgain) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 20)))->through, 20u);
  testing::PrivatePostgres::shared().crash_and_restart();
  const Submitted next = gateway_.next(events_of("gateway-1", 3));
  EXPECT_EQ(submit(next).error().code, Code::unavailable);
  EXPECT_EQ(submit(next)->through, 23u) << "opened again by the next submission";
  checkpoint();
  EXPECT_TRUE(verified().intact());
}

TEST_F(LogTest, HasOneWriterAndAnotherTakesOverWhenItGoes) {
  EXPECT_EQ(submit(gateway_.next({"one"}))->through, 1u);
  auto second_store = postgres_log_store(dsn("holdpoint_writer"));
  Sequencer second(*second_store, kDeployment);
  EXPECT_EQ(second.open().error().code, Code::conflict);
  sequencer_.reset();
  store_.reset();
  EXPECT_TRUE(second.open().has_value());
  EXPECT_EQ(second.submit({gateway_.next({"two"})}, keys_, now_).front()->through, 2u);
  EXPECT_EQ(second.size(), 2u);
}

TEST_F(LogTest, NeverWritesOverAConnectionThatWasMadeAnewWithoutTheLock) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 3)))->through, 3u);
  sql("postgres",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND usename = 'holdpoint_writer'");
  auto second_store = postgres_log_store(dsn("holdpoint_writer"));
  Sequencer second(*second_store, kDeployment);
  Result<void> opened = second.open();
  for (int tries = 0; !opened && tries < 100; ++tries) {  // until the ended session's lock is free
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    opened = second.open();
  }
  ASSERT_TRUE(opened.has_value());
  for (int tries = 0; tries < 3; ++tries) {
    const auto checkpointed = store_->add_checkpoint(3, sequencer_->root(), "note", now_);
    ASSERT_TRUE(checkpointed.has_error());
    EXPECT_EQ(checkpointed.error().code, Code::unavailable);
    EXPECT_TRUE(store_->head_at("gateway-1", {1, 3}).has_error());
  }
  const Submitted next = gateway_.next({"four"});
  EXPECT_EQ(submit(next).error().code, Code::unavailable);
  EXPECT_EQ(submit(next).error().code, Code::unavailable) << "the other one has the lock";
  EXPECT_EQ(second.submit({next}, keys_, now_).front()->through, 4u);
}

TEST_F(LogTest, RefusesToWriteOnWhenTheTailBeforeItsCheckpointIsGone) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 20)))->through, 20u);
  checkpoint();
  tamper("DELETE FROM audit.entries WHERE index >= 15");
  sequencer_.reset();
  store_ = postgres_log_store(dsn("holdpoint_writer"));
  Sequencer again(*store_, kDeployment);
  EXPECT_EQ(again.open().error().code, Code::tampered);
}

TEST_F(LogTest, NobodyChangesARecord) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 3)))->through, 3u);
  checkpoint();
  for (const char* table : {"entries", "sources", "checkpoints", "nodes", "quarantine", "dropped", "dropped_leaves"}) {
    const std::string name = std::string("audit.") + table;
    for (const char* user : {"postgres", "holdpoint_writer", "holdpoint_reader"}) {
      EXPECT_THROW(sql(user, "TRUNCATE " + name), pqxx::sql_error) << user << " " << name;
    }
    for (const char* user : {"holdpoint_writer", "holdpoint_reader"}) {
      EXPECT_THROW(sql(user, "DELETE FROM " + name), pqxx::sql_error) << user << " " << name;
    }
  }
  EXPECT_THROW(sql("postgres", "UPDATE audit.entries SET reason = 'x'"), pqxx::sql_error);
  EXPECT_THROW(sql("postgres", "DELETE FROM audit.entries"), pqxx::sql_error);
  EXPECT_THROW(sql("postgres", "DELETE FROM audit.checkpoints"), pqxx::sql_error);
  EXPECT_THROW(sql("postgres", "TRUNCATE audit.entries_2026_11"), pqxx::sql_error);
  EXPECT_THROW(sql("postgres", "UPDATE audit.entries_2026_11 SET reason = 'x'"), pqxx::sql_error);
  EXPECT_THROW(sql("holdpoint_writer", "UPDATE audit.entries SET reason = 'x'"), pqxx::sql_error);
  EXPECT_THROW(sql("holdpoint_writer", "DROP TABLE audit.entries"), pqxx::sql_error);
  EXPECT_THROW(sql("holdpoint_writer", "SELECT audit.drop_partition('entries_2026_11')"), pqxx::sql_error);
  EXPECT_THROW(sql("holdpoint_reader", "SELECT * FROM audit.entries"), pqxx::sql_error);
  EXPECT_EQ(sql("holdpoint_reader", "SELECT * FROM audit.log").size(), 3u);
}

TEST_F(LogTest, MigratesAgainWithoutHarm) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 3)))->through, 3u);
  const auto again = migrate(dsn("postgres"));
  EXPECT_TRUE(again.has_value()) << again.error().context;
  EXPECT_EQ(sql("holdpoint_reader", "SELECT * FROM audit.log").size(), 3u);
}

TEST_F(LogTest, TakesNoSecondRowOfAnIndexIntoAMonthAndReplacesThePlainIndexOfOlderSchemas) {
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 3)))->through, 3u);
  const std::string again = "INSERT INTO audit.entries SELECT * FROM audit.entries WHERE index = 1";
  const std::string indexes =
      "SELECT count(*) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
      "WHERE t.relname LIKE 'entries%' AND pg_get_indexdef(i.indexrelid) LIKE '% (index)'";
  EXPECT_THROW(sql("holdpoint_writer", again), pqxx::unique_violation);
  EXPECT_EQ(sql("postgres", indexes)[0][0].as<int>(), 2) << "one of this month, one of the rest";
  // As an older version made it.
  sql("postgres", "DROP INDEX audit.entries_2026_11_index_once; CREATE INDEX entries_index ON audit.entries (index)");
  sql("holdpoint_writer", again);
  ASSERT_TRUE(migrate(dsn("postgres")).has_value()) << "evidence is no reason not to start";
  EXPECT_EQ(sql("holdpoint_reader", "SELECT * FROM audit.log").size(), 4u);
  EXPECT_EQ(sql("postgres", indexes)[0][0].as<int>(), 2);
  tamper("DELETE FROM audit.entries WHERE ctid = (SELECT max(ctid) FROM audit.entries WHERE index = 1)");
  ASSERT_TRUE(migrate(dsn("postgres")).has_value());
  EXPECT_THROW(sql("holdpoint_writer", again), pqxx::unique_violation);
  EXPECT_EQ(sql("postgres", indexes)[0][0].as<int>(), 2);
}

TEST_F(LogTest, ShowsWhatWasTouchedWhateverTheAgentWroteIntoItsParameters) {
  const auto with = [](Json more) {
    Json data{{"operation_id", "o1"}, {"service", "s3"}, {"operation", "PutObject"}};
    data.update(more);
    return event_entry("gateway-1", record::type::kOperationIntended, "o1", data);
  };
  const std::string nul(1, '\0');
  std::vector<Bytes> entries{with({{"parameters", {{"Key", "a" + nul + nul + "b"}}}, {"resources", {"arn:one"}}}),
                             with({{"parameters", {{"Key", "\\" + nul}}}, {"resources", {"arn:two" + nul}}}),
                             with({{"parameters", {{"Key", "\\u0000"}}}, {"resources", {"\\u0000"}}})};
  EXPECT_EQ(submit(gateway_.next(entries))->through, 3u);
  std::vector<std::string> touched;
  for (const auto& row : sql("holdpoint_reader", "SELECT resource FROM audit.resources ORDER BY index")) {
    touched.push_back(row[0].as<std::string>());
  }
  EXPECT_EQ(touched, (std::vector<std::string>{"arn:one", "arn:two\xef\xbf\xbd", "\\u0000"}));
}

TEST_F(LogTest, ShowsTheOutcomeAsUnknownOnceAGatewayLostTheJournalThatCouldTell) {
  const auto intent = [](const std::string& id) {
    return event_entry("gateway-1", record::type::kOperationIntended, id,
                       Json{{"operation_id", id}, {"decision", "allowed"}});
  };
  EXPECT_EQ(submit(gateway_.next({intent("before")}))->through, 1u);
  const auto outcomes = [&] {
    std::string text;
    for (const auto& row : sql("holdpoint_reader", "SELECT outcome FROM audit.operations ORDER BY first_index"))
      text += std::string(row[0].is_null() ? "-" : row[0].c_str()) + " ";
    return text;
  };
  EXPECT_EQ(outcomes(), "- ") << "it may still run";
  gateway_.begin_epoch(2);
  EXPECT_EQ(submit(gateway_.next({intent("after")}))->through, 1u);
  EXPECT_EQ(outcomes(), "unknown - ");
}

// What approvals had recorded and not told its store when it was killed, it records again; or another replica does.
TEST_F(LogTest, CountsOnceWhatApprovalsRecordsTwiceAndVerifies) {
  Source first("approvals-1");
  Source second("approvals-2");
  first.add_to(keys_);
  second.add_to(keys_);
  const Json review{
      {"review_id", "r1"}, {"principal", "local:agent"}, {"service", "s3"}, {"operation", "DeleteObject"}};
  const auto with = [&](Json more) {
    Json all = review;
    all.update(more);
    return all;
  };
  const auto told_by = [&](const std::string& source) {
    return std::vector<Bytes>{
        event_entry(source, record::type::kReviewRequested, "r1", review),
        event_entry(source, record::type::kReviewVoted, "r1", with({{"reviewer", "corp:ann"}, {"verdict", "approve"}})),
        event_entry(source, record::type::kReviewDecided, "r1", with({{"verdict", "approved"}, {"reason", "fine"}})),
        event_entry(source, record::type::kGrantClaimed, "r1", with({{"operation_id", "o1"}})),
        event_entry(source, record::type::kGrantSettled, "r1", with({{"operation_id", "o1"}, {"state", "done"}}))};
  };
  const auto shown = [&] {
    std::string text;
    for (const char* view : {"reviews", "decision_times", "operations", "sessions", "denials", "findings"}) {
      for (const auto& row : sql("holdpoint_reader", std::string("SELECT v::text FROM audit.") + view + " v"))
        text += std::string(view) + row[0].c_str() + "\n";
    }
    return text;
  };
  const std::vector<Bytes> once = told_by("approvals-1");
  EXPECT_EQ(submit(first.next(once))->through, 5u);
  const std::string before = shown();
  EXPECT_NE(before.find("decision_times"), std::string::npos);
  EXPECT_EQ(submit(first.next(once))->through, 10u) << "a chain has no holes: it is stored";
  EXPECT_EQ(submit(second.next(told_by("approvals-2")))->through, 5u);
  EXPECT_EQ(shown(), before);
  checkpoint();
  const auto report = verified();
  EXPECT_TRUE(report.intact()) << report.problems.front().text;
  EXPECT_EQ(report.entries, 15u);
}

TEST_F(LogTest, IsNotWrittenByAnAuditorThatItsSchemaIsTooNewFor) {
  sequencer_.reset();
  store_.reset();
  sql("postgres", "INSERT INTO audit.schema_version (version) VALUES (1000)");
  auto older_store = postgres_log_store(dsn("holdpoint_writer"));
  Sequencer older(*older_store, kDeployment);
  const auto opened = older.open();
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().code, Code::configuration);
  EXPECT_NE(opened.error().context.find("replace it"), std::string::npos) << opened.error().context;
}

TEST_F(LogTest, IsMigratedBesideOneWhoReadsItsViews) {
  pqxx::connection connection(dsn("holdpoint_reader"));
  auto reading = std::make_unique<pqxx::work>(connection);
  reading->exec("SELECT * FROM audit.denials");
  std::thread operator_at_work([&] {
    const auto again = migrate(dsn("postgres"));
    EXPECT_TRUE(again.has_value()) << again.error().context;
  });
  const auto waiting = [&] {
    return sql("postgres",
               "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'postgres'"
               " AND datname = current_database()")
        .size();
  };
  while (waiting() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  // The migration waits for the view that is read, and has those before it: whoever waits for both meets its patience.
  EXPECT_NO_THROW(reading->exec("SELECT * FROM audit.decision_times"));
  reading.reset();
  operator_at_work.join();
}

TEST_F(LogTest, ShowsAnOperationFromRequestToOutcomeInItsViews) {
  const Json operation{{"operation_id", "o1"},  {"session_id", "s1"},         {"principal", "local:agent"},
                       {"service", "dynamodb"}, {"operation", "DeleteTable"}, {"role_arn", "arn"}};
  const auto with = [&](Json more) {
    Json all = operation;
    all.update(more);
    return all;
  };
  std::vector<Bytes> story{
      event_entry("gateway-1", record::type::kSessionStarted, "s1",
                  Json{{"session_id", "s1"}, {"principal", "local:agent"}}),
      event_entry("gateway-1", record::type::kOperationParked, "o1", with({{"review_id", "r1"}, {"policy", "guard"}})),
      event_entry("gateway-1", record::type::kReviewRequested, "r1",
                  Json{{"review_id", "r1"}, {"principal", "local:agent"}}),
      event_entry("gateway-1", record::type::kReviewVoted, "r1",
                  Json{{"review_id", "r1"}, {"reviewer", "corp:ann"}, {"verdict", "approve"}, {"reason", "fine"}}),
      event_entry("gateway-1", record::type::kReviewDecided, "r1", Json{{"review_id", "r1"}, {"verdict", "approved"}}),
      event_entry("gateway-1", record::type::kOperationIntended, "o1",
                  with({{"decision", "granted"}, {"review_id", "r1"}, {"resources", {"arn:a", "arn:b"}}})),
      event_entry(
          "gateway-1", record::type::kOperationCompleted, "o1",
          Json{{"operation_id", "o1"},
               {"session_id", "s1"},
               {"outcome", "done"},
               {"status", 200},
               {"wait_ms", 1234},
               {"findings", Json::array({Json{{"class", "card"}, {"rule", "luhn"}, {"count", 2}, {"path", "Item.n"}},
                                         Json{{"class", "card"}, {"rule", "luhn"}, {"count", "odd"}}})},
               {"unmasked", Json::array({Json{{"class", "email"}, {"count", 1}, {"statement", "ReadMail"}}})}}),
      event_entry("gateway-1", record::type::kOperationRefused, "o2",
                  Json{{"operation_id", "o2"}, {"session_id", "s1"}, {"decision", "denied"}, {"reason", "no permit"}})};
  EXPECT_EQ(submit(gateway_.next(story))->through, story.size());

  const auto operations = sql("holdpoint_reader",
                              "SELECT decision, outcome, status, wait_ms, review_id, principal "
                              "FROM audit.operations WHERE operation_id = 'o1'");
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations[0][0].as<std::string>(), "granted");
  EXPECT_EQ(operations[0][1].as<std::string>(), "done");
  EXPECT_EQ(operations[0][2].as<int>(), 200);
  EXPECT_EQ(operations[0][3].as<int>(), 1234);
  EXPECT_EQ(operations[0][4].as<std::string>(), "r1");
  const auto sessions = sql("holdpoint_reader", "SELECT operations, denied, held FROM audit.sessions");
  EXPECT_EQ(sessions[0][0].as<int>(), 2);
  EXPECT_EQ(sessions[0][1].as<int>(), 1);
  EXPECT_EQ(sessions[0][2].as<int>(), 1);
  EXPECT_EQ(sql("holdpoint_reader", "SELECT * FROM audit.denials").size(), 1u);
  const auto findings = sql("holdpoint_reader", "SELECT class, count, service, path FROM audit.findings ORDER BY path");
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0][0].as<std::string>(), "card");
  EXPECT_EQ(findings[0][1].as<int>(), 2);
  EXPECT_EQ(findings[0][2].as<std::string>(), "dynamodb");
  EXPECT_EQ(findings[0][3].as<std::string>(), "Item.n");
  EXPECT_TRUE(findings[1][1].is_null() && findings[1][3].is_null());
  const auto left = sql("holdpoint_reader", "SELECT class, count, statement, service FROM audit.unmasked");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0][1].as<int>(), 1);
  EXPECT_EQ(left[0][2].as<std::string>(), "ReadMail");
  EXPECT_EQ(left[0][3].as<std::string>(), "dynamodb");
  const auto touched = sql("holdpoint_reader", "SELECT resource, operation FROM audit.resources ORDER BY resource");
  ASSERT_EQ(touched.size(), 2u);
  EXPECT_EQ(touched[1][0].as<std::string>(), "arn:b");
  EXPECT_EQ(sql("holdpoint_reader", "SELECT verdict FROM audit.reviews")[0][0].as<std::string>(), "approved");
  EXPECT_EQ(sql("holdpoint_reader", "SELECT reviewer, votes FROM audit.decision_times").size(), 1u);

  LogReader reader(dsn("holdpoint_writer"));
  const auto listed = reader.answer({"OperationsRequested", Json{{"session_id", "s1"}}, {}});
  ASSERT_TRUE(listed.has_value()) << listed.error().context;
  ASSERT_EQ(listed->body["operations"].size(), 2u);
  EXPECT_EQ(listed->body["operations"][1]["operation_id"], "o1");
  EXPECT_EQ(listed->body["operations"][1]["status"], 200);
  EXPECT_EQ(listed->body["operations"][1]["resources"], "arn:a, arn:b");
  EXPECT_EQ(listed->body["operations"][0]["resources"], nullptr);
  const auto seen = reader.answer({"SessionsRequested", Json::object(), {}});
  ASSERT_TRUE(seen.has_value()) << seen.error().context;
  EXPECT_EQ(seen->body["sessions"][0]["session_id"], "s1");
  EXPECT_EQ(seen->body["sessions"][0]["started_at"], "2026-11-01T12:00:00.000001Z");
  const auto raw = reader.answer({"EntriesRequested", Json{{"first", 2}, {"count", 3}}, {}});
  ASSERT_TRUE(raw.has_value()) << raw.error().context;
  EXPECT_EQ(raw->body["entries"].size(), 3u);
  EXPECT_EQ(raw->body["entries"][0]["index"], 2);
  EXPECT_EQ(reader.answer({"LogStatusRequested", Json::object(), {}})->body["entries"], 8);
  EXPECT_EQ(reader.answer({"Nonsense", Json::object(), {}}).error().code, Code::unsupported);
  EXPECT_EQ(reader.answer({"SessionsRequested", Json{{"limit", -1}}, {}}).error().code, Code::malformed);
}

TEST_F(LogTest, WritesFastEnoughInBatches) {
  const std::vector<Bytes> entries = events_of("gateway-1", 500);
  std::vector<std::vector<Submitted>> batches(10);
  for (auto& batch : batches) {
    for (int i = 0; i < 2; ++i) batch.push_back(gateway_.next(entries));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& batch : batches) {
    for (const auto& answer : sequencer_->submit(batch, keys_, now_)) ASSERT_TRUE(answer.has_value());
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  // Reported, not judged: this build may be unoptimised or sanitised, the machine busy.
  RecordProperty("rows_per_second", std::to_string(static_cast<int>(10000 / took)));
  std::cout << "rows/s: " << static_cast<int>(10000 / took) << "\n";
}

}  // namespace
}  // namespace holdpoint::auditor
