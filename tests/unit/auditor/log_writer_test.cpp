// The log's writer over a real PostgreSQL whose administrator is the attacker: what it kept on its own disk decides.
#include "auditor/log_writer.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "tests/unit/auditor/log_fixture.hpp"

namespace holdpoint::auditor {
namespace {

namespace fs = std::filesystem;

/// No file of this process takes more than a few bytes, while it lives.
class FullDisk {
 public:
  FullDisk() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit few = before_;
    few.rlim_cur = 10;
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &few);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

class LogWriterTest : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    directory_ = fs::path(::testing::TempDir()) / ("holdpoint-checkpoints-" + std::to_string(::getpid()) + database_);
    fs::remove_all(directory_);
    ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 300)))->through, 300u);
    checkpoint_into(auditor_key_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  Checkpointer checkpointer(const SigningKey& key) {
    return {*store_, record::log_origin(kDeployment), key, directory_, {}};
  }
  void checkpoint_into(const SigningKey& key) {
    ASSERT_TRUE(checkpointer(key).make(sequencer_->size(), sequencer_->root(), now_).has_value());
  }
  void release() {
    sequencer_.reset();
    store_.reset();
  }
  /// What an auditor that starts now says first: "writing", or why not.
  std::string starts_with_key(const SigningKey& key) {
    release();
    std::promise<std::string> said;
    bool spoken = false;  // on the writer's thread
    const auto say = [&](const std::string& word) {
      if (!std::exchange(spoken, true)) said.set_value(word);
    };
    LogWriterEvents events;
    events.writing = [&] { say("writing"); };
    events.trouble = [&](const Error& why) {
      // The lock of the one before is given back only once its session has ended.
      if (why.code != Code::conflict) say(std::string(name(why.code)) + ": " + why.context);
    };
    auto word = said.get_future();
    LogWriter writer(postgres_log_store(dsn("holdpoint_writer")), kDeployment, key, directory_, std::move(events));
    writer.start();
    return word.get();
  }
  std::string starts() { return starts_with_key(auditor_key_); }
  /// The whole log written anew by somebody who has every right in the database and the sources' help.
  void rewrite(int entries) {
    tamper(
        "DELETE FROM audit.entries; DELETE FROM audit.nodes; DELETE FROM audit.sources; "
        "DELETE FROM audit.checkpoints");
    Source forger("gateway-1");
    forger.add_to(keys_);
    Result<void> opened = fail(Code::conflict, "");
    for (int tries = 0; !opened && tries < 100; ++tries) {  // until the lock of the one before is free
      release();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      store_ = postgres_log_store(dsn("holdpoint_writer"));
      sequencer_ = std::make_unique<Sequencer>(*store_, kDeployment);
      opened = sequencer_->open();
    }
    ASSERT_TRUE(opened.has_value()) << opened.error().context;
    ASSERT_EQ(submit(forger.next(events_of("gateway-1", entries)))->through, static_cast<std::uint64_t>(entries));
  }
  fs::path directory_;
};

TEST_F(LogWriterTest, ContinuesTheLogThatItSigned) {
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 900)))->through, 1200u);
  EXPECT_EQ(starts(), "writing");
}

TEST_F(LogWriterTest, WritesNothingIntoALogWhoseHistoryWasRewritten) {
  rewrite(1200);
  EXPECT_NE(starts().find("tampered: the first 300 entries are not those of the checkpoint that it kept in"),
            std::string::npos);
}

TEST_F(LogWriterTest, WritesNothingIntoALogThatEndsBeforeWhatItSigned) {
  rewrite(299);
  EXPECT_NE(starts().find("tampered: the log ends at 299"), std::string::npos);
}

TEST_F(LogWriterTest, WritesNothingUnderATreeWhoseUpperNodesWereExchanged) {
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 900)))->through, 1200u);
  tamper("UPDATE audit.nodes SET hash = sha256('x') WHERE level = 10");
  EXPECT_NE(starts().find("tampered: the log's tree does not continue"), std::string::npos);
}

TEST_F(LogWriterTest, TakesTheNewestCheckpointThatIsItsOwnAndNoneOfAForeignKey) {
  std::ofstream(directory_ / "latest", std::ios::trunc) << "";  // as a full disk left it
  EXPECT_EQ(starts(), "writing") << "that of the hour holds";
  rewrite(1200);
  EXPECT_NE(starts().find("tampered"), std::string::npos);
  EXPECT_NE(starts_with_key(SigningKey::generate()).find("is signed by this auditor"), std::string::npos);
  fs::remove_all(directory_);
  EXPECT_EQ(starts(), "writing") << "an operator who moved the checkpoints away has decided";
}

TEST_F(LogWriterTest, SignsNoRowThatSomebodyPutWhereItsOwnBelongs) {
  sql("holdpoint_writer",
      "INSERT INTO audit.entries (index, received_at, source, epoch, sequence, leaf_hash, head, bytes, quarantined) "
      "VALUES (300, '2026-11-02', 'gateway-1', 1, 301, sha256('x'), sha256('x'), 'x', false)");
  const Submitted next = gateway_.next(events_of("gateway-1", 1));
  for (int tries = 0; tries < 2; ++tries) {
    const auto answer = submit(next);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().code, Code::unavailable);
    EXPECT_NE(answer.error().context.find("another hand"), std::string::npos) << answer.error().context;
  }
  EXPECT_EQ(sequencer_->size(), 300u);
}

TEST_F(LogWriterTest, KeepsTheCheckpointThatStandsWhenTheDiskIsFullAndSaysSo) {
  const auto kept = [&] {
    std::ostringstream note;
    note << std::ifstream(directory_ / "latest").rdbuf();
    return note.str();
  };
  const std::string before = kept();
  ASSERT_FALSE(before.empty());
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 1)))->through, 301u);
  Checkpointer maker = checkpointer(auditor_key_);
  {
    const FullDisk full;
    ASSERT_TRUE(maker.make(301, sequencer_->root(), now_).has_value()) << "the table has it";
  }
  EXPECT_NE(maker.trouble().find("cannot be written"), std::string::npos) << maker.trouble();
  EXPECT_EQ(kept(), before);
  ASSERT_EQ(submit(gateway_.next(events_of("gateway-1", 1)))->through, 302u);
  ASSERT_TRUE(maker.make(302, sequencer_->root(), now_).has_value());
  EXPECT_EQ(maker.trouble(), "");
  EXPECT_NE(kept(), before);
}

}  // namespace
}  // namespace holdpoint::auditor
