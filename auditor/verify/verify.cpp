#include "auditor/verify/verify.hpp"

#include <map>
#include <set>

#include "auditor/verify/expected_columns.hpp"
#include "auditor/verify/log_source.hpp"
#include "auditor/verify/replay.hpp"
#include "bus/base/json.hpp"
#include "bus/record/chain.hpp"
#include "bus/record/event_limits.hpp"
#include "bus/record/note.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor::verify {
namespace {

constexpr std::size_t kPage = 2000;   // entries read at once
constexpr unsigned kStoredLevel = 8;  // schema/001_audit.sql: nodes of 256 leaves and more are stored
constexpr std::size_t kShown = 200;   // bytes of a value in a problem

std::string shown(const std::optional<std::string>& value) { return value ? display(*value, kShown) : "NULL"; }

/// A checkpoint that must hold, and where it is from.
struct Claim {
  Hash root{};
  std::string from;
};

class Verification {
 public:
  Verification(const Options& options, LogSource& log) : options_(options), log_(log) {}

  Result<Report> run() {
    if (auto claims = read_claims(); !claims) return claims.error();
    check_claims_at_size();
    for (bool more = true; more;) {
      auto page = log_.read(next_, kPage);
      if (!page) return page.error();
      for (const StoredEntry& entry : *page) check(entry);
      more = !page->empty();
    }
    report_.entries = next_;
    report_.root = tree_.root();
    report_.sources = chains_.size();
    check_tail();
    if (auto nodes = check_nodes(); !nodes) return nodes.error();
    if (next_ > report_.checkpoint_size) {
      report_.notes.push_back(std::to_string(next_ - report_.checkpoint_size) +
                              " entries lie beyond the last checkpoint and are not provable yet");
    }
    return std::move(report_);
  }

 private:
  void problem(std::optional<std::uint64_t> index, std::string where, std::string stored, std::string computed,
               const std::string& what) {
    ++report_.problem_count;
    if (report_.problems.size() >= options_.problems_max) return;
    std::string text = index ? "entry " + std::to_string(*index) + ": " : "";
    text += what;
    if (!stored.empty() || !computed.empty()) text += " (stored " + stored + ", computed " + computed + ")";
    report_.problems.push_back({index, std::move(where), std::move(stored), std::move(computed), std::move(text)});
  }

  void claim(const std::string& note, const std::string& from, std::optional<StoredCheckpoint> row) {
    ++report_.checkpoints;
    const auto checkpoint = record::open_checkpoint(note, options_.public_keys);
    if (!checkpoint) {
      return problem({}, "checkpoint", "", "", from + ": " + checkpoint.error().context);
    }
    if (checkpoint->origin != record::log_origin(options_.deployment)) {
      return problem({}, "checkpoint", display(checkpoint->origin), record::log_origin(options_.deployment),
                     from + " is of another log");
    }
    if (row && (row->size != checkpoint->size || row->root != view(checkpoint->root))) {
      problem({}, "checkpoint", std::to_string(row->size), std::to_string(checkpoint->size),
              from + ": the columns beside the signed note differ from it");
    }
    claims_.emplace(checkpoint->size, Claim{checkpoint->root, from});
  }

  Result<void> read_claims() {
    auto stored = log_.checkpoints();
    if (!stored) return stored.error();
    for (const StoredCheckpoint& row : *stored) {
      claim(row.note, "the stored checkpoint of size " + std::to_string(row.size), row);
    }
    std::size_t number = 0;
    for (const std::string& note : options_.earlier) {
      claim(note, "the given checkpoint " + std::to_string(++number), std::nullopt);
    }
    return {};
  }

  /// Compares every claim about the size that the tree has just reached.
  void check_claims_at_size() {
    const auto [begin, end] = claims_.equal_range(tree_.size());
    for (auto one = begin; one != end; ++one) {
      if (!gap_ && one->second.root == tree_.root()) {
        report_.checkpoint_size = tree_.size();
        continue;
      }
      // One sentence for the first that fails; whatever is altered, all later ones fail with it.
      if (std::exchange(tree_differs_, true)) continue;
      problem({}, "tree", to_base64(view(tree_.root())), to_base64(view(one->second.root)),
              "the entries " + std::to_string(report_.checkpoint_size) + " to " + std::to_string(tree_.size() - 1) +
                  " are not those of " + one->second.from);
    }
  }

  void check(const StoredEntry& entry) {
    if (entry.index < next_) {
      problem(entry.index, "index", "twice", "once", "the index stands more than once");
      return;
    }
    if (entry.index > next_) missing(entry.index);
    if (entry.dropped) {
      ++report_.dropped;
    } else {
      check_bytes(entry);
      check_columns(entry);
    }
    check_chain(entry);
    const Hash leaf =
        entry.dropped && entry.leaf.size() == sizeof(Hash) ? hash_from(entry.leaf) : record::leaf_hash(entry.bytes);
    tree_.add(leaf, [this](unsigned level, std::uint64_t index, const Hash& hash) {
      if (level >= kStoredLevel) nodes_[{level, index}] = hash;
    });
    next_ = entry.index + 1;
    check_claims_at_size();
  }

