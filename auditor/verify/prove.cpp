#include <charconv>

#include "auditor/verify/log_source.hpp"
#include "auditor/verify/replay.hpp"
#include "auditor/verify/verify.hpp"
#include "bus/base/json.hpp"
#include "bus/record/event_limits.hpp"
#include "bus/record/note.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::auditor::verify {
namespace {

constexpr std::string_view kProofHead = "c2sp.org/tlog-proof@v1\n";
constexpr std::size_t kExportPage = 2000;

/// One sibling on the way from a leaf to the root: the leaves that it covers.
struct Sibling {
  std::uint64_t begin;
  std::uint64_t end;
  Counter tree;
};

/// From the leaf upwards.
std::vector<Sibling> siblings_of(std::uint64_t index, std::uint64_t size) {
  std::vector<Sibling> siblings;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    std::uint64_t half = 1;
    while (half * 2 < end - begin) half *= 2;
    const std::uint64_t middle = begin + half;
    if (index < middle) {
      siblings.insert(siblings.begin(), Sibling{middle, end, {}});
      end = middle;
    } else {
      siblings.insert(siblings.begin(), Sibling{begin, middle, {}});
      begin = middle;
    }
  }
  return siblings;
}

std::string_view line_of(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// The root that the path leads to; walks down as siblings_of does, then up.
Result<Hash> root_of(std::uint64_t index, std::uint64_t size, Hash hash, const std::vector<Hash>& path) {
  const std::vector<Sibling> siblings = siblings_of(index, size);
  if (siblings.size() != path.size()) return fail(Code::malformed, "the proof's path has another length");
  for (std::size_t i = 0; i < path.size(); ++i) {
    hash = siblings[i].begin > index ? combine(hash, path[i]) : combine(path[i], hash);
  }
  return hash;
}

}  // namespace

Result<Proof> prove(const Options& options, std::uint64_t index) {
  auto log = open_log(options.database);
  if (!log) return log.error();
  const auto checkpoints = (*log)->checkpoints();
  if (!checkpoints) return checkpoints.error();
  if (checkpoints->empty() || checkpoints->back().size <= index) {
    return fail(Code::not_found, "no checkpoint covers entry " + std::to_string(index) + " yet");
  }
  Proof proof;
  proof.index = index;
  proof.checkpoint = checkpoints->back().note;
  const std::uint64_t size = checkpoints->back().size;
  std::vector<Sibling> siblings = siblings_of(index, size);
  std::uint64_t next = 0;
  if (auto begun = (*log)->begin(0); !begun) return begun.error();
  while (next < size) {
    const auto page = (*log)->next(kExportPage);
    if (!page) return page.error();
    if (page->empty()) return fail(Code::tampered, "the log has gaps; verify it");
    for (const StoredEntry& entry : *page) {
      if (next == size) break;
      const std::uint64_t at = next++;
      if (entry.index != static_cast<std::int64_t>(at)) {
        return fail(Code::tampered, "the log has gaps, or two entries of one index; verify it");
      }
      if (at == index) proof.entry = entry.bytes;
      const bool gone = entry.dropped && entry.leaf.size() == sizeof(Hash);
      const Hash leaf = gone ? hash_from(entry.leaf) : record::leaf_hash(entry.bytes);
      for (Sibling& sibling : siblings) {
        if (at >= sibling.begin && at < sibling.end) sibling.tree.add(leaf);
      }
    }
  }
  for (const Sibling& sibling : siblings) proof.path.push_back(sibling.tree.root());
  return proof;
}

std::string proof_to_text(const Proof& proof) {
  std::string text(kProofHead);
  text += "index " + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.path) text += to_base64(view(hash)) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<void> check_proof(std::string_view text, BytesView entry, const std::vector<Bytes>& public_keys) {
  if (!text.starts_with(kProofHead)) return fail(Code::malformed, "not a tlog-proof");
  text.remove_prefix(kProofHead.size());
  std::string_view index_line = line_of(text);
  std::uint64_t index = 0;
  if (!index_line.starts_with("index ")) return fail(Code::malformed, "the proof names no index");
  index_line.remove_prefix(6);
  const auto [end, error] = std::from_chars(index_line.data(), index_line.data() + index_line.size(), index);
  if (error != std::errc() || end != index_line.data() + index_line.size()) {
    return fail(Code::malformed, "the proof's index is no number");
  }
  std::vector<Hash> path;
  for (std::string_view line = line_of(text); !line.empty(); line = line_of(text)) {
    const auto hash = from_base64(line);
    if (!hash || hash->size() != sizeof(Hash) || path.size() == 64) return fail(Code::malformed, "a hash is damaged");
    path.push_back(hash_from(*hash));
  }
  const auto checkpoint = record::open_checkpoint(text, public_keys);
  if (!checkpoint) return checkpoint.error();
  if (index >= checkpoint->size) return fail(Code::malformed, "the checkpoint does not reach the entry");
  const auto root = root_of(index, checkpoint->size, record::leaf_hash(entry), path);
  if (!root) return root.error();
  if (*root != checkpoint->root)
    return fail(Code::tampered, "the entry is not in the log at index " + std::to_string(index));
  return {};
}

Result<std::uint64_t> export_entries(const Options& options, std::uint64_t first,
                                     const std::function<bool(std::string_view line)>& line) {
  auto log = open_log(options.database);
  if (!log) return log.error();
  std::uint64_t count = 0;
  const auto from = static_cast<std::int64_t>(std::min<std::uint64_t>(first, INT64_MAX));
  if (auto begun = (*log)->begin(from); !begun) return begun.error();
  for (;;) {
    const auto page = (*log)->next(kExportPage);
    if (!page) return page.error();
    if (page->empty()) return count;
    for (const StoredEntry& entry : *page) {
      if (entry.dropped) continue;
      Json object{{"index", entry.index}, {"received_at", entry.received_at}, {"source", entry.source},
                  {"epoch", entry.epoch}, {"sequence", entry.sequence},       {"leaf_hash", to_base64(entry.leaf)}};
      if (auto event = parse_json(entry.bytes, record::kEventLimits)) {
        object["event"] = std::move(*event);
      } else {
        object["bytes"] = to_base64(entry.bytes);
      }
      ++count;
      // The same values in ASCII alone: nothing that an agent named can move a terminal's cursor or turn its text
      // round.
      if (!line(object.dump(-1, ' ', true, Json::error_handler_t::replace))) return count;
    }
  }
}

}  // namespace holdpoint::auditor::verify
