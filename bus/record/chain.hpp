// A source's entries as they travel to the log: chained, packed, signed (PROTOCOL.md, "records").
//
//   head(0) = 32 zero bytes      head(n) = SHA-256(head(n-1) || entry(n))
//
// Sequences begin at 1 in each epoch. An epoch is one life of a source's journal directory: it survives restarts, and
// a source that lost its journal begins a newer epoch instead of reusing sequences.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::record {

/// A JSON body of 1 MiB with every byte escaped; a longer entry is refused where it is made.
constexpr std::size_t kEntryBytesMax = 8 << 20;
/// Of one submission. With the attachment's 64 MiB this bounds what an auditor holds per request.
constexpr std::size_t kSubmissionEntriesMax = 500;

/// Where an entry stands in its source's chain. Ordered.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Position&) const = default;
};

Hash next_head(const Hash& previous, BytesView entry);

/// Entries first .. first + entries.size() - 1 of one source's chain.
struct Submission {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  Hash previous{};  ///< head(first - 1)
  Hash head{};      ///< head of the last entry
  std::vector<Bytes> entries;
  Bytes signature;

  [[nodiscard]] std::uint64_t last() const { return first + entries.size() - 1; }
};

/// What the source signs. The head binds the entries, the rest binds the head to its place.
std::string signature_text(std::string_view deployment, const Submission& submission);

/// "RecordsSubmitted" with one attachment: entries, each u32 big-endian length and bytes.
wire::Message submission_to_message(const Submission& submission);
/// Fails with `malformed` or `too_large`. Does not check chain or signature.
Result<Submission> submission_from_message(const wire::Message& message);

}  // namespace holdpoint::record
