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
  std::string early_;
  std::string late_;
};

TEST_F(VerifyTest, NamesTheEntryOfOneAlteredByte) {
  tamper("UPDATE audit.entries SET bytes = set_byte(bytes, 200, get_byte(bytes, 200) # 1) WHERE index = 123");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 123u);
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
  EXPECT_EQ(report.problems.front().index, 599u);
  EXPECT_EQ(report.problems.front().where, "source");
}

TEST_F(VerifyTest, FindsARewrittenEntryWhoseHashWasRewrittenToo) {
  tamper(
      "UPDATE audit.entries SET bytes = replace(convert_from(bytes, 'UTF8'), 'GetItem', 'PutItem')::bytea, "
      "operation = 'PutItem' WHERE index = 300");
  tamper("UPDATE audit.entries SET leaf_hash = sha256('\\x00'::bytea || bytes) WHERE index = 300");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 300u);
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
  tamper("UPDATE audit.entries SET index = CASE index WHEN 5 THEN 6 ELSE 5 END WHERE index IN (5, 6)");
  const auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.problems.front().index, 5u);
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
  EXPECT_EQ(report.entries, 650u);
  open();
  EXPECT_EQ(sequencer_->size(), 650u);
  EXPECT_EQ(submit(gateway_.next(events_of("gateway-1", 1)))->through, 651u);
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
