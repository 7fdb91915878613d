#include "auditor/verify/verify.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "auditor/verify/expected_columns.hpp"
#include "auditor/verify/log_source.hpp"
#include "auditor/verify/replay.hpp"
#include "auditor/verify/schema_check.hpp"
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
constexpr std::size_t kRivals = 16;   // rows of one index that are compared before one of them is believed

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
    if (auto said = read_said(); !said) return said.error();
    check_claims_at_size();
    if (auto read = read_entries(); !read) return read.error();
    report_.root = tree_.root();
    report_.sources = chains_.size();
    check_tail();
    check_removals();
    check_sources();
    if (auto nodes = check_nodes(); !nodes) return nodes.error();
    if (next_ > report_.checkpoint_size) {
      report_.notes.push_back(std::to_string(next_ - report_.checkpoint_size) +
                              " entries lie beyond the last checkpoint and are not provable yet");
    }
    return std::move(report_);
  }

 private:
  void problem(const StoredEntry* entry, std::string where, std::string stored, std::string computed,
               const std::string& what) {
    ++report_.problem_count;
    if (report_.problems.size() >= options_.problems_max) return;
    Problem found;
    if (entry != nullptr) {
      found.index = entry->index;
      found.text = "entry " + std::to_string(entry->index) + ": ";
      const auto event = expected_columns(entry->bytes);
      found.type = name_in(event, "type");
      found.operation = name_in(event, "operation_id");
    }
    found.text += what;
    if (!stored.empty() || !computed.empty()) found.text += " (stored " + stored + ", computed " + computed + ")";
    found.where = std::move(where);
    found.stored = std::move(stored);
    found.computed = std::move(computed);
    report_.problems.push_back(std::move(found));
  }

  static std::string name_in(const std::map<std::string, std::optional<std::string>>& event, const char* name) {
    const auto& value = event.at(name);
    return value ? display(*value, kShown) : "";
  }

  void claim(const std::string& note, const std::string& from, std::optional<StoredCheckpoint> row) {
    ++report_.checkpoints;
    const auto checkpoint = record::open_checkpoint(note, options_.public_keys);
    if (!checkpoint) {
      return problem(nullptr, "checkpoint", "", "", from + ": " + checkpoint.error().context);
    }
    if (checkpoint->origin != record::log_origin(options_.deployment)) {
      return problem(nullptr, "checkpoint", display(checkpoint->origin), record::log_origin(options_.deployment),
                     from + " is of another log");
    }
    if (row && (row->size != checkpoint->size || row->root != view(checkpoint->root))) {
      problem(nullptr, "checkpoint", std::to_string(row->size), std::to_string(checkpoint->size),
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
    for (const KeptNote& kept : options_.earlier) claim(kept.note, kept.from, std::nullopt);
    return {};
  }

  /// Compares every claim about the size that the tree has just reached.
  void check_claims_at_size() {
    const auto [begin, end] = claims_.equal_range(tree_.size());
    for (auto one = begin; one != end; ++one) {
      if (one->second.root == tree_.root()) {
        report_.checkpoint_size = tree_.size();
        continue;
      }
      // One sentence for the first that fails; whatever is altered, all later ones fail with it.
      if (std::exchange(tree_differs_, true)) continue;
      problem(nullptr, "tree", to_base64(view(tree_.root())), to_base64(view(one->second.root)),
              "the entries " + std::to_string(report_.checkpoint_size) + " to " + std::to_string(tree_.size() - 1) +
                  " are not those of " + one->second.from);
    }
  }

  Result<void> read_entries() {
    if (auto begun = log_.begin(std::numeric_limits<std::int64_t>::min()); !begun) return begun;
    std::vector<StoredEntry> rivals;  // rows of one index
    for (;;) {
      auto page = log_.next(kPage);
      if (!page) return page.error();
      for (StoredEntry& entry : *page) {
        if (!rivals.empty() && rivals.front().index != entry.index) settle(rivals);
        if (rivals.size() < kRivals) {
          rivals.push_back(std::move(entry));
        } else {
          twice(entry);
        }
      }
      if (page->empty()) break;
    }
    settle(rivals);
    return {};
  }

  void twice(const StoredEntry& entry) {
    problem(&entry, "index", "", "",
            "a second row stands at its index, that the log never had: it was put in beside it");
  }

  /// Of the rows at one index, at most one is the log's: the one that continues a chain that has begun, if any does.
  void settle(std::vector<StoredEntry>& rivals) {
    const auto fits_less = [this](const auto& one, const auto& other) { return continues(one) < continues(other); };
    const auto best = rivals.size() == 1 ? rivals.begin() : std::max_element(rivals.begin(), rivals.end(), fits_less);
    if (best != rivals.end() && best->index >= 0) check(*best);
    for (auto row = rivals.begin(); row != rivals.end(); ++row) {
      if (row->index < 0) {
        problem(&*row, "index", "", "", "no entry has an index below 0: it was put in");
      } else if (row != best) {
        twice(*row);
      }
    }
    rivals.clear();
  }

  [[nodiscard]] int continues(const StoredEntry& entry) const {
    const auto found = chains_.find({entry.source, entry.epoch});
    const ChainState chain = found == chains_.end() ? ChainState{} : found->second;
    if (entry.sequence != chain.sequence + 1) return 0;
    if (!entry.dropped && entry.head != view(record::next_head(chain.head, entry.bytes))) return 0;
    return found == chains_.end() ? 1 : 2;
  }

  void check(const StoredEntry& entry) {
    const auto index = static_cast<std::uint64_t>(entry.index);
    if (index > next_) missing(index);
    ++report_.entries;
    if (entry.dropped) {
      check_dropped(entry);
    } else {
      check_survived(entry);
      check_bytes(entry);
      check_columns(entry);
    }
    check_chain(entry);
    const Hash leaf =
        entry.dropped && entry.leaf.size() == sizeof(Hash) ? hash_from(entry.leaf) : record::leaf_hash(entry.bytes);
    next_ = index + 1;
    if (gap_) return;  // no root can hold from here on
    tree_.add(leaf, [this](unsigned level, std::uint64_t at, const Hash& hash) {
      if (level >= kStoredLevel) nodes_[{level, at}] = hash;
    });
    check_claims_at_size();
  }

  void missing(std::uint64_t until) {
    const std::string range =
        until - next_ == 1 ? "entry " + std::to_string(next_) + " is missing"
                           : "entries " + std::to_string(next_) + " to " + std::to_string(until - 1) + " are missing";
    problem(nullptr, "index", "", "", range);
    gap_ = true;
    next_ = until;
  }

  void check_bytes(const StoredEntry& entry) {
    const Hash leaf = record::leaf_hash(entry.bytes);
    if (entry.leaf != view(leaf)) {
      problem(&entry, "bytes", to_hex(entry.leaf), to_hex(view(leaf)),
              "its bytes do not have the leaf hash beside them");
    }
    const auto event = parse_json(entry.bytes, record::kEventLimits);
    if (event && event->is_object() && event->contains("source") && string_or(*event, "source") != entry.source) {
      problem(&entry, "source", display(entry.source, kShown), display(string_or(*event, "source"), kShown),
              "the column source differs from the event");
    }
  }

  /// What the log says beside its entries; nothing of it is hashed, so that it must fit them.
  Result<void> read_said() {
    auto quarantine = log_.quarantine();
    if (!quarantine) return quarantine.error();
    reasons_ = std::move(*quarantine);
    auto removals = log_.removals();
    if (!removals) return removals.error();
    for (Removal& removal : *removals) removals_.emplace_back(std::move(removal), 0);
    auto sources = log_.sources();
    if (!sources) return sources.error();
    for (StoredSource& source : *sources) began_[{source.source, source.epoch}] = source.key_id;
    return {};
  }

  void check_dropped(const StoredEntry& entry) {
    ++report_.dropped;
    for (auto& [removal, leaves] : removals_) {
      if (entry.index < removal.first || entry.index > removal.last) continue;
      ++leaves;
      return;
    }
    problem(&entry, "retention", "", "", "its bytes are gone as if by retention, which did not remove it");
  }

  /// Retention removes months as a whole: of one that it removed, nothing can be left that had been there.
  void check_survived(const StoredEntry& entry) {
    if (removals_.empty()) return;
    const std::string month = "entries_" + entry.received_at.substr(0, 4) + "_" + entry.received_at.substr(5, 2);
    for (const auto& [removal, leaves] : removals_) {
      if (removal.partition != month || entry.received_at > removal.at) continue;
      problem(&entry, "retention", "", "",
              "it stands in a month that is recorded as removed as a whole at " + removal.at);
      return;
    }
  }

  void check_removals() {
    for (const auto& [removal, leaves] : removals_) {
      const std::string range = std::to_string(removal.first) + " to " + std::to_string(removal.last);
      if (leaves == 0) {
        problem(nullptr, "retention", "", "", "the entries " + range + " are recorded as removed and were not");
      } else if (report_.removals.size() < options_.problems_max) {
        report_.removals.push_back("entries " + range + " (" + display(removal.partition, kShown) + ") at " +
                                   removal.at + " by " + display(removal.by, kShown));
      }
    }
  }

  void check_sources() {
    for (const auto& [chain, state] : chains_) {
      const std::string name = display(chain.first, kShown) + " epoch " + std::to_string(chain.second);
      const auto began = began_.find(chain);
      if (began == began_.end()) {
        problem(nullptr, "source", "", "", "the log has entries of source " + name + ", which never began there");
        continue;
      }
      const auto key = options_.key_names.find(began->second);
      if (key != options_.key_names.end() && key->second != chain.first) {
        problem(nullptr, "source", display(key->second, kShown), display(chain.first, kShown),
                "source " + name + " began with the key of another");
      } else if (key == options_.key_names.end() && !options_.key_names.empty()) {
        report_.notes.push_back("source " + name + " began with a key that the configuration does not name");
      }
    }
    for (const auto& [chain, key] : began_) {
      if (chains_.contains(chain)) continue;
      problem(nullptr, "source", "", "",
              "source " + display(chain.first, kShown) + " is recorded to have begun epoch " +
                  std::to_string(chain.second) + ", of which there is no entry");
    }
  }

  void check_quarantine(const StoredEntry& entry) {
    const auto reason = reasons_.find(entry.index);
    if (entry.quarantined && reason == reasons_.end()) {
      problem(&entry, "quarantine", "", "", "its columns are left out, and the quarantine does not say why");
    }
    if (!entry.quarantined && reason != reasons_.end()) {
      problem(&entry, "quarantine", "", "", "the quarantine names it, and its columns are not left out");
    }
    if (!entry.quarantined) return;
    if (++report_.quarantined > options_.problems_max) return;
    const auto event = expected_columns(entry.bytes);
    report_.quarantine.push_back({entry.index, name_in(event, "type"), name_in(event, "operation_id"),
                                  reason == reasons_.end() ? "" : display(reason->second, kShown)});
  }

  void check_columns(const StoredEntry& entry) {
    auto expected = expected_columns(entry.bytes);
    check_quarantine(entry);
    if (entry.quarantined) {
      for (auto& [name, value] : expected) value.reset();
    }
    for (const auto& [name, value] : expected) {
      const auto found = entry.columns.find(name);
      const std::optional<std::string> stored = found == entry.columns.end() ? std::nullopt : found->second;
      if (stored != value) {
        problem(&entry, name, shown(stored), shown(value), "the column " + name + " differs from the event");
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
      problem(&entry, "sequence", std::to_string(entry.sequence), std::to_string(chain.sequence + 1),
              "source " + display(entry.source, kShown) + " has a gap or a repetition");
    }
    // From the stored head on after a fault, so that one altered entry is one problem.
    const Hash head = record::next_head(chain.head, entry.bytes);
    const bool known = entry.sequence == chain.sequence + 1 && !entry.dropped;
    if (known && entry.head != view(head)) {
      problem(&entry, "chain", to_hex(entry.head), to_hex(view(head)),
              "it does not continue the chain of source " + display(entry.source, kShown));
    }
    chain.sequence = entry.sequence;
    if (entry.head.size() == sizeof(Hash)) chain.head = hash_from(entry.head);
  }

  void check_tail() {
    const auto beyond = claims_.upper_bound(next_);
    if (beyond == claims_.end()) return;
    const auto& last = *claims_.rbegin();
    problem(nullptr, "tail", std::to_string(next_), std::to_string(last.first),
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
      problem(nullptr, "tree", found == stored->end() ? "nothing" : to_hex(found->second), to_hex(view(hash)),
              "the stored tree differs for the entries " + std::to_string(id.second << id.first) + " to " +
                  std::to_string(((id.second + 1) << id.first) - 1));
    }
    for (const auto& [id, hash] : *stored) {
      if (nodes_.contains(id)) continue;
      problem(nullptr, "tree", to_hex(hash), "nothing",
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
  std::map<std::int64_t, std::string> reasons_;
  std::vector<std::pair<Removal, std::uint64_t>> removals_;             ///< with how many of its leaves were seen
  std::map<std::pair<std::string, std::uint64_t>, std::string> began_;  ///< key ids
};

}  // namespace

Result<Report> verify(const Options& options) {
  auto log = open_log(options.database);
  if (!log) return log.error();
  auto report = Verification(options, **log).run();
  if (!report) return report;
  const auto schema = check_schema(options.database);
  if (!schema) return schema.error();
  for (const std::string& difference : schema->differences) {
    ++report->problem_count;
    Problem problem;
    problem.where = "schema";
    problem.text = difference;
    if (report->problems.size() < options.problems_max) report->problems.push_back(std::move(problem));
  }
  report->notes.insert(report->notes.end(), schema->notes.begin(), schema->notes.end());
  return report;
}

}  // namespace holdpoint::auditor::verify
