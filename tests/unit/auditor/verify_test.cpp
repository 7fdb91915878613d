// What an attacker with the database's superuser does, the verifier finds and names.
#include "auditor/verify/verify.hpp"

#include "tests/unit/auditor/log_fixture.hpp"

namespace holdpoint::auditor {
namespace {

class VerifyTest : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 300)))->through, 300u);
    early_ = checkpoint();
    ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 300)))->through, 600u);
    late_ = checkpoint();
    ASSERT_TRUE(verified().intact());
  }
  /// Exactly the problems that these words name, in order.
  void expect_found(const verify::Report& report, const std::vector<std::pair<std::string, std::string>>& wanted) {
    ASSERT_EQ(report.problem_count, wanted.size()) << (report.problems.empty() ? "" : report.problems.front().text);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(report.problems[i].where, wanted[i].first) << report.problems[i].text;
      EXPECT_NE(report.problems[i].text.find(wanted[i].second), std::string::npos) << report.problems[i].text;
    }
  }
  /// With the rights of the writer's role alone: a row that no auditor wrote, outside of the months' partitions, where
  /// no unique index meets the one that it stands beside.
  void put_in(const std::string& index) {
    const std::string event =
        R"('{"type":"holdpoint.operation.refused","data":{"operation_id":"forged-1","decision":"denied"}}'::bytea)";
    sql("holdpoint_writer",
        "INSERT INTO audit.entries (index, received_at, source, epoch, sequence, leaf_hash, head, bytes, quarantined, "
        "type, operation_id, decision) VALUES (" +
            index + ", '2031-01-01', 'gateway-1', 1, 7, sha256('\\x00'::bytea || " + event + "), '\\x00', " + event +
            ", false, 'holdpoint.operation.refused', 'forged-1', 'denied')");
  }
  std::string early_;
  std::string late_;
};

TEST_F(VerifyTest, NamesARowThatWasPutInBesideAnotherWhereverAPageEnds) {
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 1500)))->through, 2100u);
  for (const char* index : {"0", "1999", "2099"}) {
    SCOPED_TRACE(index);
    put_in(index);
    const auto report = verified();
    expect_found(report, {{"index", "entry " + std::string(index) + ": a second row stands at its index"}});
    EXPECT_EQ(report.problems.front().index, std::stoll(index));
    EXPECT_EQ(report.problems.front().type, "holdpoint.operation.refused");
    EXPECT_EQ(report.problems.front().operation, "forged-1");
    EXPECT_EQ(report.entries, 2100u);
    tamper("DELETE FROM audit.entries WHERE operation_id = 'forged-1'");
  }
}

TEST_F(VerifyTest, NamesRowsFarBeyondTheLogAndBelowItsBeginning) {
  put_in("-5");
  put_in("4611686018427387904");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, -5);
  EXPECT_NE(report.problems[1].text.find("entries 600 to 4611686018427387903 are missing"), std::string::npos);
  EXPECT_EQ(report.checkpoint_size, 600u) << "what was signed still holds";
}

TEST_F(VerifyTest, NamesTheEntryOfOneAlteredByte) {
  tamper("UPDATE audit.entries SET bytes = set_byte(bytes, 200, get_byte(bytes, 200) # 1) WHERE index = 123");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 123);
  EXPECT_EQ(report.problems.front().where, "bytes");
  bool tree = false;
  for (const auto& problem : report.problems) tree |= problem.where == "tree";
  EXPECT_TRUE(tree) << "no signed checkpoint fits either";
}

TEST_F(VerifyTest, NamesTheColumnThatDiffersFromTheEvent) {
  tamper("UPDATE audit.entries SET decision = 'denied' WHERE index = 42");
  expect_found(
      verified(),
      {{"decision", "entry 42: the column decision differs from the event (stored denied, computed allowed)"}});
  tamper("UPDATE audit.entries SET decision = 'allowed' WHERE index = 42");
  tamper("UPDATE audit.entries SET source = 'gateway-2' WHERE index = 599");
  const auto report = verified();
  EXPECT_EQ(report.problems.front().index, 599);
  EXPECT_EQ(report.problems.front().where, "source");
}

