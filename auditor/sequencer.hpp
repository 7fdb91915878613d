// The log's one pen: takes submissions, numbers what is new, grows the tree, commits, answers.
//
//   closed --open: lock and state--> writing --store fails--> closed
//
// A batch that the database refuses is halved until the entry that it cannot take stands alone; that one is stored
// with its exact bytes and without columns. So no entry can stop the log, and the tree is the same either way.
// One thread (log_writer.hpp). No clock, no bus, no SQL: the simulator runs it over a store of its own.
#pragma once

#include <string>
#include <vector>

#include "auditor/log_store.hpp"
#include "bus/record/note.hpp"

namespace holdpoint::auditor {

struct Submitted {
  record::Submission submission;
  std::string sender_key_id;
};

class Sequencer {
 public:
  Sequencer(LogStore& store, std::string deployment) : store_(&store), deployment_(std::move(deployment)) {}

  /// Opens the store if it is not open. Fails as LogStore::open.
  Result<void> open();
  [[nodiscard]] bool writing() const { return writing_; }
  /// The store was lost: the next submission opens it anew, and may find that another auditor writes.
  void stop_writing() { writing_ = false; }

  /// Answers in order: how far the log is with the submission's source once it is committed, or why not.
  std::vector<Result<SourceMark>> submit(std::vector<Submitted> submitted, const SourceKeys& keys, Instant now);
  /// Zeros for a source that the log has not seen.
  Result<SourceMark> position(const std::string& source, const std::string& sender_key_id, const SourceKeys& keys);

  [[nodiscard]] std::uint64_t size() const { return tree_.size(); }
  [[nodiscard]] Hash root() const { return tree_.root(); }

 private:
  Result<void> take(Submitted& one, const SourceKeys& keys, std::map<std::string, SourceMark>& marks,
                    std::vector<Row>& rows);
  Result<void> commit(std::vector<Row> rows, Instant now);
  Result<void> commit_alone(Row row, const Error& refusal, Instant now);
  /// The rows are the caller's again afterwards.
  Result<void> try_commit(std::vector<Row>& rows, Instant now);

  LogStore* store_;
  std::string deployment_;
  bool writing_ = false;
  HashTree tree_;
  std::map<std::string, SourceMark> marks_;
};

}  // namespace holdpoint::auditor
