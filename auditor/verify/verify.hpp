// Checks the log against what cannot be forged without being seen: hashes, signed checkpoints, the sources' chains.
//
// Shares with the writer only the leaf and node hash, the chain's hash and the note format (bus/record); the tree, the
// columns and the reading are its own, so that a fault in one shows in the other. Needs a database role that may read
// (holdpoint_reader is enough), the public keys of the auditors, and, to notice a cut-off tail, an earlier checkpoint.
//
// It compares the views, functions, triggers and unique indexes with those that the schema of this version makes, since
// people read the views and not the hashes.
//
// What it cannot see: entries beyond the last checkpoint that were replaced as a whole; entries that somebody put at
// the end of the log with the writer's rights while no auditor held its lock (a source signs what it submits, the log
// does not keep the signature); received_at, which no hash covers; whether a removal that is recorded as retention was
// one, which is why each is named; the rows of a database that lies about them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::auditor::verify {

/// A checkpoint that stands outside of the database.
struct KeptNote {
  std::string from;  ///< as a sentence about it begins, e.g. "the checkpoint in FILE"
  std::string note;
};

struct Options {
  std::string database;            ///< DSN
  std::string deployment;          ///< the log's origin derives from it
  std::vector<Bytes> public_keys;  ///< Ed25519 keys of this deployment's auditors, revoked ones included
  std::vector<KeptNote> earlier;   ///< checkpoints that the user, or an auditor on its own disk, has kept
  std::size_t problems_max = 100;  ///< more are counted, not listed
  /// The names of the deployment's keys by their id, revoked ones included; empty = not known.
  std::map<std::string, std::string> key_names = {};
};

/// One thing that does not fit, with what stands in the log and what should.
struct Problem {
  std::optional<std::int64_t> index;  ///< of the entry, where one can be named
  std::string where;                  ///< column, "tree", "checkpoint", "chain", "tail", …
  std::string stored;
  std::string computed;
  std::string text;       ///< a sentence for people; agent-supplied parts are passed through display()
  std::string type;       ///< of the entry's event, as it stands there now; display()ed, empty without one
  std::string operation;  ///< its operation_id, likewise
};

/// An entry whose columns PostgreSQL refused: no view shows it, so it is named.
struct Quarantined {
  std::int64_t index = 0;
  std::string type;
  std::string operation;
  std::string reason;
};

struct Report {
  std::uint64_t entries = 0;
  Hash root{};
  std::uint64_t checkpoints = 0;      ///< in the table and given, all of them checked
  std::uint64_t checkpoint_size = 0;  ///< of the largest one that holds
  std::uint64_t sources = 0;          ///< chains (source and epoch) followed
  std::uint64_t quarantined = 0;
  std::vector<Quarantined> quarantine;  ///< the first Options::problems_max of them
  std::uint64_t dropped = 0;            ///< removed by retention; their leaf hashes remain
  std::uint64_t problem_count = 0;
  std::vector<Problem> problems;
  std::vector<std::string> removals;  ///< each month that retention is recorded to have removed, by whom and when
  std::vector<std::string> notes;     ///< what is no fault but worth knowing, e.g. a source that began a new epoch

  [[nodiscard]] bool intact() const { return problem_count == 0; }
};

/// Reads the whole log once. An Error means that it could not be read, not that it is altered.
Result<Report> verify(const Options& options);

/// An inclusion proof under the log's newest checkpoint, as a C2SP tlog-proof: anyone can check it with the public key.
struct Proof {
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;  ///< the signed note
  Bytes entry;
};
/// `not_found` when no checkpoint covers the entry yet.
Result<Proof> prove(const Options& options, std::uint64_t index);
std::string proof_to_text(const Proof& proof);
/// Entry, proof and checkpoint fit together under one of the keys; else `tampered` or `malformed`.
Result<void> check_proof(std::string_view proof_text, BytesView entry, const std::vector<Bytes>& public_keys);

/// Entries as JSON lines {"index","received_at","source","epoch","sequence","leaf_hash","event"} in order; what is no
/// JSON comes as "bytes" (base64) instead of "event". Returns how many. `line` returns false to stop.
Result<std::uint64_t> export_entries(const Options& options, std::uint64_t first,
                                     const std::function<bool(std::string_view line)>& line);

}  // namespace holdpoint::auditor::verify
