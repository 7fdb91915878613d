#include "auditor/log_writer.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace holdpoint::auditor {
namespace {

constexpr auto kOpenAgain = std::chrono::seconds(1);
constexpr auto kLook = std::chrono::milliseconds(500);  // a checkpoint is late by no more

struct Work {
  Submitted submitted;  ///< without entries: a question for the source's position
  Answer answer;
  std::size_t bytes = 0;
};

std::size_t bytes_of(const record::Submission& submission) {
  std::size_t bytes = 0;
  for (const Bytes& entry : submission.entries) bytes += entry.size();
  return bytes;
}

}  // namespace

struct LogWriter::State {
  State(std::unique_ptr<LogStore> store_in, const std::string& deployment, const SigningKey& key,
        std::filesystem::path checkpoints, LogWriterEvents events_in)
      : store(std::move(store_in)),
        events(std::move(events_in)),
        sequencer(*store, deployment, [this] { return checkpointer.kept(); }),
        checkpointer(*store, record::log_origin(deployment), key, std::move(checkpoints), events.checkpoint) {}

  std::unique_ptr<LogStore> store;
  LogWriterEvents events;
  Sequencer sequencer;
  Checkpointer checkpointer;
  bool wrote = false;  ///< has held the lock before
  std::string told;    ///< the directory's trouble as last reported

  mutable std::mutex mutex;  // of all below
  std::condition_variable wake;
  std::deque<Work> queue;
  std::size_t queued_bytes = 0;
  std::shared_ptr<const SourceKeys> keys = std::make_shared<SourceKeys>();
  LogStatus status;
  bool stopping = false;
  std::thread thread;

  void put(Work work);
  void run();
  bool open();
  void process(std::vector<Work> batch, const SourceKeys& known);
  void checkpoint();
  void publish_status();
  std::vector<Work> take();
  static void refuse(std::vector<Work> batch, const Error& why) {
    for (Work& work : batch) work.answer(why);
  }
};

void LogWriter::State::put(Work work) {
  {
    const std::lock_guard lock(mutex);
    if (!stopping && queued_bytes + work.bytes <= kQueueBytesMax) {
      queued_bytes += work.bytes;
      queue.push_back(std::move(work));
      wake.notify_one();
      return;
    }
  }
  work.answer(fail(Code::overloaded, "the auditor's queue is full"));
}

/// With the lock held.
std::vector<Work> LogWriter::State::take() {
  std::vector<Work> batch;
  std::size_t entries = 0;
  while (!queue.empty() && entries < kBatchEntriesMax) {
    entries += queue.front().submitted.submission.entries.size();
    queued_bytes -= queue.front().bytes;
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return batch;
}

bool LogWriter::State::open() {
  const bool was_open = sequencer.writing();
  if (was_open) return true;
  const auto opened = sequencer.open();
  if (!opened) {
    if (opened.error().code == Code::conflict && wrote) {
      if (events.lost) events.lost();
    } else if (events.trouble) {
      events.trouble(opened.error());
    }
    return false;
  }
  if (const auto last = store->last_checkpoint()) checkpointer.resume(last->size);
  publish_status();
  if (!wrote && events.writing) events.writing();
  wrote = true;
  return true;
}

void LogWriter::State::publish_status() {
  const std::lock_guard lock(mutex);
  status = {sequencer.writing(), sequencer.size(), sequencer.root()};
}

void LogWriter::State::run() {
  for (;;) {
    const bool ready = open();
    std::vector<Work> batch;
    std::shared_ptr<const SourceKeys> known;
    {
      std::unique_lock lock(mutex);
      // While the log is closed nobody is kept waiting for it: sources send again.
      wake.wait_for(lock, ready ? std::chrono::duration_cast<std::chrono::milliseconds>(kLook) : kOpenAgain,
                    [this, ready] { return stopping || (ready && !queue.empty()); });
      batch = take();
      known = keys;
      if (stopping) {
        while (!queue.empty()) {
          batch.push_back(std::move(queue.front()));
          queue.pop_front();
        }
        lock.unlock();
        return refuse(std::move(batch), fail(Code::unavailable, "the auditor stops"));
      }
    }
    if (!ready) {
      refuse(std::move(batch), fail(Code::unavailable, "the log is not open"));
      continue;
    }
    process(std::move(batch), *known);
    checkpoint();
  }
}

void LogWriter::State::process(std::vector<Work> batch, const SourceKeys& known) {
  std::vector<Submitted> submitted;
  std::vector<Answer> answers;
  for (Work& work : batch) {
    if (work.submitted.submission.entries.empty()) continue;
    submitted.push_back(std::move(work.submitted));
    answers.push_back(std::move(work.answer));
  }
  if (!submitted.empty()) {
    auto results = sequencer.submit(std::move(submitted), known, system_now());
    publish_status();
    for (std::size_t i = 0; i < results.size(); ++i) answers[i](std::move(results[i]));
  }
  for (Work& work : batch) {
    if (!work.answer) continue;
    work.answer(sequencer.position(work.submitted.submission.source, work.submitted.sender_key_id, known));
  }
}

void LogWriter::State::checkpoint() {
  const Instant now = system_now();
  if (!sequencer.writing() || !checkpointer.due(sequencer.size(), now)) return;
  const auto made = checkpointer.make(sequencer.size(), sequencer.root(), now);
  if (!made && made.error().code == Code::unavailable) sequencer.stop_writing();
  if (!made && events.trouble) events.trouble(made.error());
  if (made && checkpointer.trouble() != told && events.unkept) events.unkept(told = checkpointer.trouble());
}

LogWriter::LogWriter(std::unique_ptr<LogStore> store, std::string deployment, const SigningKey& key,
                     std::filesystem::path checkpoints, LogWriterEvents events)
    : state_(std::make_unique<State>(std::move(store), deployment, key, std::move(checkpoints), std::move(events))) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

void LogWriter::start() {
  state_->thread = std::thread([raw = state_.get()] { raw->run(); });
}

void LogWriter::set_keys(SourceKeys keys) {
  auto shared = std::make_shared<const SourceKeys>(std::move(keys));
  const std::lock_guard lock(state_->mutex);
  state_->keys = std::move(shared);
}

void LogWriter::submit(Submitted submitted, Answer answer) {
  if (submitted.submission.entries.empty()) return answer(fail(Code::malformed, "a submission has entries"));
  const std::size_t bytes = bytes_of(submitted.submission);
  state_->put({std::move(submitted), std::move(answer), bytes});
}

void LogWriter::position(std::string source, std::string sender_key_id, Answer answer) {
  Work work;
  work.submitted.submission.source = std::move(source);
  work.submitted.sender_key_id = std::move(sender_key_id);
  work.answer = std::move(answer);
  state_->put(std::move(work));
}

LogStatus LogWriter::status() const {
  const std::lock_guard lock(state_->mutex);
  return state_->status;
}

}  // namespace holdpoint::auditor
