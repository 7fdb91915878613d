#include "bus/journal/spool.hpp"

#include <gtest/gtest.h>

#include "bus/journal/scanner.hpp"
#include "tests/support/faulty_directory.hpp"

namespace holdpoint::journal {
namespace {

using testing::Disk;
using testing::FaultyDirectory;

constexpr SpoolOptions kSmall{.segment_bytes = 400, .bytes_max = 1 << 20, .retain_bytes = 0, .epoch_if_new = 7};

/// Everything a fresh look at the disk finds.
std::vector<Bytes> entries_on(FaultyDirectory& directory, const Spool& spool) {
  std::vector<Bytes> all;
  for (const SegmentInfo& segment : spool.segments()) {
    Scanner scanner(directory.open(segment_name(segment.first)).value(), segment.first, segment.previous);
    while (scanner.sequence() < segment.first + segment.count) {
      auto entry = scanner.next().value();
      if (!entry) break;
      all.push_back(*entry);
    }
  }
  return all;
}

TEST(Spool, KeepsEntriesEpochAndHeadAcrossRestartsAndCountsBoots) {
  Disk disk;
  FaultyDirectory directory(disk);
  Hash head{};
  {
    auto spool = Spool::open(directory, kSmall).value();
    ASSERT_TRUE(spool.append({"one", "two"}).has_value());
    head = record::next_head(record::next_head(Hash{}, "one"), "two");
    EXPECT_EQ(spool.head(), head);
    EXPECT_EQ(spool.boot(), 1u);
  }
  SpoolOptions later = kSmall;
  later.epoch_if_new = 99;
  auto spool = Spool::open(directory, later).value();
  EXPECT_EQ(spool.epoch(), 7u);
  EXPECT_EQ(spool.boot(), 2u);
  EXPECT_EQ(spool.last(), 2u);
  EXPECT_EQ(spool.head(), head);
  EXPECT_EQ(entries_on(directory, spool), (std::vector<Bytes>{"one", "two"}));
}

TEST(Spool, KeepsWhatIsStillNeededThoughItIsAcknowledged) {
  Disk disk;
  FaultyDirectory directory(disk);
  auto spool = Spool::open(directory, kSmall).value();
  std::uint64_t needed = 3;
  spool.keep_from([&] { return needed; });
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(spool.append({Bytes(200, 'x')}).has_value());
  spool.forget(12);
  EXPECT_LE(spool.oldest(), 3u);
  needed = 8;
  spool.forget(12);
  EXPECT_GT(spool.oldest(), 3u);
  EXPECT_LE(spool.oldest(), 8u);
  needed = UINT64_MAX;
  spool.forget(12);
  EXPECT_GT(spool.oldest(), 8u);
}

TEST(Spool, AtTheBoundRoomComesBeforeWhatIsStillNeeded) {
  Disk disk;
  FaultyDirectory directory(disk);
  SpoolOptions options = kSmall;
  options.bytes_max = 2000;
  auto spool = Spool::open(directory, options).value();
  spool.keep_from([] { return std::uint64_t{1}; });
  std::uint64_t written = 0;
  while (spool.append({Bytes(200, 'x')}).has_value()) ++written;
  ASSERT_GT(written, 2u);
  spool.forget(written);
  EXPECT_EQ(spool.oldest(), 1u);
  EXPECT_TRUE(spool.append({Bytes(200, 'x')}).has_value());
  EXPECT_GT(spool.oldest(), 1u);
}

TEST(Spool, RollsSegmentsTakesEntriesLargerThanASegmentAndWritesShort) {
  Disk disk;
  disk.write_bytes_max = 13;
  FaultyDirectory directory(disk);
  std::vector<Bytes> written;
  {
    auto spool = Spool::open(directory, kSmall).value();
    for (int i = 0; i < 20; ++i) {
      written.push_back(Bytes(static_cast<std::size_t>(i == 7 ? 5000 : 40 + i), static_cast<char>('a' + i)));
      ASSERT_TRUE(spool.append({written.back()}).has_value());
    }
    EXPECT_GT(spool.segments().size(), 5u);
  }
  auto spool = Spool::open(directory, kSmall).value();
  EXPECT_EQ(entries_on(directory, spool), written);
}

/// Runs a workload until the disk stops at one operation, then reboots and looks.
void crash_at(std::uint64_t operation, Disk::Keep keep, bool& finished) {
  SCOPED_TRACE("operation " + std::to_string(operation) + ", keep " + std::to_string(static_cast<int>(keep)));
  Disk disk;
  disk.fail_at = operation;
  disk.fail_forever = true;
  std::vector<Bytes> acknowledged;
  std::vector<Bytes> attempted;
  {
    FaultyDirectory directory(disk);
    auto spool = Spool::open(directory, kSmall);
    for (int i = 0; spool && i < 12; ++i) {
      const std::vector<Bytes> batch{Bytes(50, static_cast<char>('a' + i)), Bytes(30, static_cast<char>('A' + i))};
      attempted = acknowledged;
      attempted.insert(attempted.end(), batch.begin(), batch.end());
      if (!spool->append(batch)) break;
      acknowledged = attempted;
    }
    finished = disk.operations < operation;
  }
  disk.crash(keep);
  FaultyDirectory directory(disk);
  for (int boot = 0; boot < 2; ++boot) {  // what recovery decided must itself survive
    auto spool = Spool::open(directory, kSmall);
    ASSERT_TRUE(spool.has_value()) << spool.error().context;
    const std::vector<Bytes> found = entries_on(directory, *spool);
    ASSERT_GE(found.size(), acknowledged.size());
    ASSERT_LE(found.size(), attempted.size());
    ASSERT_TRUE(std::equal(found.begin(), found.end(), attempted.begin()));
    ASSERT_TRUE(spool->append({"after " + std::to_string(boot)}).has_value());
    acknowledged = attempted = found;
    acknowledged.push_back("after " + std::to_string(boot));
    attempted = acknowledged;
    disk.crash(Disk::Keep::synced);
  }
}

TEST(Spool, LosesNothingAcknowledgedWhereverTheMachineStops) {
  for (const Disk::Keep keep : {Disk::Keep::synced, Disk::Keep::all, Disk::Keep::torn}) {
    bool finished = false;
    for (std::uint64_t operation = 1; !finished; ++operation) {
      ASSERT_LT(operation, 500u);
      crash_at(operation, keep, finished);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Spool, GoesOnAfterAnyOneFailureAndNeverCountsAFailedBatch) {
  for (std::uint64_t operation = 8; operation < 60; ++operation) {
    SCOPED_TRACE(operation);
    Disk disk;
    FaultyDirectory directory(disk);
    auto spool = Spool::open(directory, kSmall).value();
    disk.fail_at = operation;
    std::vector<Bytes> acknowledged;
    for (int i = 0; i < 12; ++i) {
      const Bytes entry(60, static_cast<char>('a' + i));
      if (spool.append({entry})) {
        acknowledged.push_back(entry);
      } else if (spool.failed()) {
        EXPECT_EQ(spool.append({"refused"}).error().code, Code::not_durable);
        ASSERT_TRUE(spool.recover().has_value());
      }
    }
    EXPECT_EQ(spool.last(), acknowledged.size());
    EXPECT_EQ(entries_on(directory, spool), acknowledged);
    disk.crash(Disk::Keep::all);
    auto reopened = Spool::open(directory, kSmall).value();
    EXPECT_EQ(entries_on(directory, reopened), acknowledged);
  }
}

TEST(Spool, RefusesToOpenOverDamageBeforeTheTailAndOverAMissingSegment) {
  const auto fill = [](Disk& disk) {
    FaultyDirectory directory(disk);
    auto spool = Spool::open(directory, kSmall).value();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(spool.append({Bytes(90, 'x')}).has_value());
    ASSERT_GE(disk.names.size(), 3u);
  };
  {
    Disk disk;
    fill(disk);
    disk.names.begin()->second->content[kHeaderBytes + 20] ^= 1;
    FaultyDirectory directory(disk);
    EXPECT_EQ(Spool::open(directory, kSmall).error().code, Code::tampered);
  }
  {
    Disk disk;
    fill(disk);
    disk.names.begin()->second->content[20] ^= 1;  // a header
    FaultyDirectory directory(disk);
    EXPECT_EQ(Spool::open(directory, kSmall).error().code, Code::tampered);
  }
  {
    Disk disk;
    fill(disk);
    disk.names.erase(std::next(disk.names.begin()));
    FaultyDirectory directory(disk);
    EXPECT_EQ(Spool::open(directory, kSmall).error().code, Code::tampered);
  }
}

TEST(Spool, AnswersNotDurableWhenFullAndTakesEntriesAgainOnceSomeAreForgotten) {
  Disk disk;
  FaultyDirectory directory(disk);
  SpoolOptions options = kSmall;
  options.bytes_max = 1500;
  options.retain_bytes = 1500;
  auto spool = Spool::open(directory, options).value();
  Result<void> last;
  std::uint64_t taken = 0;
  while ((last = spool.append({Bytes(100, 'x')}))) ++taken;
  EXPECT_EQ(last.error().code, Code::not_durable);
  EXPECT_FALSE(spool.failed());
  EXPECT_LE(spool.bytes(), 1500u);
  spool.forget(taken / 2);
  EXPECT_TRUE(spool.append({Bytes(100, 'x')}).has_value());
  EXPECT_GT(spool.oldest(), 1u);
  EXPECT_EQ(spool.last(), taken + 1);
}

TEST(Spool, ForgetsWholeSegmentsOnlyAndNeverTheOneItWritesTo) {
  Disk disk;
  FaultyDirectory directory(disk);
  auto spool = Spool::open(directory, kSmall).value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(spool.append({Bytes(90, 'x')}).has_value());
  spool.forget(4);
  EXPECT_LE(spool.oldest(), 5u);
  EXPECT_GT(spool.oldest(), 1u);
  spool.forget(10);
  EXPECT_EQ(spool.segments().size(), 1u);
  const std::uint64_t oldest = spool.oldest();
  auto reopened = Spool::open(directory, kSmall).value();
  EXPECT_EQ(reopened.oldest(), oldest);
  EXPECT_EQ(reopened.last(), 10u);
}

TEST(Spool, HealsWhenAFullDiskHasSpaceAgain) {
  Disk disk;
  disk.bytes_max = 1000;
  FaultyDirectory directory(disk);
  auto spool = Spool::open(directory, kSmall).value();
  std::uint64_t taken = 0;
  while (spool.append({Bytes(100, 'x')})) ++taken;
  disk.bytes_max = 100000;
  if (spool.failed()) {
    ASSERT_TRUE(spool.recover().has_value());
  }
  EXPECT_TRUE(spool.append({"more"}).has_value());
  EXPECT_EQ(spool.last(), taken + 1);
}

TEST(Spool, NeedsADirectoryOfItsOwn) {
  const auto path = std::filesystem::temp_directory_path() / ("holdpoint-spool-" + to_hex(random_bytes(6)));
  {
    auto directory = open_directory(path);
    ASSERT_TRUE(directory.has_value());
    EXPECT_EQ(open_directory(path).error().code, Code::conflict);
    auto spool = Spool::open(**directory, kSmall).value();
    EXPECT_TRUE(spool.append({"real bytes"}).has_value());
  }
  {
    auto directory = open_directory(path);
    EXPECT_EQ(Spool::open(**directory, kSmall).value().last(), 1u);
  }
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace holdpoint::journal
