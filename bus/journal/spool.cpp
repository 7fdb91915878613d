#include "bus/journal/spool.hpp"

#include <algorithm>

#include "bus/journal/scanner.hpp"

namespace holdpoint::journal {
namespace {

constexpr const char* kIncoming = "incoming";  // a segment that is still being made
// Bytes of a file that were written before are overwritten without touching the file system's own books: a sync has
// less to do. So zeros are written this far ahead of the entries, together with the entry that crosses the line.
constexpr std::uint64_t kZeroedAhead = 256 << 10;

std::uint64_t framed_bytes(const std::vector<Bytes>& entries) {
  std::uint64_t bytes = 0;
  for (const Bytes& entry : entries) bytes += kEntryHeadBytes + entry.size();
  return bytes;
}

}  // namespace

Result<Spool> Spool::open(Directory& directory, SpoolOptions options) {
  Spool spool(directory, options);
  if (auto loaded = spool.load(); !loaded) return loaded.error();
  if (auto begun = spool.begin_segment(0); !begun) return begun.error();
  return spool;
}

Result<void> Spool::load() {
  auto names = directory_->list();
  if (!names) return names.error();
  std::vector<std::uint64_t> firsts;
  for (const std::string& name : *names) {
    if (const auto first = first_of_segment_name(name)) firsts.push_back(*first);
  }
  std::sort(firsts.begin(), firsts.end());
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    const std::uint64_t next = i + 1 < firsts.size() ? firsts[i + 1] : UINT64_MAX;
    if (auto loaded = load_segment(firsts[i], next); !loaded) return loaded.error();
  }
  if (firsts.empty()) {
    epoch_ = options_.epoch_if_new;
    HOLDPOINT_INVARIANT(epoch_ > 0);
  }
  boot_ = std::max(boot_ + 1, options_.boot_least);
  return {};
}

Result<void> Spool::load_segment(std::uint64_t first, std::uint64_t next) {
  const std::string name = segment_name(first);
  auto file = directory_->open(name);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const auto header_bytes = (*file)->read_at(0, kHeaderBytes);
  if (!header_bytes) return header_bytes.error();
  const auto header = decode_header(*header_bytes);
  if (!header) return fail(Code::tampered, "journal segment " + name + ": " + header.error().context);
  const bool begins = segments_.empty();
  if (!begins && (header->epoch != epoch_ || header->first <= segments_.back().first)) {
    return fail(Code::tampered, "journal segment " + name + " does not follow the one before it");
  }
  if (header->first != first) return fail(Code::tampered, "journal segment " + name + " has another's name");
  epoch_ = header->epoch;
  boot_ = std::max(boot_, header->boot);
  if (!begins && (segments_.back().last() + 1 != first || head_ != header->previous)) {
    return fail(Code::tampered, "journal entries before " + std::to_string(first) + " are damaged or missing");
  }
  Scanner scanner(std::move(*file), first, header->previous);
  while (scanner.sequence() < next) {
    const auto entry = scanner.next();
    if (!entry) return entry.error();
    if (!*entry) break;
  }
  head_ = scanner.head();
  segments_.push_back({first, scanner.sequence() - first, scanner.offset(), header->previous, *size});
  if (*size > scanner.offset() && scanner.file().truncate(scanner.offset()).has_value()) {
    segments_.back().file_bytes = scanner.offset();
  }
  // A killed process leaves entries that were written but not synced: they count now, so they must be on the disk.
  return scanner.file().sync();
}

Result<void> Spool::begin_segment(std::uint64_t bytes_wanted) {
  const SegmentHeader header{epoch_, boot_, segments_.empty() ? 1 : last() + 1, head_};
  const std::uint64_t size = std::max(options_.segment_bytes, kHeaderBytes + bytes_wanted);
  static_cast<void>(directory_->remove(kIncoming));  // left by a crash, or not there at all
  auto file = directory_->create(kIncoming);
  if (!file) return file.error();
  if (auto done = (*file)->allocate(size); !done) return done.error();
  Bytes beginning = encode_header(header);
  const std::uint64_t zeroed = std::min(size, kHeaderBytes + bytes_wanted + kZeroedAhead);
  beginning.resize(zeroed, '\0');
  if (auto done = write_all(**file, 0, beginning); !done) return done.error();
  if (auto done = (*file)->sync(); !done) return done.error();
  close_segment();
  if (auto done = directory_->rename(kIncoming, segment_name(header.first)); !done) return done.error();
  if (auto done = directory_->sync(); !done) return done.error();
  // An empty segment had the same name and has just been replaced.
  if (!segments_.empty() && segments_.back().count == 0) segments_.pop_back();
  segments_.push_back({header.first, 0, kHeaderBytes, head_, size});
  file_ = std::move(*file);
  zeroed_ = zeroed;
  return {};
}

