// The coroutine side: appending, shipping to a scripted auditor, recording.
#include "bus/journal/recorder.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/support/faulty_directory.hpp"

namespace holdpoint::journal {
namespace {

namespace asio = boost::asio;
using testing::Disk;
using testing::FaultyDirectory;

/// Keeps what is submitted, as a log would, and misbehaves as told.
struct ScriptedAuditor {
  Bytes public_key;
  std::uint64_t epoch = 0;
  std::vector<Bytes> log;
  Hash head{};
  int requests = 0;
  int lose_answers = 0;   ///< takes effect, but the answer never comes
  int lose_requests = 0;  ///< never arrives
  std::vector<std::string> streams;

  asio::awaitable<Result<wire::Message>> request(std::string service, wire::Message message, Instant,
                                                 std::string stream) {
    ++requests;
    EXPECT_EQ(service, "records");
    streams.push_back(stream);
    if (lose_requests > 0 && lose_requests-- > 0) co_return fail(Code::timed_out, "lost on the way");
    wire::Message answer;
    answer.type = "RecordsSequenced";
    if (message.type == "RecordsSubmitted") {
      const auto submission = record::submission_from_message(message);
      if (!submission) co_return submission.error();
      if (auto taken = take(*submission); !taken) co_return taken.error();
      if (lose_answers > 0 && lose_answers-- > 0) co_return fail(Code::timed_out, "no answer");
    }
    answer.body = Json{{"source", "gateway-1"}, {"epoch", epoch}, {"through", log.size()}};
    co_return answer;
  }

  Result<void> take(const record::Submission& submission) {
    EXPECT_TRUE(verify_ed25519(public_key, record::signature_text("d", submission), submission.signature));
    if (epoch == 0) epoch = submission.epoch;
    if (submission.first > log.size() + 1) return fail(Code::conflict, "gap");
    for (std::size_t i = 0; i < submission.entries.size(); ++i) {
      if (submission.first + i <= log.size()) continue;
      log.push_back(submission.entries[i]);
      head = record::next_head(head, submission.entries[i]);
    }
    EXPECT_EQ(head, submission.head);
    return {};
  }

  Request function() {
    return [this](std::string service, wire::Message message, Instant deadline, std::string stream) {
      return request(std::move(service), std::move(message), deadline, std::move(stream));
    };
  }
};

class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() { auditor_.public_key = key_.public_key(); }
  ~RecorderTest() override { std::filesystem::remove_all(path_); }

  void open(Durability durability = Durability::journal, RecorderOptions options = {}) {
    recorder_.reset();  // its directory is held by one at a time
    options.directory = path_;
    options.deployment = "d";
    options.source = "gateway-1";
    options.durability = durability;
    options.database_wait_max = std::chrono::milliseconds(500);
    recorder_ = Recorder::open(std::move(options), key_).value();
  }
  template <class Coroutine>
  void run(Coroutine coroutine) {
    std::exception_ptr failure;
    asio::co_spawn(context_, std::move(coroutine), [&](std::exception_ptr thrown) { failure = thrown; });
    context_.restart();
    context_.run();
    if (failure) std::rethrow_exception(failure);
  }
  asio::awaitable<void> pause(int ms) {
    asio::steady_timer timer(context_, std::chrono::milliseconds(ms));
    co_await timer.async_wait(asio::use_awaitable);
  }
  asio::awaitable<void> shipped(std::size_t count) {
    for (int i = 0; i < 300 && auditor_.log.size() < count; ++i) co_await pause(10);
    EXPECT_EQ(auditor_.log.size(), count);
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("holdpoint-recorder-" + to_hex(random_bytes(6)));
  SigningKey key_ = SigningKey::generate();
  ScriptedAuditor auditor_;
  asio::io_context context_;
  std::unique_ptr<Recorder> recorder_;
};

TEST_F(RecorderTest, RecordsEventsAndShipsThemInOrder) {
  open();
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    for (int i = 0; i < 20; ++i) {
      Json data{{"n", i}};
      const auto position =
          co_await seat.record(record::type::kOperationIntended, "o" + std::to_string(i), std::move(data));
      EXPECT_EQ(position.value().sequence, static_cast<std::uint64_t>(i + 1));
    }
    recorder_->note(record::type::kProcessStarted, "gateway-1", Json::object());
    co_await shipped(21);
    co_await recorder_->stop();
  });
  const record::Event event = record::event_from_json(auditor_.log[7]).value();
  EXPECT_EQ(event.subject, "o7");
  EXPECT_EQ(event.source, "gateway-1");
  EXPECT_EQ(event.data, (Json{{"n", 7}}));
  EXPECT_EQ(auditor_.streams.back(), "records/gateway-1");
  EXPECT_EQ(recorder_->journal().status().acknowledged, 21u);
  EXPECT_TRUE(recorder_->trouble().empty());
}

