#include "auditor/sequencer.hpp"

#include "auditor/columns.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::size_t kSourceShown = 100;

Error ends_before(std::uint64_t size, const std::string& from, std::uint64_t known) {
  return fail(Code::tampered, "the log ends at " + std::to_string(size) + ", " + from + " at " + std::to_string(known) +
                                  ": entries are missing");
}

}  // namespace

Result<void> Sequencer::open() {
  if (writing_) return {};
  if (refused_) return *refused_;
  auto state = store_->open();
  const Result<void> continued = state ? continue_tree(state->size) : Result<void>(state.error());
  if (!continued) {
    store_->close();  // an auditor that knows better may have the lock
    if (continued.error().code == Code::tampered) refused_ = continued.error();
    return continued;
  }
  marks_ = std::move(state->marks);
  writing_ = true;
  return {};
}

Result<void> Sequencer::continue_tree(std::uint64_t size) {
  const NodeSource nodes = [this](NodeId id) { return store_->node(id); };
  HashTree known = tree_;
  std::string from = "what this auditor has written";
  if (!opened_ && kept_) {
    const auto kept = kept_();
    if (!kept) return kept.error();
    from = kept->from;
    if (kept->size > size) return ends_before(size, from, kept->size);
    auto tree = HashTree::restore(kept->size, nodes);
    if (!tree) return tree.error();
    if (tree->root() != kept->root) {
      return fail(Code::tampered, "the first " + std::to_string(kept->size) + " entries are not those of " + from);
    }
    known = std::move(*tree);
  }
  if (known.size() > size) return ends_before(size, from, known.size());
  if (auto grown = known.grow(size, nodes); !grown) return grown;
  // The tree that the database itself keeps must be the same, in the nodes above too.
  const auto whole = HashTree::restore(size, nodes);
  if (!whole) return whole.error();
  if (whole->root() != known.root()) return fail(Code::tampered, "the log's tree does not continue " + from);
  tree_ = std::move(known);
  opened_ = true;
  return {};
}

Result<void> Sequencer::take(Submitted& one, const SourceKeys& keys, std::map<std::string, SourceMark>& marks,
                             std::vector<Row>& rows) {
  record::Submission& submission = one.submission;
  const auto found = marks.find(submission.source);
  const SourceMark mark = found == marks.end() ? SourceMark{} : found->second;
  const HeadLookup lookup = [this](const std::string& source, record::Position position) {
    return store_->head_at(source, position);
  };
  const auto verdict = check_submission(submission, deployment_, one.sender_key_id, keys, mark, lookup);
  if (!verdict) return verdict.error();
  const std::size_t before = rows.size();
  for (std::size_t i = verdict->skip; i < submission.entries.size(); ++i) {
    Row row;
    row.index = tree_.size() + rows.size();
    row.source = submission.source;
    row.position = {submission.epoch, submission.first + i};
    row.key_id = one.sender_key_id;
    row.leaf = record::leaf_hash(submission.entries[i]);
    row.head = verdict->heads[i];
    row.bytes = std::move(submission.entries[i]);
    std::optional<std::string> named;
    row.columns = columns_of(row.bytes, &named);
    if (named && *named != submission.source) {
      rows.resize(before);
      return fail(Code::denied, "source " + submission.source + ": entry " + std::to_string(row.position.sequence) +
                                    " names another, " + display(*named, kSourceShown));
    }
    rows.push_back(std::move(row));
  }
  if (verdict->skip < submission.entries.size()) {
    marks[submission.source] = {submission.epoch, submission.last(), submission.head};
  }
  return {};
}

std::vector<Result<SourceMark>> Sequencer::submit(std::vector<Submitted> submitted, const SourceKeys& keys,
                                                  Instant now) {
  std::vector<Result<SourceMark>> answers;
  if (auto opened = open(); !opened) {
    const Error why = fail(Code::unavailable, opened.error().context);
    return std::vector<Result<SourceMark>>(submitted.size(), why);
  }
  std::map<std::string, SourceMark> marks = marks_;
  std::vector<Row> rows;
  for (Submitted& one : submitted) {
    if (auto taken = take(one, keys, marks, rows); taken) {
      answers.push_back(marks[one.submission.source]);
    } else {
      if (taken.error().code == Code::unavailable) writing_ = false;  // as below, whatever becomes of the others
      answers.push_back(taken.error());
    }
  }
  if (auto committed = rows.empty() ? Result<void>() : commit(std::move(rows), now); !committed) {
    // What was committed is known again after open(); the sources send again and are told.
    writing_ = false;
    if (committed.error().code == Code::tampered) refused_ = committed.error();
    for (auto& answer : answers) {
      if (answer) answer = fail(Code::unavailable, committed.error().context);
    }
    return answers;
  }
  marks_ = std::move(marks);
  return answers;
}

Result<void> Sequencer::try_commit(std::vector<Row>& rows, Instant now) {
  HashTree grown = tree_;
  Batch batch;
  batch.received_at = now;
  std::vector<Node> completed;
  for (const Row& row : rows) grown.append(row.leaf, completed);
  for (const Node& node : completed) {
    if (node.id.level >= kStoredLevel) batch.nodes.push_back(node);
  }
  batch.rows = std::move(rows);
  auto committed = store_->commit(batch);
  rows = std::move(batch.rows);
  if (committed) tree_ = std::move(grown);
  return committed;
}

Result<void> Sequencer::commit(std::vector<Row> rows, Instant now) {
  auto committed = try_commit(rows, now);
  if (committed || committed.error().code != Code::malformed) return committed;
  if (rows.size() == 1) return commit_alone(std::move(rows.front()), committed.error(), now);
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  std::vector<Row> second(std::make_move_iterator(middle), std::make_move_iterator(rows.end()));
  rows.erase(middle, rows.end());
  if (auto first = commit(std::move(rows), now); !first) return first;
  return commit(std::move(second), now);
}

Result<void> Sequencer::commit_alone(Row row, const Error& refusal, Instant now) {
  row.columns.assign(row.columns.size(), std::nullopt);
  row.quarantine = display(refusal.context, 1000);
  std::vector<Row> alone;
  alone.push_back(std::move(row));
  auto committed = try_commit(alone, now);
  // Refused without any column of its own: the fault is the database's, not the entry's.
  if (!committed && committed.error().code == Code::malformed) {
    return fail(Code::unavailable, committed.error().context);
  }
  return committed;
}

Result<SourceMark> Sequencer::position(const std::string& source, const std::string& sender_key_id,
                                       const SourceKeys& keys) {
  if (auto allowed = check_source(source, sender_key_id, keys); !allowed) return allowed.error();
  if (auto opened = open(); !opened) return fail(Code::unavailable, opened.error().context);
  const auto found = marks_.find(source);
  return found == marks_.end() ? SourceMark{} : found->second;
}

}  // namespace holdpoint::auditor
