// The auditor on a real bus over a real PostgreSQL: records in, checkpoints out, read back, handed over.
#include "auditor/service.hpp"

#include "bus/journal/recorder.hpp"
#include "tests/unit/auditor/log_fixture.hpp"
#include "tests/unit/bus/socket/bus_fixture.hpp"

namespace holdpoint::auditor {
namespace {

using socket::Port;
using socket::run;
using socket::sleep_for;
using socket::within;
using wire::Role;

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = testing::PrivatePostgres::shared().make_database();
    ASSERT_TRUE(migrate(testing::PrivatePostgres::shared().dsn(database_)).has_value());
  }
  std::unique_ptr<Service> service(const config::PeerIdentity& identity, int& ready, int& lost) {
    ServiceOptions options{testing::PrivatePostgres::shared().dsn(database_, "holdpoint_writer"),
                           bus_.folder() / "checkpoints" / identity.name};
    auto made = std::make_unique<Service>(
        io_, identity, std::move(options), [&ready] { ++ready; }, [&lost] { ++lost; });
    made->start();
    return made;
  }
  std::unique_ptr<journal::Recorder> recorder(const config::PeerIdentity& identity, Port& port) {
    journal::RecorderOptions options;
    options.directory = bus_.folder() / identity.name;
    options.deployment = identity.deployment;
    options.source = identity.name;
    options.durability = journal::Durability::database;
    options.database_wait_max = std::chrono::seconds(20);
    auto made = journal::Recorder::open(std::move(options), identity.signing_key).value();
    made->ship(io_.get_executor(),
               [&port](std::string service, wire::Message message, Instant deadline, std::string stream) {
                 return port.request(std::move(service), std::move(message), deadline, std::move(stream));
               });
    return made;
  }
  socket::TestBus bus_;
  boost::asio::io_context io_;
  std::string database_;
};

boost::asio::awaitable<void> record_some(journal::Recorder& recorder, boost::asio::any_io_executor executor,
                                         int count) {
  journal::Recorder::Seat seat(recorder, executor);
  for (int i = 0; i < count; ++i) {
    Json data{{"operation_id", "o" + std::to_string(i)}, {"session_id", "s"}};
    const auto recorded = co_await seat.record(record::type::kOperationIntended, "o", std::move(data));
    EXPECT_TRUE(recorded.has_value()) << recorded.error().context;
  }
}

TEST_F(ServiceTest, TakesRecordsAnswersForThemAndHandsTheLogOver) {
  const auto gateway = bus_.issue(Role::gateway, "gateway-1");
  const auto stranger = bus_.issue(Role::gateway, "gateway-2");
  const auto person = bus_.issue(Role::op, "cli");
  const auto first_identity = bus_.issue(Role::auditor, "auditor-1");
  const auto second_identity = bus_.issue(Role::auditor, "auditor-2");
  bus_.start();
  int ready = 0;
  int lost = 0;
  auto first = service(first_identity, ready, lost);
  Port gateway_port(io_.get_executor(), gateway);
  Port stranger_port(io_.get_executor(), stranger);
  Port person_port(io_.get_executor(), person);
  std::vector<std::string> notes;
  person_port.subscribe("record.checkpoint", [&](const wire::Envelope& publication) {
    notes.push_back(string_or(publication.message.body, "note"));
  });
  auto records = recorder(gateway, gateway_port);
  auto story = [&]() -> boost::asio::awaitable<void> {
    co_await record_some(*records, io_.get_executor(), 30);
    EXPECT_EQ(ready, 1);

    wire::Message status{"LogStatusRequested", {}, {}};
    status.body = Json::object();
    const auto answer = co_await person_port.request("log", status, within(std::chrono::seconds(5)));
    EXPECT_TRUE(answer.has_value()) << answer.error().context;
    if (answer) {
      EXPECT_EQ(answer->body["entries"], 30);
    }
    wire::Message theirs{"RecordPositionRequested", {}, {}};
    theirs.body["source"] = "gateway-1";
    const auto refused = co_await stranger_port.request("records", theirs, within(std::chrono::seconds(5)));
    EXPECT_EQ(refused.error().code, Code::denied) << "another process's source";

    auto second = service(second_identity, ready, lost);
    for (int i = 0; i < 300 && ready < 2; ++i) co_await sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(ready, 2) << "stands by";
    co_await first->stop();
    first.reset();
    co_await record_some(*records, io_.get_executor(), 10);
    const auto later = co_await person_port.request("log", status, within(std::chrono::seconds(5)));
    EXPECT_TRUE(later.has_value()) << later.error().context;
    if (later) {
      EXPECT_EQ(later->body["entries"], 40);
    }
    for (int i = 0; i < 500 && notes.size() < 2; ++i) co_await sleep_for(std::chrono::milliseconds(10));
    co_await records->stop();
    co_await second->stop();
  };
  run(io_, story());
  EXPECT_EQ(lost, 0);
  ASSERT_GE(notes.size(), 2u);
  const std::vector<Bytes> keys{first_identity.signing_key.public_key(), second_identity.signing_key.public_key()};
  for (const std::string& note : notes) EXPECT_TRUE(record::open_checkpoint(note, keys).has_value());
  for (const char* name : {"auditor-1", "auditor-2"})
    EXPECT_TRUE(std::filesystem::exists(bus_.folder() / "checkpoints" / name / "latest")) << name;
  std::vector<verify::KeptNote> kept;
  for (const std::string& note : notes) kept.push_back({"a published checkpoint", note});
  const auto report = verify::verify(
      {testing::PrivatePostgres::shared().dsn(database_, "holdpoint_reader"), "test", keys, std::move(kept), 100});
  ASSERT_TRUE(report.has_value()) << report.error().context;
  EXPECT_TRUE(report->intact()) << report->problems.front().text;
  EXPECT_EQ(report->entries, 40u);
}

}  // namespace
}  // namespace holdpoint::auditor