RecorderOptions of_a_gateway() {
  RecorderOptions options;
  options.tracks_operations = true;
  return options;
}

std::vector<std::string> ids(const std::vector<OpenOperations::Abandoned>& abandoned) {
  std::vector<std::string> out;
  for (const auto& each : abandoned) out.push_back(each.operation_id);
  return out;
}

TEST_F(RecorderTest, NamesTheOperationsThatAKilledProcessLeftWithoutAnOutcome) {
  open(Durability::journal, of_a_gateway());
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    for (const char* id : {"a", "b", "c"}) {
      Json data{{"session_id", std::string("session of ") + id}};
      co_await seat.record(record::type::kOperationIntended, id, std::move(data));
    }
    co_await seat.record(record::type::kOperationCompleted, "b", Json::object());
  });
  EXPECT_TRUE(recorder_->abandoned().empty());  // whoever sends them still does
  open(Durability::journal, of_a_gateway());
  ASSERT_EQ(ids(recorder_->abandoned()), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(recorder_->abandoned()[0].session_id, "session of a");
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    co_await seat.record(record::type::kOperationCompleted, "a", Json::object());
  });
  EXPECT_EQ(ids(recorder_->abandoned()), std::vector<std::string>{"c"});
  open(Durability::journal, of_a_gateway());
  EXPECT_EQ(ids(recorder_->abandoned()), std::vector<std::string>{"c"});
}

TEST_F(RecorderTest, ForgetsTheIntentOfALongOperationOnlyOnceItIsSaidAnewThatItRuns) {
  RecorderOptions options = of_a_gateway();
  options.journal.spool.segment_bytes = 2000;
  options.journal.spool.retain_bytes = 6000;
  open(Durability::journal, options);
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    Json data{{"session_id", "s"}};
    co_await seat.record(record::type::kOperationIntended, "long", std::move(data));
    for (int i = 0; i < 60; ++i) co_await seat.record("t", "filler", Json::object());
    co_await shipped(61);
    EXPECT_EQ(recorder_->journal().oldest(), 1u);
    recorder_->carry_open_operations();
    co_await shipped(62);
    for (int i = 0; i < 60; ++i) co_await seat.record("t", "filler", Json::object());
    co_await shipped(122);
    co_await recorder_->stop();
  });
  EXPECT_GT(recorder_->journal().oldest(), 1u);
  EXPECT_EQ(record::event_from_json(auditor_.log[61]).value().type, record::type::kOperationContinued);
  open(Durability::journal, options);
  ASSERT_EQ(ids(recorder_->abandoned()), std::vector<std::string>{"long"});
  EXPECT_EQ(recorder_->abandoned()[0].session_id, "s");
}

TEST_F(RecorderTest, ShipsOnceThroughLostRequestsAndLostAnswers) {
  open();
  auditor_.lose_requests = 2;
  auditor_.lose_answers = 2;
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    for (int i = 0; i < 5; ++i) co_await seat.record("t", "o" + std::to_string(i), Json::object());
    co_await shipped(5);
    co_await recorder_->stop();
  });
}