  void missing(std::uint64_t until) {
    const std::string range =
        until - next_ == 1 ? "entry " + std::to_string(next_) + " is missing"
                           : "entries " + std::to_string(next_) + " to " + std::to_string(until - 1) + " are missing";
    problem({}, "index", "", "", range);
    gap_ = true;
    // Keeps the later entries at their places; no root can hold from here on.
    while (tree_.size() < until) {
      tree_.add(Hash{});
      check_claims_at_size();
    }
    next_ = until;
  }

  void check_bytes(const StoredEntry& entry) {
    const Hash leaf = record::leaf_hash(entry.bytes);
    if (entry.leaf != view(leaf)) {
      problem(entry.index, "bytes", to_hex(entry.leaf), to_hex(view(leaf)),
              "its bytes do not have the leaf hash beside them");
    }
    const auto event = parse_json(entry.bytes, record::kEventLimits);
    if (event && event->is_object() && event->contains("source") && string_or(*event, "source") != entry.source) {
      problem(entry.index, "source", display(entry.source, kShown), display(string_or(*event, "source"), kShown),
              "the column source differs from the event");
    }
  }

  void check_columns(const StoredEntry& entry) {
    auto expected = expected_columns(entry.bytes);
    if (entry.quarantined) {
      ++report_.quarantined;
      for (auto& [name, value] : expected) value.reset();
    }
    for (const auto& [name, value] : expected) {
      const auto found = entry.columns.find(name);
      const std::optional<std::string> stored = found == entry.columns.end() ? std::nullopt : found->second;
      if (stored != value) {
        problem(entry.index, name, shown(stored), shown(value), "the column " + name + " differs from the event");
      }
    }
  }

  void check_chain(const StoredEntry& entry) {
    const auto [place, begins] = chains_.try_emplace({entry.source, entry.epoch});
    ChainState& chain = place->second;
    if (begins && epochs_.contains(entry.source)) {
      report_.notes.push_back("source " + display(entry.source, kShown) + " began epoch " +
                              std::to_string(entry.epoch) + " at entry " + std::to_string(entry.index) +
                              ": its journal was made anew, what it had not shipped before is not here");
    }
    epochs_.insert(entry.source);
    if (entry.sequence != chain.sequence + 1 && !gap_) {
      problem(entry.index, "sequence", std::to_string(entry.sequence), std::to_string(chain.sequence + 1),
              "source " + display(entry.source, kShown) + " has a gap or a repetition");
    }
    // From the stored head on after a fault, so that one altered entry is one problem.
    const Hash head = record::next_head(chain.head, entry.bytes);
    const bool known = entry.sequence == chain.sequence + 1 && !entry.dropped;
    if (known && entry.head != view(head)) {
      problem(entry.index, "chain", to_hex(entry.head), to_hex(view(head)),
              "it does not continue the chain of source " + display(entry.source, kShown));
    }
    chain.sequence = entry.sequence;
    if (entry.head.size() == sizeof(Hash)) chain.head = hash_from(entry.head);
  }

  void check_tail() {
    const auto beyond = claims_.upper_bound(next_);
    if (beyond == claims_.end()) return;
    const auto& last = *claims_.rbegin();
    problem({}, "tail", std::to_string(next_), std::to_string(last.first),
            "the log ends before " + beyond->second.from + ": " + std::to_string(last.first - next_) +
                " entries are cut off its tail");
  }

  Result<void> check_nodes() {
    auto stored = log_.nodes();
    if (!stored) return stored.error();
    if (gap_) return {};
    for (const auto& [id, hash] : nodes_) {
      const auto found = stored->find(id);
      if (found != stored->end() && found->second == view(hash)) continue;
      problem({}, "tree", found == stored->end() ? "nothing" : to_hex(found->second), to_hex(view(hash)),
              "the stored tree differs for the entries " + std::to_string(id.second << id.first) + " to " +
                  std::to_string(((id.second + 1) << id.first) - 1));
    }
    for (const auto& [id, hash] : *stored) {
      if (nodes_.contains(id)) continue;
      problem({}, "tree", to_hex(hash), "nothing",
              "the stored tree reaches to entry " + std::to_string(((id.second + 1) << id.first) - 1) +
                  ", which the log does not have");
    }
    return {};
  }

  const Options& options_;
  LogSource& log_;
  Report report_;
  std::multimap<std::uint64_t, Claim> claims_;
  std::uint64_t next_ = 0;
  bool gap_ = false;
  bool tree_differs_ = false;
  Counter tree_;
  std::map<std::pair<unsigned, std::uint64_t>, Hash> nodes_;
  Chains chains_;
  std::set<std::string> epochs_;  ///< sources that have begun
};

}  // namespace

Result<Report> verify(const Options& options) {
  auto log = open_log(options.database);
  if (!log) return log.error();
  return Verification(options, **log).run();
}

}  // namespace holdpoint::auditor::verify
