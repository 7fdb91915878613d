// Sources with journals, an auditor that crashes, commits that fail before or after they took effect, submissions lost
// or sent twice: under any seed nothing acknowledged is lost, no index is missing, nothing stands twice.
#include <gtest/gtest.h>

#include <random>

#include "auditor/sequencer.hpp"
#include "bus/journal/scanner.hpp"
#include "bus/journal/spool.hpp"
#include "tests/support/faulty_directory.hpp"

namespace holdpoint::auditor {
namespace {

using testing::Disk;
using testing::FaultyDirectory;

constexpr const char* kDeployment = "d";

/// The log in memory; what survives a crash of the auditor.
struct Table {
  std::vector<Row> rows;
  std::map<NodeId, Hash> nodes;
};

class MemoryLogStore final : public LogStore {
 public:
  MemoryLogStore(Table& table, std::mt19937_64& random, int& before, int& after, bool& faults)
      : table_(table), random_(random), before_(before), after_(after), faults_(faults) {}

  Result<LogState> open() override {
    LogState state;
    state.size = table_.rows.size();
    for (const Row& row : table_.rows) {
      state.marks[row.source] = {row.position.epoch, row.position.sequence, row.head};
    }
    open_ = true;
    return state;
  }
  Result<void> commit(const Batch& batch) override {
    HOLDPOINT_INVARIANT(open_);
    const auto chance = faults_ ? random_() % 8 : 7;
    if (chance == 0) return broken(before_);
    for (const Row& row : batch.rows) {
      EXPECT_EQ(row.index, table_.rows.size());
      table_.rows.push_back(row);
    }
    for (const Node& node : batch.nodes) table_.nodes[node.id] = node.hash;
    if (chance == 1) return broken(after_);
    return {};
  }
  Result<Hash> node(NodeId id) override {
    if (id.level >= kStoredLevel) return table_.nodes.at(id);
    HashTree tree;
    std::vector<Node> completed;
    for (std::uint64_t i = id.index << id.level; i < (id.index + 1) << id.level; ++i) {
      tree.append(table_.rows.at(i).leaf, completed);
    }
    return tree.root();
  }
  Result<std::optional<Hash>> head_at(const std::string& source, record::Position position) override {
    for (const Row& row : table_.rows) {
      if (row.source == source && row.position == position) return std::optional<Hash>(row.head);
    }
    return std::optional<Hash>();
  }
  Result<void> add_checkpoint(std::uint64_t, const Hash&, const std::string&, Instant) override { return {}; }
  Result<StoredCheckpoint> last_checkpoint() override { return StoredCheckpoint{}; }

 private:
  Error broken(int& count) {
    ++count;
    open_ = false;
    return fail(Code::unavailable, "connection lost in a commit");
  }
  Table& table_;
  std::mt19937_64& random_;
  int& before_;
  int& after_;
  bool& faults_;
  bool open_ = false;
};

/// One process with a spool: appends, crashes, ships.
struct Process {
  explicit Process(std::string name_in) : name(std::move(name_in)) { boot(); }
  std::string name;
  Disk disk;
  FaultyDirectory directory{disk};
  std::unique_ptr<journal::Spool> spool;
  SigningKey key = SigningKey::generate();
  std::vector<Bytes> durable;  ///< acknowledged to whoever recorded
  int made = 0;
  record::Submission last;  ///< may be delivered again at any time

