// What the log's tests share: a source that signs, and a log in a database of the shared private PostgreSQL.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <pqxx/pqxx>

#include "auditor/checkpoint.hpp"
#include "auditor/sequencer.hpp"
#include "auditor/verify/verify.hpp"
#include "bus/record/event.hpp"
#include "tests/support/private_postgres.hpp"

namespace holdpoint::auditor {

constexpr const char* kDeployment = "test-deployment";

/// A process that records.
class Source {
 public:
  explicit Source(std::string name, std::uint64_t epoch = 1)
      : name_(std::move(name)), epoch_(epoch), key_(std::make_shared<SigningKey>(SigningKey::generate())) {}

  /// Continues the chain.
  Submitted next(std::vector<Bytes> entries) {
    record::Submission submission;
    submission.source = name_;
    submission.epoch = epoch_;
    submission.first = through_ + 1;
    submission.previous = head_;
    submission.entries = std::move(entries);
    for (const Bytes& entry : submission.entries) head_ = record::next_head(head_, entry);
    submission.head = head_;
    through_ += submission.entries.size();
    sign(submission);
    return {submission, key_id()};
  }
  void sign(record::Submission& submission) const {
    submission.signature = key_->sign(record::signature_text(kDeployment, submission));
  }
  void begin_epoch(std::uint64_t epoch) {
    epoch_ = epoch;
    through_ = 0;
    head_ = {};
  }
  [[nodiscard]] std::string key_id() const { return "key-of-" + name_; }
  void add_to(SourceKeys& keys) const { keys[key_id()] = {name_, key_->public_key()}; }

 private:
  std::string name_;
  std::uint64_t epoch_;
  std::shared_ptr<const SigningKey> key_;
  std::uint64_t through_ = 0;
  Hash head_{};
};

inline Bytes event_entry(const std::string& source, std::string_view type, const std::string& subject, Json data) {
  record::Event event;
  event.time = from_rfc3339("2026-11-01T12:00:00.000001Z").value();
  event.id = RandomIdSource().next(event.time);
  event.source = source;
  event.type = std::string(type);
  event.subject = subject;
  event.data = std::move(data);
  return record::event_to_json(event);
}

inline std::vector<Bytes> events_of(const std::string& source, int count) {
  std::vector<Bytes> entries;
  for (int i = 0; i < count; ++i) {
    entries.push_back(event_entry(source, record::type::kOperationIntended, "operation-" + std::to_string(i),
                                  Json{{"operation_id", "operation-" + std::to_string(i)},
                                       {"session_id", "session-1"},
                                       {"principal", "local:agent"},
                                       {"decision", "allowed"},
                                       {"service", "dynamodb"},
                                       {"operation", "GetItem"}}));
  }
  return entries;
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = testing::PrivatePostgres::shared().make_database();
    ASSERT_TRUE(migrate(dsn("postgres")).has_value());
    gateway_.add_to(keys_);
    open();
  }

  [[nodiscard]] std::string dsn(const std::string& user) const {
    return testing::PrivatePostgres::shared().dsn(database_, user);
  }
  void open() {
    sequencer_.reset();
    store_ = postgres_log_store(dsn("holdpoint_writer"));
    sequencer_ = std::make_unique<Sequencer>(*store_, kDeployment);
    const auto opened = sequencer_->open();
    ASSERT_TRUE(opened.has_value()) << opened.error().context;
  }
  Result<SourceMark> submit(const Submitted& one) { return sequencer_->submit({one}, keys_, now_).front(); }
  std::string checkpoint() {
    std::string note;
    Checkpointer maker(*store_, record::log_origin(kDeployment), auditor_key_, {},
                       [&](const std::string& made) { note = made; });
    EXPECT_TRUE(maker.make(sequencer_->size(), sequencer_->root(), now_).has_value());
    return note;
  }
  verify::Report verified(std::vector<std::string> earlier = {}, const std::string& user = "holdpoint_reader") {
    const auto report = verify::verify(options(std::move(earlier), user));
    EXPECT_TRUE(report.has_value()) << report.error().context;
    return report ? *report : verify::Report();
  }
  verify::Options options(std::vector<std::string> earlier = {}, const std::string& user = "holdpoint_reader") {
    std::vector<verify::KeptNote> kept;
    for (auto& note : earlier) kept.push_back({"the kept checkpoint", std::move(note)});
    return {dsn(user), kDeployment, {auditor_key_.public_key()}, std::move(kept), 100};
  }
  pqxx::result sql(const std::string& user, const std::string& statement) {
    pqxx::connection connection(dsn(user));
    pqxx::work transaction(connection);
    const auto result = transaction.exec(statement);
    transaction.commit();
    return result;
  }
  /// As a superuser who goes behind the triggers.
  void tamper(const std::string& statement) { sql("postgres", "SET session_replication_role = replica; " + statement); }

  std::string database_;
  Source gateway_{"gateway-1"};
  SourceKeys keys_;
  SigningKey auditor_key_ = SigningKey::generate();
  std::unique_ptr<LogStore> store_;
  std::unique_ptr<Sequencer> sequencer_;
  Instant now_ = from_rfc3339("2026-11-01T12:00:05Z").value();
};

}  // namespace holdpoint::auditor
