#include "bus/journal/journal.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/support/faulty_directory.hpp"

namespace holdpoint::journal {
namespace {

using testing::Disk;
using testing::FaultyDirectory;

JournalOptions small_options() {
  JournalOptions options;
  options.spool = {.segment_bytes = 4000, .bytes_max = 1 << 20, .retain_bytes = 0, .epoch_if_new = 7};
  options.retry_after = std::chrono::milliseconds(20);
  return options;
}

Result<Position> append(Journal& journal, Bytes entry) {
  std::promise<Result<Position>> promise;
  auto future = promise.get_future();
  journal.append(std::move(entry), [&promise](Result<Position> result) { promise.set_value(std::move(result)); });
  return future.get();
}

TEST(Journal, GivesEachEntryOfManyThreadsOnePositionAndReadsThemBackInOrder) {
  Disk disk;
  auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), small_options()).value();
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::vector<std::pair<std::uint64_t, Bytes>>> placed(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Bytes entry = std::to_string(t) + "/" + std::to_string(i);
        const auto position = append(*journal, entry);
        placed[static_cast<std::size_t>(t)].emplace_back(position.value().sequence, entry);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::uint64_t, Bytes> by_sequence;
  for (const auto& list : placed) by_sequence.insert(list.begin(), list.end());
  ASSERT_EQ(by_sequence.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(by_sequence.rbegin()->first, by_sequence.size());

  auto reader = journal->reader();
  Hash head{};
  std::uint64_t next = 1;
  while (next <= by_sequence.size()) {
    const auto chunk = reader.read(next, 37, 1 << 20);
    ASSERT_TRUE(chunk.has_value()) << chunk.error().context;
    ASSERT_FALSE(chunk->entries.empty());
    EXPECT_EQ(chunk->previous, head);
    for (const Bytes& entry : chunk->entries) {
      EXPECT_EQ(entry, by_sequence[next++]);
      head = record::next_head(head, entry);
    }
    EXPECT_EQ(chunk->head, head);
  }
  EXPECT_TRUE(reader.read(next, 10, 1000)->entries.empty());
  EXPECT_EQ(reader.read(5, 3, 1000)->entries.front(), by_sequence[5]) << "reading backwards begins anew";
}

TEST(Journal, LetsAReaderFollowTheWriterEntryByEntry) {
  Disk disk;
  JournalOptions options = small_options();
  options.spool.segment_bytes = 100000;  // read ahead of the writer as a whole
  auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), options).value();
  auto reader = journal->reader();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(append(*journal, "entry " + std::to_string(i)).has_value());
    const auto chunk = reader.read(i, 10, 1000);
    ASSERT_TRUE(chunk.has_value()) << chunk.error().context;
    ASSERT_EQ(chunk->entries, (std::vector<Bytes>{"entry " + std::to_string(i)}));
  }
}

TEST(Journal, AnswersNotDurableWhileTheDiskFailsAndHealsByItself) {
  Disk disk;
  auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), small_options()).value();
  ASSERT_TRUE(append(*journal, "before").has_value());
  disk.fail_at = disk.operations + 1;
  disk.fail_forever = true;
  EXPECT_EQ(append(*journal, "lost").error().code, Code::not_durable);
  EXPECT_TRUE(journal->status().failed);
  EXPECT_EQ(append(*journal, "lost too").error().code, Code::not_durable);
  disk.fail_at = UINT64_MAX;
  for (int i = 0; i < 200 && journal->status().failed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto position = append(*journal, "after");
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->sequence, 2u);
  auto reader = journal->reader();
  EXPECT_EQ(reader.read(1, 10, 1000)->entries, (std::vector<Bytes>{"before"}));
  EXPECT_EQ(reader.read(2, 10, 1000)->entries, (std::vector<Bytes>{"after"}));
}

TEST(Journal, BoundsItsQueueAndItsEntries) {
  Disk disk;
  JournalOptions options = small_options();
  options.queue_bytes_max = 100;
  auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), options).value();
  EXPECT_EQ(append(*journal, Bytes(101, 'x')).error().code, Code::overloaded);
  EXPECT_EQ(append(*journal, Bytes()).error().code, Code::malformed);
  EXPECT_EQ(append(*journal, Bytes(record::kEntryBytesMax + 1, 'x')).error().code, Code::too_large);
  EXPECT_TRUE(append(*journal, Bytes(100, 'x')).has_value());
}

TEST(Journal, CallsWaitersWhenTheLogHasTheirEntryAndNotForAnotherEpoch) {
  Disk disk;
  auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), small_options()).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(*journal, "entry").has_value());
  std::vector<std::uint64_t> heard;
  for (std::uint64_t sequence : {2, 3}) {
    journal->when_acknowledged({7, sequence}, [&](const Result<Position>& p) { heard.push_back(p->sequence); });
  }
  journal->acknowledge({6, 3});
  journal->acknowledge({8, 3});
  EXPECT_TRUE(heard.empty());
  journal->acknowledge({7, 2});
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{2}));
  journal->when_acknowledged({7, 1}, [&](const Result<Position>& p) { heard.push_back(p->sequence); });
  EXPECT_EQ(heard.back(), 1u) << "already in the log";
  journal->acknowledge({7, 1000});
  EXPECT_EQ(journal->status().acknowledged, 3u) << "never beyond what was written";
}

TEST(Journal, WritesWhatIsQueuedBeforeItCloses) {
  Disk disk;
  std::atomic<int> done = 0;
  {
    auto journal = Journal::open(std::make_unique<FaultyDirectory>(disk), small_options()).value();
    for (int i = 0; i < 100; ++i) {
      journal->append("entry", [&](const Result<Position>& position) { done += position.has_value(); });
    }
  }
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace holdpoint::journal