void Spool::close_segment() {
  if (!file_) return;
  SegmentInfo& segment = segments_.back();
  // Gives the unused end back to the disk; the next header says where this segment ends, whether or not it works.
  if (file_->truncate(segment.end).has_value()) segment.file_bytes = segment.end;
  file_.reset();
}

std::uint64_t Spool::bytes() const {
  std::uint64_t bytes = 0;
  for (const SegmentInfo& segment : segments_) bytes += segment.file_bytes;
  return bytes;
}

Result<void> Spool::ensure_room(std::uint64_t bytes_wanted) {
  const SegmentInfo& current = segments_.back();
  if (current.end + bytes_wanted <= current.file_bytes && file_) return {};
  const std::uint64_t more = std::max(options_.segment_bytes, kHeaderBytes + bytes_wanted);
  if (bytes() + more > options_.bytes_max) drop_acknowledged(0, true);
  if (bytes() + more > options_.bytes_max) {
    return fail(Code::not_durable, "the journal is full: the auditor has not taken " + std::to_string(bytes()) +
                                       " bytes, the bound is " + std::to_string(options_.bytes_max));
  }
  return begin_segment(bytes_wanted);
}

Result<void> Spool::append(const std::vector<Bytes>& entries) {
  if (failed_) return fail(Code::not_durable, "the journal has failed and is not open yet");
  const std::uint64_t bytes_wanted = framed_bytes(entries);
  if (auto room = ensure_room(bytes_wanted); !room) {
    // A full journal needs no recovery: it takes entries again as soon as some were acknowledged. A disk does.
    failed_ = !file_;
    return room.error();
  }
  Bytes framed;
  framed.reserve(bytes_wanted);
  Hash head = head_;
  for (const Bytes& entry : entries) {
    HOLDPOINT_INVARIANT(!entry.empty() && entry.size() <= record::kEntryBytesMax);
    head = record::next_head(head, entry);
    encode_entry(framed, entry, head);
  }
  SegmentInfo& segment = segments_.back();
  const std::uint64_t end = segment.end + framed.size();
  std::uint64_t zeroed = zeroed_;
  if (end > zeroed) {
    zeroed = std::min(segment.file_bytes, end + kZeroedAhead);
    framed.resize(zeroed - segment.end, '\0');
  }
  if (auto written = write_durably(framed); !written) {
    failed_ = true;
    return written.error();
  }
  head_ = head;
  zeroed_ = zeroed;
  segment.count += entries.size();
  segment.end = end;
  return {};
}

Result<void> Spool::write_durably(BytesView framed) {
  if (auto written = write_all(*file_, segments_.back().end, framed); !written) return written;
  return file_->sync();
}

Result<void> Spool::recover() {
  HOLDPOINT_INVARIANT(failed_);
  if (auto begun = begin_segment(0); !begun) return begun.error();
  failed_ = false;
  return {};
}

void Spool::forget(std::uint64_t through) {
  acknowledged_ = std::max(acknowledged_, through);
  drop_acknowledged(options_.retain_bytes, false);
}

// At the bound room comes first: outcomes could not be written either, and memory still knows who lacks one.
void Spool::drop_acknowledged(std::uint64_t bytes_kept, bool at_the_bound) {
  while (segments_.size() > 1 && segments_.front().last() <= acknowledged_ && bytes() > bytes_kept) {
    if (!at_the_bound && keep_from_ && segments_.front().last() >= keep_from_()) return;
    // A removal that fails is tried again with the next acknowledgement.
    if (!directory_->remove(segment_name(segments_.front().first)).has_value()) return;
    segments_.pop_front();
    // One by one: were two removals to reach the disk in the other order, a crash would leave a hole.
    if (!directory_->sync().has_value()) return;
  }
}

}  // namespace holdpoint::journal
