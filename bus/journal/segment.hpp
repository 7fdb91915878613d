// The journal's file format. All integers big-endian. A journal is a directory of segments, "%020u.segment" by first
// sequence; each is made whole (header, zeros to its full size), synced and only then renamed into place.
//
//   header, 96 bytes                             entry
//     0  8  "HPJRNL1\n"                            0  4  length n; 0 = nothing follows
//     8  8  epoch                                  4  8  first 8 bytes of head(sequence)
//    16  8  boot: how often the journal was opened 12 n  the entry
//    24  8  first sequence
//    32 32  head(first - 1)
//    64 32  SHA-256 of the 64 bytes before
//
// head(n) = SHA-256(head(n-1) || entry(n)), so an entry's check covers its bytes, its place and everything before it:
// neither a torn write nor old bytes of another place can pass. A segment ends where the next one's header says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/base/crypto.hpp"
#include "bus/record/chain.hpp"

namespace holdpoint::journal {

constexpr std::size_t kHeaderBytes = 96;
constexpr std::size_t kEntryHeadBytes = 12;

struct SegmentHeader {
  std::uint64_t epoch = 0;
  std::uint64_t boot = 0;
  std::uint64_t first = 1;
  Hash previous{};
};

std::string segment_name(std::uint64_t first);
/// nullopt for a file that is no segment.
std::optional<std::uint64_t> first_of_segment_name(std::string_view name);

Bytes encode_header(const SegmentHeader& header);
/// Fails with `tampered`.
Result<SegmentHeader> decode_header(BytesView bytes);

/// Appends the entry's framed form to `out`; `head` is the chain's head after it.
void encode_entry(Bytes& out, BytesView entry, const Hash& head);

struct EntryHead {
  std::size_t length = 0;
  Bytes check;
};
/// nullopt where nothing (more) was written, or what stands there cannot be an entry.
std::optional<EntryHead> decode_entry_head(BytesView bytes);

}  // namespace holdpoint::journal
