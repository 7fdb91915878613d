#include "bus/journal/journal.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "bus/journal/scanner.hpp"

namespace holdpoint::journal {
namespace {

struct Waiting {
  Bytes entry;
  Appended done;
};

/// Takes from the front of `queue` what one write may hold; at least one entry.
std::vector<Waiting> take_batch(std::deque<Waiting>& queue, std::size_t bytes_max) {
  std::vector<Waiting> batch;
  std::size_t bytes = 0;
  while (!queue.empty() && (batch.empty() || bytes + queue.front().entry.size() <= bytes_max)) {
    bytes += queue.front().entry.size();
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return batch;
}

}  // namespace

struct Journal::State {
  State(std::unique_ptr<Directory> directory_in, Spool spool_in, JournalOptions options_in)
      : directory(std::move(directory_in)), spool(std::move(spool_in)), options(options_in) {}

  std::unique_ptr<Directory> directory;
  Spool spool;  ///< the writer thread's alone
  JournalOptions options;

  mutable std::mutex mutex;  // of all below
  std::condition_variable wake;
  std::deque<Waiting> queue;
  std::size_t queued_bytes = 0;
  bool stopping = false;
  bool forget = false;
  bool failed = false;
  Error failure{Code::not_durable, ""};
  std::deque<SegmentInfo> segments;  ///< what readers may see: durable
  std::uint64_t spool_bytes = 0;
  std::uint64_t acknowledged = 0;
  std::multimap<Position, Appended> acknowledgement_waiters;
  std::function<void()> notify;
  std::size_t last_batch = 0;  ///< entries of the last write
  std::thread thread;

  void run();
  void gather(std::unique_lock<std::mutex>& lock) const;
  void write(std::vector<Waiting> batch, std::unique_lock<std::mutex>& lock);
  void try_again(std::unique_lock<std::mutex>& lock);
  void publish();
  void fail_queue(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::uint64_t durable() const { return segments.back().last(); }
};

void Journal::State::publish() {
  // The last segment or two change; copying the short list keeps readers off the spool.
  segments = spool.segments();
  spool_bytes = spool.bytes();
}

/// Where entries come from many at once, one sync for more of them costs each a moment and saves a processor's time.
void Journal::State::gather(std::unique_lock<std::mutex>& lock) const {
  if (stopping || last_batch < options.gather_from || queue.size() >= options.gather_enough) return;
  const auto wait = std::min(options.gather_max, options.gather_each * static_cast<int>(last_batch));
  lock.unlock();
  std::this_thread::sleep_for(wait);
  lock.lock();
}

void Journal::State::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    const auto due = [this] { return stopping || forget || !queue.empty(); };
    if (failed) {
      wake.wait_for(lock, options.retry_after, [this] { return stopping; });
      if (stopping) return fail_queue(lock);
      try_again(lock);
      continue;
    }
    wake.wait(lock, due);
    if (forget) {
      forget = false;
      const std::uint64_t through = acknowledged;
      lock.unlock();
      spool.forget(through);
      lock.lock();
      publish();
    }
    if (!queue.empty()) {
      gather(lock);
      write(take_batch(queue, options.batch_bytes_max), lock);
    } else if (stopping) {
      return;
    }
  }
}

void Journal::State::write(std::vector<Waiting> batch, std::unique_lock<std::mutex>& lock) {
  std::vector<Bytes> entries;
  entries.reserve(batch.size());
  std::size_t bytes = 0;
  for (Waiting& waiting : batch) {
    bytes += waiting.entry.size();
    entries.push_back(std::move(waiting.entry));
  }
  lock.unlock();
  last_batch = entries.size();
  const std::uint64_t first = spool.last() + 1;
  const auto written = spool.append(entries);
  lock.lock();
  queued_bytes -= bytes;
  publish();
  if (!written) {
    failed = spool.failed();
    failure = written.error();
  }
  const auto notify_now = written ? notify : nullptr;
  lock.unlock();
  std::uint64_t sequence = first;
  for (Waiting& waiting : batch) {
    if (written) {
      waiting.done(Position{spool.epoch(), sequence++});
    } else {
      waiting.done(written.error());
    }
  }
  if (notify_now) notify_now();
  lock.lock();
  if (failed) fail_queue(lock);
}

void Journal::State::fail_queue(std::unique_lock<std::mutex>& lock) {
  while (!queue.empty()) {
    std::deque<Waiting> refused;
    refused.swap(queue);
    queued_bytes = 0;
    const Error why = failure;
    lock.unlock();
    for (Waiting& waiting : refused) waiting.done(why);
    lock.lock();
  }
}

void Journal::State::try_again(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const auto recovered = spool.recover();
  lock.lock();
  publish();
  failed = !recovered;
  if (!recovered) failure = recovered.error();
}

Result<std::unique_ptr<Journal>> Journal::open(std::unique_ptr<Directory> directory, JournalOptions options) {
  if (options.spool.epoch_if_new == 0) {
    options.spool.epoch_if_new = static_cast<std::uint64_t>(to_unix_ms(system_now()));
  }
  auto spool = Spool::open(*directory, options.spool);
  if (!spool) return spool.error();
  spool->keep_from(options.keep_from);
  const std::uint64_t epoch = spool->epoch();
  const std::uint64_t boot = spool->boot();
  auto state = std::make_unique<State>(std::move(directory), std::move(*spool), options);
  state->publish();
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<Journal>(new Journal(std::move(state), epoch, boot));
}

Journal::Journal(std::unique_ptr<State> state, std::uint64_t epoch, std::uint64_t boot)
    : state_(std::move(state)), epoch_(epoch), boot_(boot) {}

Journal::~Journal() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
  const Error closed = fail(Code::not_durable, "the journal is closing");
  for (auto& [position, done] : state_->acknowledgement_waiters) done(closed);
}