TEST_F(VerifyTest, FindsARewrittenEntryWhoseHashWasRewrittenToo) {
  tamper(
      "UPDATE audit.entries SET bytes = replace(convert_from(bytes, 'UTF8'), 'GetItem', 'PutItem')::bytea, "
      "operation = 'PutItem' WHERE index = 300");
  tamper("UPDATE audit.entries SET leaf_hash = sha256('\\x00'::bytea || bytes) WHERE index = 300");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 300);
  EXPECT_EQ(report.problems.front().where, "chain");
  EXPECT_EQ(report.checkpoint_size, 300u) << "the log up to the earlier checkpoint still holds";
}

TEST_F(VerifyTest, FindsMissingEntriesAndACutOffTail) {
  tamper("DELETE FROM audit.entries WHERE index BETWEEN 10 AND 12");
  auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_NE(report.problems.front().text.find("entries 10 to 12 are missing"), std::string::npos);
}

TEST_F(VerifyTest, FindsACutOffTailByAnEarlierCheckpointThoughAllTracesAreGone) {
  tamper(
      "DELETE FROM audit.entries WHERE index >= 300; DELETE FROM audit.checkpoints WHERE size > 300; "
      "DELETE FROM audit.nodes WHERE (index + 1) << level > 300");
  EXPECT_TRUE(verified().intact()) << "without the checkpoint nobody can know";
  expect_found(verified({late_}), {{"tail", "300 entries are cut off its tail"}});
  EXPECT_TRUE(verified({early_}).intact());
}

TEST_F(VerifyTest, FindsASwapOfTwoEntries) {
  // In three steps: no index stands twice in a month.
  tamper("UPDATE audit.entries SET index = -5 WHERE index = 5");
  tamper("UPDATE audit.entries SET index = 5 WHERE index = 6");
  tamper("UPDATE audit.entries SET index = 6 WHERE index = -5");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 5);
}

TEST_F(VerifyTest, FindsAForgedCheckpointAnAlteredOneAndAnAlteredTree) {
  const std::string forged =
      record::sign_checkpoint({record::log_origin(kDeployment), 600, sha256("x")}, SigningKey::generate());
  expect_found(verified({forged}), {{"checkpoint", "no known key signed"}});
  const std::string foreign = record::sign_checkpoint({"holdpoint/other", 600, sequencer_->root()}, auditor_key_);
  expect_found(verified({foreign}), {{"checkpoint", "of another log"}});
  const std::string lie = record::sign_checkpoint({record::log_origin(kDeployment), 450, sha256("x")}, auditor_key_);
  expect_found(verified({lie}), {{"tree", "entries 300 to 449"}});
  tamper("UPDATE audit.checkpoints SET root = '\\x00' WHERE size = 300");
  expect_found(verified(), {{"checkpoint", "columns beside the signed note"}});
  tamper("UPDATE audit.nodes SET hash = '\\x00' WHERE level = 8 AND index = 1");
  EXPECT_EQ(verified().problem_count, 2u);
}

TEST_F(VerifyTest, ProvesAnEntryToSomebodyWhoHoldsOnlyTheKey) {
  for (const std::uint64_t index : {0, 1, 255, 256, 511, 599}) {
    const auto proof = verify::prove(options(), index);
    ASSERT_TRUE(proof.has_value()) << proof.error().context;
    const std::string text = verify::proof_to_text(*proof);
    const std::vector<Bytes> keys{auditor_key_.public_key()};
    EXPECT_TRUE(verify::check_proof(text, proof->entry, keys).has_value()) << index;
    EXPECT_EQ(verify::check_proof(text, proof->entry + " ", keys).error().code, Code::tampered);
    EXPECT_EQ(verify::check_proof(text, proof->entry, {SigningKey::generate().public_key()}).error().code,
              Code::tampered);
  }
  EXPECT_EQ(verify::prove(options(), 600).error().code, Code::not_found);
  EXPECT_EQ(verify::check_proof("nonsense", "", {}).error().code, Code::malformed);
}

