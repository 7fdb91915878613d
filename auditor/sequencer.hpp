// The log's one pen: takes submissions, numbers what is new, grows the tree, commits, answers.
//
//   closed --open: lock and state--> writing --store fails--> closed
//
// The tree is only ever grown: from what this process has written, else from the checkpoint that it kept outside of the
// database. A database that holds something else there is not written to, and its root is not signed. What it cannot
// see is an entry behind that checkpoint which somebody else put in before this process began.
//
// A batch that the database refuses is halved until the entry that it cannot take stands alone; that one is stored
// with its exact bytes and without columns. So no entry can stop the log, and the tree is the same either way.
// One thread (log_writer.hpp). No clock, no bus, no SQL: the simulator runs it over a store of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "auditor/log_store.hpp"
#include "bus/record/note.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor {

struct Submitted {
  record::Submission submission;
  std::string sender_key_id;
};

/// What the process knows of the log from elsewhere than the database, and from where.
struct KeptCheckpoint {
  std::uint64_t size = 0;
  Hash root = record::empty_root();
  std::string from;
};
using ReadKept = std::function<Result<KeptCheckpoint>()>;

class Sequencer {
 public:
  /// `kept` is asked once, before the first opening. Without it everything that the database holds is believed.
  Sequencer(LogStore& store, std::string deployment, ReadKept kept = {})
      : store_(&store), deployment_(std::move(deployment)), kept_(std::move(kept)) {}

  /// Opens the store if it is not open. Fails as LogStore::open; `tampered` too when the log does not continue what
  /// this process knows.
  Result<void> open();
  [[nodiscard]] bool writing() const { return writing_; }
  /// The store was lost: the next submission opens it anew, and may find that another auditor writes.
  void stop_writing() { writing_ = false; }

  /// An event that names another source than the one that submits it is refused: the verifier would call it altered.
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
  Result<void> continue_tree(std::uint64_t size);
  /// The rows are the caller's again afterwards.
  Result<void> try_commit(std::vector<Row>& rows, Instant now);

  LogStore* store_;
  std::string deployment_;
  ReadKept kept_;
  bool writing_ = false;
  bool opened_ = false;           ///< tree_ is what this process knows
  std::optional<Error> refused_;  ///< somebody else has written: not again by this process
  HashTree tree_;
  std::map<std::string, SourceMark> marks_;
};

}  // namespace holdpoint::auditor
