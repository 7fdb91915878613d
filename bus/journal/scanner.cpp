#include "bus/journal/scanner.hpp"

namespace holdpoint::journal {
namespace {

constexpr std::size_t kReadAhead = 256 << 10;

}  // namespace

Result<BytesView> Scanner::at_least(std::size_t count) {
  const std::uint64_t skip = offset_ - buffer_offset_;
  if (offset_ < buffer_offset_ || skip > buffer_.size() || buffer_.size() - skip < count) {
    if (offset_ >= end_) return BytesView();
    auto bytes = file_->read_at(offset_, std::min<std::uint64_t>(std::max(count, kReadAhead), end_ - offset_));
    if (!bytes) return bytes.error();
    buffer_ = std::move(*bytes);
    buffer_offset_ = offset_;
    return BytesView(buffer_);
  }
  return BytesView(buffer_).substr(skip);
}

Result<std::optional<Bytes>> Scanner::next() {
  auto entry = try_next();
  if (entry && !*entry && buffer_offset_ != offset_) {
    // What was read ahead of the writer may have been written since.
    buffer_.clear();
    entry = try_next();
  }
  if (!entry || !*entry) buffer_.clear();
  return entry;
}

Result<std::optional<Bytes>> Scanner::try_next() {
  auto bytes = at_least(kEntryHeadBytes);
  if (!bytes) return bytes.error();
  const auto entry_head = decode_entry_head(*bytes);
  if (!entry_head) return std::optional<Bytes>();
  const std::size_t framed = kEntryHeadBytes + entry_head->length;
  bytes = at_least(framed);
  if (!bytes) return bytes.error();
  if (bytes->size() < framed) return std::optional<Bytes>();
  Bytes entry(bytes->substr(kEntryHeadBytes, entry_head->length));
  const Hash head = record::next_head(head_, entry);
  if (view(head).substr(0, 8) != entry_head->check) return std::optional<Bytes>();
  head_ = head;
  offset_ += framed;
  ++sequence_;
  return std::optional<Bytes>(std::move(entry));
}

}  // namespace holdpoint::journal