TEST_F(RecorderTest, ResumesAfterARestartWhereTheLogIs) {
  open();
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    for (int i = 0; i < 3; ++i) co_await seat.record("t", "before", Json::object());
    co_await shipped(3);
    co_await recorder_->stop();
    for (int i = 0; i < 3; ++i) co_await seat.record("t", "unshipped", Json::object());
  });
  const std::uint64_t first_boot = recorder_->boot_epoch();
  recorder_.reset();
  open();
  EXPECT_GT(recorder_->boot_epoch(), first_boot);
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    EXPECT_EQ((co_await seat.record("t", "after", Json::object()))->sequence, 7u);
    co_await shipped(7);
    co_await recorder_->stop();
  });
}

TEST_F(RecorderTest, UnderDurableDatabaseWaitsForTheLogAndFailsWithoutOne) {
  open(Durability::database);
  auditor_.lose_requests = 1000000;
  run([this]() -> asio::awaitable<void> {
    Recorder::Seat seat(*recorder_, context_.get_executor());
    recorder_->ship(context_.get_executor(), auditor_.function());
    EXPECT_EQ((co_await seat.record("t", "o", Json::object())).error().code, Code::not_durable);
    auditor_.lose_requests = 0;
    Result<Position> position = fail(Code::internal, "");
    for (int i = 0; i < 10 && !position; ++i) position = co_await seat.record("t", "o", Json::object());
    EXPECT_TRUE(position.has_value());
    EXPECT_GE(auditor_.log.size(), position->sequence) << "in the log before record() returned";
    co_await recorder_->stop();
  });
}

TEST_F(RecorderTest, EntriesGatherUntilSomebodyWaitsForTheLogToHaveThem) {
  open();
  run([this]() -> asio::awaitable<void> {
    ShipperOptions options;
    options.deployment = "d";
    options.source = "gateway-1";
    options.gather = std::chrono::hours(1);
    Shipper shipper(context_.get_executor(), recorder_->journal(), key_, auditor_.function(), options);
    shipper.start();
    Appender appender(recorder_->journal(), context_.get_executor());
    Position last{};
    for (int i = 0; i < 5; ++i) {
      Bytes entry = "entry " + std::to_string(i);
      last = (co_await appender.append(std::move(entry))).value();
    }
    co_await pause(50);
    EXPECT_EQ(auditor_.log.size(), 0u);
    EXPECT_TRUE((co_await appender.acknowledged(last, std::chrono::seconds(30))).has_value());
    EXPECT_EQ(auditor_.log.size(), 5u);
    EXPECT_EQ(auditor_.requests, 2) << "where it is, and all five at once";
    co_await shipper.stop();
  });
}

TEST_F(RecorderTest, SaysWhenAnotherJournalRunsUnderItsName) {
  open();
  auditor_.epoch = UINT64_C(1) << 60;
  run([this]() -> asio::awaitable<void> {
    recorder_->ship(context_.get_executor(), auditor_.function());
    for (int i = 0; i < 100 && recorder_->trouble().empty(); ++i) co_await pause(10);
    EXPECT_NE(recorder_->trouble().find("another journal"), std::string::npos);
    co_await recorder_->stop();
  });
}

TEST_F(RecorderTest, ManyCoroutinesShareABatch) {
  open();
  int done = 0;
  for (int i = 0; i < 500; ++i) {
    asio::co_spawn(
        context_,
        [](Recorder& recorder, asio::io_context& context, int& count) -> asio::awaitable<void> {
          Recorder::Seat seat(recorder, context.get_executor());
          count += (co_await seat.record("t", "o", Json::object())).has_value();
        }(*recorder_, context_, done),
        [](std::exception_ptr) {});
  }
  context_.run();
  EXPECT_EQ(done, 500);
}

TEST_F(RecorderTest, ReportsTheLatencyOfOneAppend) {
  open();
  std::vector<double> took;
  run([&]() -> asio::awaitable<void> {
    Appender appender(recorder_->journal(), context_.get_executor());
    for (int i = 0; i < 300; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      co_await appender.append(Bytes(600, 'x'));
      took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
  });
  std::sort(took.begin(), took.end());
  std::cout << "append p50 " << took[150] << " us, p99 " << took[297] << " us\n";
}

}  // namespace
}  // namespace holdpoint::journal
