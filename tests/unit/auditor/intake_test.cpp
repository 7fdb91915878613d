#include "auditor/intake.hpp"

#include <gtest/gtest.h>

#include "tests/unit/auditor/log_fixture.hpp"

namespace holdpoint::auditor {
namespace {

Result<std::optional<Hash>> knows_nothing(const std::string&, record::Position) { return std::optional<Hash>(); }

class Intake : public ::testing::Test {
 protected:
  Intake() { source_.add_to(keys_); }
  Result<Verdict> check(const Submitted& one, const SourceMark& mark = {}, const HeadLookup& lookup = knows_nothing) {
    return check_submission(one.submission, kDeployment, one.sender_key_id, keys_, mark, lookup);
  }
  static SourceMark after(const Submitted& one) {
    return {one.submission.epoch, one.submission.last(), one.submission.head};
  }
  Source source_{"gateway-1"};
  SourceKeys keys_;
};

TEST_F(Intake, TakesWhatContinuesTheChain) {
  const Submitted first = source_.next({"a", "b"});
  EXPECT_EQ(check(first)->skip, 0u);
  EXPECT_EQ(check(source_.next({"c"}), after(first))->heads.size(), 1u);
}

TEST_F(Intake, TakesOnlyTheKeyOfTheSourceThatIsNamed) {
  Submitted one = source_.next({"a"});
  one.sender_key_id = "key-of-nobody";
  EXPECT_EQ(check(one).error().code, Code::denied);
  Source other("gateway-2");
  other.add_to(keys_);
  one.sender_key_id = other.key_id();
  EXPECT_EQ(check(one).error().code, Code::denied) << "another process's key";
}

TEST_F(Intake, RefusesAnythingThatTheSignatureDoesNotCover) {
  const Submitted good = source_.next({"a", "b"});
  for (int change = 0; change < 6; ++change) {
    Submitted bad = good;
    record::Submission& submission = bad.submission;
    if (change == 0) submission.signature[5] ^= 1;
    if (change == 1) submission.entries[1] = "B";
    if (change == 2) submission.entries.pop_back();
    if (change == 3) submission.epoch = 2;
    if (change == 4) submission.head[0] ^= 1;
    if (change == 5) submission.previous[0] ^= 1;
    EXPECT_EQ(check(bad).error().code, Code::tampered) << change;
  }
  EXPECT_EQ(check_submission(good.submission, "another deployment", good.sender_key_id, keys_, {}, knows_nothing)
                .error()
                .code,
            Code::tampered);
}

TEST_F(Intake, SkipsWhatTheLogHasAndNamesTheSequenceThatAGapLacks) {
  const Submitted first = source_.next({"a", "b", "c"});
  EXPECT_EQ(check(first, after(first))->skip, 3u) << "the whole submission again";
  const Submitted second = source_.next({"d"});
  const Submitted third = source_.next({"e"});
  const auto gap = check(third, after(first));
  EXPECT_EQ(gap.error().code, Code::conflict);
  EXPECT_NE(gap.error().context.find("expected sequence 4"), std::string::npos) << gap.error().context;

  Submitted wide = first;  // a, b, c again, then d
  wide.submission.entries.push_back("d");
  wide.submission.head = second.submission.head;
  source_.sign(wide.submission);
  EXPECT_EQ(check(wide, after(first))->skip, 3u);
}

TEST_F(Intake, RefusesAnotherHistoryUnderTheSameSequences) {
  const Submitted first = source_.next({"a", "b"});
  Source twin = source_;
  twin.begin_epoch(1);
  const Submitted forged = twin.next({"a", "B"});
  EXPECT_EQ(check(forged, after(first)).error().code, Code::conflict);
  const Submitted shorter = [&] {
    Source again = source_;
    again.begin_epoch(1);
    return again.next({"A"});
  }();
  const HeadLookup lookup = [&](const std::string&, record::Position position) -> Result<std::optional<Hash>> {
    EXPECT_EQ(position.sequence, 1u);
    return std::optional<Hash>(record::next_head(Hash{}, "a"));
  };
  EXPECT_EQ(check(shorter, after(first), lookup).error().code, Code::conflict);
  EXPECT_EQ(check(shorter, after(first)).error().code, Code::conflict) << "nothing stored there";
  Submitted fork = twin.next({"c"});
  EXPECT_EQ(check(fork, after(first)).error().code, Code::conflict) << "continues a chain that the log does not have";
}

TEST_F(Intake, BeginsANewerEpochAtOneAndNeverReturnsToAnOlder) {
  const Submitted old = source_.next({"a"});
  const Submitted old_next = source_.next({"b"});
  source_.begin_epoch(9);
  const Submitted fresh = source_.next({"x"});
  EXPECT_EQ(check(fresh, after(old))->skip, 0u);
  EXPECT_EQ(check(source_.next({"y"}), after(old)).error().code, Code::conflict) << "must begin at 1";
  EXPECT_EQ(check(old_next, after(fresh)).error().code, Code::stale);
}

}  // namespace
}  // namespace holdpoint::auditor
