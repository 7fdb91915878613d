// Decides about one submission of a source: whose it is, whether it continues the chain, what of it is new. Pure.
//
//   the stamped key id must be the named source's, unrevoked   -> else denied
//   its signature must cover deployment, source, epoch, place and head -> else tampered
//   the entries must lead from `previous` to `head`            -> else tampered
//   a newer epoch begins at 1; an older one is closed          -> else conflict, stale
//   what is at or below the mark must be what the log has      -> else conflict
//   the rest must begin right after the mark                   -> else conflict, naming the sequence expected
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/record/chain.hpp"

namespace holdpoint::auditor {

/// By key id: who may sign for which source. Made from the configuration document; a revoked key is not in it.
struct SourceKey {
  std::string source;
  Bytes sign_public;
};
using SourceKeys = std::map<std::string, SourceKey>;

/// How far the log has come with a source.
struct SourceMark {
  std::uint64_t epoch = 0;
  std::uint64_t through = 0;
  Hash head{};
};

/// The chain's head after an entry that the log has; nullopt when it has none there.
using HeadLookup = std::function<Result<std::optional<Hash>>(const std::string& source, record::Position position)>;

struct Verdict {
  std::size_t skip = 0;     ///< so many entries at the front are in the log already
  std::vector<Hash> heads;  ///< after each entry, skipped ones included
};

Result<Verdict> check_submission(const record::Submission& submission, const std::string& deployment,
                                 const std::string& sender_key_id, const SourceKeys& keys, const SourceMark& mark,
                                 const HeadLookup& lookup);

/// May this key ask about this source?
Result<void> check_source(const std::string& source, const std::string& sender_key_id, const SourceKeys& keys);

}  // namespace holdpoint::auditor