TEST_F(VerifyTest, HoldsAfterRetentionDroppedAMonthAndSaysSo) {
  now_ = from_rfc3339("2026-12-01T00:00:01Z").value();
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 50)))->through, 650u);
  checkpoint();
  sql("postgres", "SELECT audit.drop_partition('entries_2026_11')");
  const auto report = verified({early_});
  EXPECT_TRUE(report.intact()) << report.problems.front().text;
  EXPECT_EQ(report.dropped, 600u);
  ASSERT_EQ(report.removals.size(), 1u);
  EXPECT_NE(report.removals.front().find("entries 0 to 599 (entries_2026_11)"), std::string::npos);
  EXPECT_EQ(report.entries, 650u);
  open();
  EXPECT_EQ(sequencer_->size(), 650u);
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 1)))->through, 651u);
}

TEST_F(VerifyTest, FindsEntriesThatWereTakenAwayAsIfByRetention) {
  const std::string move =
      "INSERT INTO audit.dropped_leaves SELECT index, leaf_hash, source, epoch, sequence, head FROM audit.entries "
      "WHERE index = 77; DELETE FROM audit.entries WHERE index = 77";
  tamper(move);
  auto report = verified();
  expect_found(report, {{"retention", "entry 77: its bytes are gone as if by retention"}});
  EXPECT_EQ(report.dropped, 1u);
  tamper("INSERT INTO audit.dropped (first, last, partition) VALUES (77, 77, 'entries_2026_11')");
  report = verified();
  EXPECT_EQ(report.problem_count, 599u) << "the rest of that month is still there";
  EXPECT_EQ(report.problems.front().where, "retention");
  EXPECT_EQ(report.problems.front().operation, "operation-0");
  tamper("UPDATE audit.dropped SET partition = 'entries_2026_10', first = 10, last = 20");
  expect_found(verified(), {{"retention", "entry 77: its bytes are gone"}, {"retention", "entries 10 to 20"}});
}

TEST_F(VerifyTest, FindsColumnsThatWereBlankedAsIfQuarantined) {
  const std::string blank =
      "UPDATE audit.entries SET quarantined = true, time = NULL, type = NULL, subject = NULL, session_id = NULL, "
      "operation_id = NULL, principal = NULL, decision = NULL, service = NULL, operation = NULL WHERE index = 5";
  tamper(blank);
  auto report = verified();
  expect_found(report, {{"quarantine", "entry 5: its columns are left out, and the quarantine does not say why"}});
  EXPECT_EQ(report.problems.front().type, record::type::kOperationIntended);
  EXPECT_EQ(report.problems.front().operation, "operation-5");
  tamper("INSERT INTO audit.quarantine VALUES (5, 'nothing to see'), (6, 'nor here')");
  report = verified();
  expect_found(report, {{"quarantine", "entry 6: the quarantine names it"}});
  ASSERT_EQ(report.quarantine.size(), 1u) << "named even with a reason beside it";
  EXPECT_EQ(report.quarantine.front().index, 5);
  EXPECT_EQ(report.quarantine.front().operation, "operation-5");
  EXPECT_EQ(report.quarantine.front().reason, "nothing to see");
}

TEST_F(VerifyTest, FindsSourcesThatNeverBeganAndKeysOfAnother) {
  tamper("INSERT INTO audit.sources VALUES ('gateway-2', 1, 'key-of-gateway-2', now())");
  expect_found(verified(), {{"source", "gateway-2 is recorded to have begun epoch 1"}});
  tamper("DELETE FROM audit.sources");
  expect_found(verified(), {{"source", "entries of source gateway-1 epoch 1, which never began"}});
  tamper("INSERT INTO audit.sources VALUES ('gateway-1', 1, 'key-of-masker-1', now())");
  auto known = options();
  known.key_names = {{"key-of-gateway-1", "gateway-1"}, {"key-of-masker-1", "masker-1"}};
  const auto report = verify::verify(known);
  ASSERT_TRUE(report.has_value());
  expect_found(*report, {{"source", "began with the key of another"}});
}

