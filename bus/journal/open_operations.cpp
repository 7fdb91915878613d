#include "bus/journal/open_operations.hpp"

#include <algorithm>

#include "bus/record/event.hpp"

namespace holdpoint::journal {
namespace {

constexpr std::size_t kEntriesMax = 4096;
constexpr std::size_t kChunkBytesMax = 8 << 20;

// Keys are sorted, so the type ends an event: most entries need not be parsed.
bool is_of_type(BytesView entry, std::string_view type) {
  return entry.ends_with("\"type\":\"" + std::string(type) + "\"}");
}

}  // namespace

Result<void> OpenOperations::restore(Journal& journal) {
  Journal::Reader reader = journal.reader();
  for (std::uint64_t next = journal.oldest();;) {
    const auto chunk = reader.read(next, kEntriesMax, kChunkBytesMax);
    if (!chunk) return chunk.error();
    if (chunk->entries.empty()) break;
    for (const Bytes& entry : chunk->entries) take(entry, next++);
  }
  restored();
  return {};
}

void OpenOperations::restored() {
  for (auto& [id, open] : open_) open.state = State::abandoned;
}

void OpenOperations::take(BytesView entry, std::uint64_t sequence) {
  const bool opens = is_of_type(entry, record::type::kOperationIntended);
  const bool continues = is_of_type(entry, record::type::kOperationContinued);
  if (!opens && !continues && !is_of_type(entry, record::type::kOperationCompleted)) return;
  const auto event = record::event_from_json(entry);
  if (!event) return;
  if (opens || continues) {
    open_[event->subject] = {string_or(event->data, "session_id"), sequence, State::under_way, false};
  } else {
    open_.erase(event->subject);
  }
}

void OpenOperations::begin(const std::string& operation_id, std::string session_id, std::uint64_t from) {
  const std::lock_guard lock(mutex_);
  open_[operation_id] = {std::move(session_id), from, State::under_way, false};
}

void OpenOperations::closing(const std::string& operation_id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(operation_id); found != open_.end()) found->second.state = State::closing;
}

void OpenOperations::end(const std::string& operation_id) {
  const std::lock_guard lock(mutex_);
  open_.erase(operation_id);
}

void OpenOperations::abandon(const std::string& operation_id, bool nothing_sent) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(operation_id);
  if (found == open_.end()) return;
  found->second.state = State::abandoned;
  found->second.nothing_sent = found->second.nothing_sent || nothing_sent;
}

std::uint64_t OpenOperations::keep_from() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t from = UINT64_MAX;
  for (const auto& [id, open] : open_) from = std::min(from, open.from);
  return from;
}

std::vector<OpenOperations::Abandoned> OpenOperations::abandoned() const {
  const std::lock_guard lock(mutex_);
  std::vector<Abandoned> out;
  for (const auto& [id, open] : open_) {
    if (open.state == State::abandoned) out.push_back({id, open.session_id, open.nothing_sent});
  }
  return out;
}

void OpenOperations::carry(std::uint64_t sequence,
                           const std::function<void(const std::string&, const std::string&)>& say) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, open] : open_) {
    if (open.state != State::under_way || open.from >= sequence) continue;
    say(id, open.session_id);
  }
}

void OpenOperations::carried(const std::string& operation_id, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(operation_id);
  if (found == open_.end()) return;
  found->second.from = std::max(found->second.from, sequence);
}

}  // namespace holdpoint::journal