void Journal::append(Bytes entry, Appended done) {
  Error refusal{Code::internal, ""};
  {
    const std::lock_guard lock(state_->mutex);
    if (entry.empty()) {
      refusal = fail(Code::malformed, "an entry is not empty");
    } else if (entry.size() > record::kEntryBytesMax) {
      refusal = fail(Code::too_large, "an entry of " + std::to_string(entry.size()) + " bytes");
    } else if (state_->failed || state_->stopping) {
      refusal = state_->stopping ? fail(Code::not_durable, "the journal is closing") : state_->failure;
    } else if (state_->queued_bytes + entry.size() > state_->options.queue_bytes_max) {
      refusal = fail(Code::overloaded, "the journal's queue is full");
    } else {
      state_->queued_bytes += entry.size();
      state_->queue.push_back({std::move(entry), std::move(done)});
      if (state_->queue.size() == 1) state_->wake.notify_one();
      return;
    }
  }
  done(refusal);
}

void Journal::acknowledge(Position through) {
  std::vector<Appended> ready;
  {
    const std::lock_guard lock(state_->mutex);
    // What the log holds of another epoch, or beyond what this journal wrote, says nothing about this one's entries.
    if (through.epoch != epoch_ || through.sequence <= state_->acknowledged) return;
    through.sequence = std::min(through.sequence, state_->durable());
    state_->acknowledged = through.sequence;
    auto& waiters = state_->acknowledgement_waiters;
    const auto end = waiters.upper_bound(through);
    for (auto waiter = waiters.begin(); waiter != end; ++waiter) ready.push_back(std::move(waiter->second));
    waiters.erase(waiters.begin(), end);
    state_->forget = true;
    state_->wake.notify_one();
  }
  for (Appended& done : ready) done(through);
}

void Journal::when_acknowledged(Position position, Appended done) {
  std::unique_lock lock(state_->mutex);
  if (position <= Position{epoch_, state_->acknowledged}) {
    lock.unlock();
    return done(position);
  }
  state_->acknowledgement_waiters.emplace(position, std::move(done));
  const std::function<void()> notify = state_->notify;
  lock.unlock();
  if (notify) notify();
}

bool Journal::is_awaited() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->acknowledgement_waiters.empty();
}

void Journal::on_durable(std::function<void()> notify) {
  const std::lock_guard lock(state_->mutex);
  state_->notify = std::move(notify);
}

JournalStatus Journal::status() const {
  const std::lock_guard lock(state_->mutex);
  return {epoch_,
          state_->durable(),
          state_->acknowledged,
          state_->spool_bytes,
          state_->queued_bytes,
          state_->failed,
          state_->failed ? state_->failure.context : ""};
}

std::uint64_t Journal::oldest() const {
  const std::lock_guard lock(state_->mutex);
  return state_->segments.front().first;
}

Journal::Reader Journal::reader() { return Reader(state_.get()); }

struct Journal::Reader::Cursor {
  std::uint64_t segment_first;
  Scanner scanner;
};

Journal::Reader::Reader(State* state) : state_(state) {}
Journal::Reader::~Reader() = default;
Journal::Reader::Reader(Reader&&) noexcept = default;
Journal::Reader& Journal::Reader::operator=(Reader&&) noexcept = default;

Result<Chunk> Journal::Reader::read(std::uint64_t first, std::size_t entries_max, std::size_t bytes_max) {
  SegmentInfo segment;
  {
    const std::lock_guard lock(state_->mutex);
    if (first < state_->segments.front().first) {
      return fail(Code::not_found, "entry " + std::to_string(first) + " is not in the journal any more");
    }
    auto found = state_->segments.rbegin();
    while (found != state_->segments.rend() && found->first > first) ++found;
    segment = *found;
  }
  Chunk chunk;
  chunk.first = first;
  if (segment.count == 0 || first > segment.last()) return chunk;
  if (!cursor_ || cursor_->segment_first != segment.first || cursor_->scanner.sequence() > first) {
    auto file = state_->directory->open(segment_name(segment.first));
    if (!file) return file.error();
    cursor_.reset(new Cursor{segment.first, Scanner(std::move(*file), segment.first, segment.previous)});
  }
  Scanner& scanner = cursor_->scanner;
  scanner.set_end(segment.end);
  std::size_t bytes = 0;
  while (scanner.sequence() <= segment.last() && chunk.entries.size() < entries_max && bytes < bytes_max) {
    if (scanner.sequence() == first) chunk.previous = scanner.head();
    const bool wanted = scanner.sequence() >= first;
    auto entry = scanner.next();
    if (!entry) return entry.error();
    if (!*entry) {
      const std::uint64_t damaged = scanner.sequence();
      cursor_.reset();
      return fail(Code::tampered, "the journal's entry " + std::to_string(damaged) + " is damaged");
    }
    if (!wanted) continue;
    bytes += (**entry).size();
    chunk.entries.push_back(std::move(**entry));
  }
  chunk.head = scanner.head();
  return chunk;
}

}  // namespace holdpoint::journal