TEST_F(VerifyTest, FindsViewsFunctionsTriggersAndIndexesThatAreNotTheSchemas) {
  struct Case {
    const char* change;
    const char* found;
  };
  const Case cases[] = {
      {"CREATE OR REPLACE VIEW audit.denials AS SELECT e.time, e.operation_id, e.session_id, e.principal, e.role_arn, "
       "e.service, e.operation, e.region, e.decision, e.code, e.reason, e.policy, e.statement, e.status, e.source_ip, "
       "e.user_agent, e.index FROM audit.entries e WHERE e.type = 'holdpoint.operation.refused' AND "
       "e.principal <> 'local:mallory'",
       "the view audit.denials was exchanged"},
      {"DROP VIEW audit.findings", "the view audit.findings is gone"},
      {"CREATE OR REPLACE FUNCTION audit.event(bytes bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT "
       "NULL::jsonb'",
       "the function audit.event was exchanged"},
      {"ALTER TABLE audit.checkpoints DISABLE TRIGGER no_change", "audit.checkpoints, no_change"},
      {"ALTER TABLE audit.entries ENABLE ROW LEVEL SECURITY", "audit.entries: row security"},
      {"CREATE RULE nothing AS ON INSERT TO audit.quarantine DO INSTEAD NOTHING", "audit.quarantine, nothing: a rule"},
      {"CREATE TRIGGER other BEFORE INSERT ON audit.nodes FOR EACH ROW EXECUTE FUNCTION audit.refuse()",
       "audit.nodes, other: a trigger"},
      {"DROP INDEX audit.entries_2026_11_index_once", "audit.entries_2026_11: nothing there refuses a second row"}};
  for (const Case& one : cases) {
    sql("postgres", one.change);
    const auto report = verified();
    ASSERT_EQ(report.problem_count, 1u) << one.change << report.problems.back().text;
    EXPECT_EQ(report.problems.front().where, "schema");
    EXPECT_NE(report.problems.front().text.find(one.found), std::string::npos) << report.problems.front().text;
    sql("postgres",
        "ALTER TABLE audit.checkpoints ENABLE TRIGGER no_change; ALTER TABLE audit.entries DISABLE ROW LEVEL SECURITY; "
        "DROP RULE IF EXISTS nothing ON audit.quarantine; DROP TRIGGER IF EXISTS other ON audit.nodes");
    ASSERT_TRUE(migrate(dsn("postgres")).has_value());
    EXPECT_TRUE(verified().intact()) << "migrating makes it anew";
  }
}

TEST_F(VerifyTest, DoesNotJudgeTheViewsOfAnotherVersionAndSaysSo) {
  sql("postgres", "INSERT INTO audit.schema_version (version) VALUES (999); DROP VIEW audit.findings");
  const auto report = verified();
  EXPECT_TRUE(report.intact());
  EXPECT_NE(report.notes.back().find("schema is of version 999"), std::string::npos);
}

TEST_F(VerifyTest, NotesASourceThatLostItsJournalAndEntriesThatNoCheckpointCovers) {
  gateway_.begin_epoch(2);
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 4)))->through, 4u);
  const auto report = verified();
  EXPECT_TRUE(report.intact());
  ASSERT_EQ(report.notes.size(), 2u);
  EXPECT_NE(report.notes[0].find("began epoch 2 at entry 600"), std::string::npos);
  EXPECT_NE(report.notes[1].find("4 entries lie beyond"), std::string::npos);
}

}  // namespace
}  // namespace holdpoint::auditor
