#include "bus/journal/segment.hpp"

#include <charconv>

namespace holdpoint::journal {
namespace {

constexpr std::string_view kMagic = "HPJRNL1\n";
constexpr std::string_view kSuffix = ".segment";
constexpr std::size_t kDigits = 20;

void put(Bytes& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
}

std::uint64_t get(BytesView bytes, std::size_t offset, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

}  // namespace

std::string segment_name(std::uint64_t first) {
  std::string digits = std::to_string(first);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> first_of_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, first);
  if (error != std::errc() || end != name.data() + kDigits || first == 0) return std::nullopt;
  return first;
}

Bytes encode_header(const SegmentHeader& header) {
  Bytes out(kMagic);
  put(out, header.epoch, 8);
  put(out, header.boot, 8);
  put(out, header.first, 8);
  out += view(header.previous);
  const Hash check = sha256(out);
  out += view(check);
  HOLDPOINT_INVARIANT(out.size() == kHeaderBytes);
  return out;
}

Result<SegmentHeader> decode_header(BytesView bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic) ||
      view(sha256(bytes.substr(0, 64))) != bytes.substr(64, 32)) {
    return fail(Code::tampered, "a journal segment's header is damaged");
  }
  SegmentHeader header;
  header.epoch = get(bytes, 8, 8);
  header.boot = get(bytes, 16, 8);
  header.first = get(bytes, 24, 8);
  header.previous = hash_from(bytes.substr(32, 32));
  return header;
}

void encode_entry(Bytes& out, BytesView entry, const Hash& head) {
  put(out, entry.size(), 4);
  out += view(head).substr(0, 8);
  out += entry;
}

std::optional<EntryHead> decode_entry_head(BytesView bytes) {
  if (bytes.size() < kEntryHeadBytes) return std::nullopt;
  EntryHead head;
  head.length = get(bytes, 0, 4);
  if (head.length == 0 || head.length > record::kEntryBytesMax) return std::nullopt;
  head.check = Bytes(bytes.substr(4, 8));
  return head;
}

}  // namespace holdpoint::journal