  void boot() {
    auto opened = journal::Spool::open(
        directory, {.segment_bytes = 2000, .bytes_max = 1 << 24, .retain_bytes = 1 << 24, .epoch_if_new = 5});
    ASSERT_TRUE(opened.has_value()) << opened.error().context;
    spool = std::make_unique<journal::Spool>(std::move(*opened));
  }
  void record_one() {
    const Bytes entry = name + "/" + std::to_string(made++);
    if (spool->append({entry})) durable.push_back(entry);
  }
  void crash() {
    disk.crash(Disk::Keep::synced);
    boot();
  }
  record::Submission from(std::uint64_t first, std::size_t count) {
    record::Submission submission;
    submission.source = name;
    submission.epoch = spool->epoch();
    submission.first = first;
    for (const auto& segment : spool->segments()) {
      journal::Scanner scanner(directory.open(journal::segment_name(segment.first)).value(), segment.first,
                               segment.previous);
      while (scanner.sequence() < segment.first + segment.count && submission.entries.size() < count) {
        if (scanner.sequence() == first) submission.previous = scanner.head();
        const bool wanted = scanner.sequence() >= first;
        auto entry = scanner.next().value();
        if (wanted) {
          submission.entries.push_back(*entry);
          submission.head = scanner.head();
        }
      }
    }
    submission.signature = key.sign(record::signature_text(kDeployment, submission));
    return submission;
  }
};

struct Seen {
  int before = 0, after = 0, crashes = 0, repeats = 0, acknowledged = 0;
};

void play(std::uint64_t seed, Seen& seen) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Table table;
  bool faults = true;
  std::unique_ptr<MemoryLogStore> store;
  std::unique_ptr<Sequencer> auditor;
  const auto restart = [&] {
    store = std::make_unique<MemoryLogStore>(table, random, seen.before, seen.after, faults);
    auditor = std::make_unique<Sequencer>(*store, kDeployment);
  };
  restart();
  Process one("gateway-1");
  Process two("gateway-2");
  SourceKeys keys;
  for (Process* process : {&one, &two}) keys["key " + process->name] = {process->name, process->key.public_key()};
  const auto ship = [&](Process& process) {
    const auto mark = auditor->position(process.name, "key " + process.name, keys);
    if (!mark) return;
    record::Submission submission = process.from(mark->through + 1, 1 + random() % 20);
    if (submission.entries.empty()) return;
    process.last = submission;
    const auto answer = auditor->submit({{submission, "key " + process.name}}, keys, Instant{}).front();
    if (answer) {
      ++seen.acknowledged;
      EXPECT_EQ(answer->through, submission.last());
    }
  };
  for (int step = 0; step < 300; ++step) {
    Process& process = random() % 2 == 0 ? one : two;
    const auto what = random() % 20;
    if (what < 10) process.record_one();
    if (what >= 10 && what < 16) ship(process);
    if (what == 16 && !process.last.entries.empty()) {
      ++seen.repeats;
      static_cast<void>(auditor->submit({{process.last, "key " + process.name}}, keys, Instant{}));
    }
    if (what == 17) {
      ++seen.crashes;
      restart();
    }
    if (what == 18) process.crash();
    if (what == 19) {
      process.disk.fail_at = process.disk.operations + 1 + random() % 4;  // some write or sync to come
      process.record_one();
      if (process.spool->failed()) static_cast<void>(process.spool->recover());
    }
  }
  faults = false;
  for (Process* process : {&one, &two}) {
    process->crash();
    for (int i = 0; i < 200; ++i) ship(*process);
  }
  // The checker: knows nothing but what was promised and what the log holds.
  std::map<std::string, std::vector<Bytes>> logged;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    ASSERT_EQ(table.rows[i].index, i);
    ASSERT_EQ(table.rows[i].position.sequence, logged[table.rows[i].source].size() + 1);
    logged[table.rows[i].source].push_back(table.rows[i].bytes);
  }
  for (const Process* process : {&one, &two}) {
    std::map<Bytes, int> times;
    for (const Bytes& entry : logged[process->name]) ++times[entry];
    for (const Bytes& entry : process->durable) ASSERT_EQ(times[entry], 1) << entry;
    for (const auto& [entry, count] : times) ASSERT_EQ(count, 1) << entry;
  }
}

TEST(Sequencer, LosesAndRepeatsNothingUnderAnySeed) {
  Seen seen;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    play(seed, seen);
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(seen.before, 5);
  EXPECT_GT(seen.after, 5);
  EXPECT_GT(seen.crashes, 15);
  EXPECT_GT(seen.repeats, 15);
  EXPECT_GT(seen.acknowledged, 200);
}

}  // namespace
}  // namespace holdpoint::auditor
