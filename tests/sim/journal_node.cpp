#include "tests/sim/journal_node.hpp"

#include <array>

#include "bus/journal/scanner.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;

constexpr double kWriteFails = 0.01;
constexpr double kDiesWhileWriting = 0.01;
constexpr Duration kShipPatience = 2s;
constexpr Duration kShipAgain = 300ms;
constexpr std::size_t kShipMax = 50;

}  // namespace

const SigningKey& key_of(const std::string& name) {
  static std::map<std::string, SigningKey> keys;
  const auto found = keys.find(name);
  if (found != keys.end()) return found->second;
  const Hash seed = sha256("simulated key of " + name);
  return keys.emplace(name, SigningKey::from_seed(view(seed)).value()).first->second;
}

void JournalDisks::keep_copy(const std::string& name) {
  Copy& copy = copies[name];
  copy.clear();
  for (const auto& [file, inode] : disks[name].durable_names) copy[file] = inode->durable;
}

void JournalDisks::replace(const std::string& name) {
  const auto found = next_start.extract(name);
  if (found.empty()) return;
  lost(name);
  testing::Disk& disk = disks[name];
  disk.names.clear();
  for (const auto& [file, content] : found.mapped()) {
    disk.names[file] = std::make_shared<testing::Inode>(testing::Inode{content, content});
  }
  disk.durable_names = disk.names;
  if (found.mapped().empty()) {
    behind.erase(name);
  } else {
    behind.insert(name);
  }
}

std::vector<Bytes> entries_on(const testing::Disk& disk) {
  testing::Disk copy;
  for (const auto& [file, inode] : disk.durable_names) {
    copy.names[file] = std::make_shared<testing::Inode>(testing::Inode{inode->durable, inode->durable});
  }
  copy.durable_names = copy.names;
  testing::FaultyDirectory directory(copy);
  std::vector<Bytes> out;
  const auto spool = journal::Spool::open(directory, {});
  if (!spool) return out;
  for (const journal::SegmentInfo& segment : spool->segments()) {
    auto file = directory.open(journal::segment_name(segment.first));
    if (!file) continue;
    journal::Scanner scanner(std::move(*file), segment.first, segment.previous);
    while (scanner.sequence() < segment.first + segment.count) {
      auto entry = scanner.next();
      if (!entry || !*entry) break;
      out.push_back(std::move(**entry));
    }
  }
  return out;
}

JournalNode::JournalNode(const Life& life, JournalDisks& disks)
    : PeerNode(life), journals_(disks), disk_(disks.disks[life.name]), directory_(disk_) {}

void JournalNode::open_journal() {
  // A killed process leaves what it wrote, a machine without power only what it synced, or a torn part of the rest.
  using Keep = testing::Disk::Keep;
  constexpr std::array<Keep, 3> kKept{Keep::synced, Keep::all, Keep::torn};
  disk_.crash(kKept.at(world().random().below(kKept.size())));
  journals_.replace(life().name);
  const journal::SpoolOptions options{.segment_bytes = 16 << 10,
                                      .bytes_max = 64 << 20,
                                      .retain_bytes = 64 << 20,
                                      .epoch_if_new = static_cast<std::uint64_t>(to_unix_ms(now())),
                                      .boot_least = static_cast<std::uint64_t>(to_unix_ms(now()))};
  auto opened = journal::Spool::open(directory_, options);
  if (!opened) {
    world().violation(life().name + " cannot open its journal: " + opened.error().context);
    return die();
  }
  spool_ = std::make_unique<journal::Spool>(std::move(*opened));
  read_back();
  ship();
}

void JournalNode::read_back() {
  Hash head{};
  for (const journal::SegmentInfo& segment : spool_->segments()) {
    auto file = directory_.open(journal::segment_name(segment.first));
    if (!file) continue;
    journal::Scanner scanner(std::move(*file), segment.first, segment.previous);
    while (scanner.sequence() < segment.first + segment.count) {
      auto entry = scanner.next();
      if (!entry || !*entry) break;
      entries_.push_back(**entry);
      heads_.push_back(head = record::next_head(head, entries_.back()));
    }
  }
}

void JournalNode::send(wire::Envelope envelope) {
  if (!dead()) PeerNode::send(std::move(envelope));
}

void JournalNode::die() {
  world().saw("process died while it wrote");
  world().crash(life().name);
  world().after(world().random().between(10ms, 1s), [&world = world(), name = life().name] { world.start(name); });
}

void JournalNode::record(std::string_view type, const std::string& subject, const record::EventData& data,
                         Recorded done) {
  record::Event event;
  event.id = world().ids().next(now());
  event.source = life().name;
  event.type = type;
  event.subject = subject;
  event.time = now();
  queue_.push_back({record::event_to_json(event, data.to_json()), std::move(done)});
  if (std::exchange(flushing_, true)) return;
  const Duration write = world().random().chance(0.05) ? Duration(150ms) : world().random().between(100us, 4ms);
  after(write, [this] { flush(); });
}

// What gathered while the last write was under way goes together.
void JournalNode::flush() {
  flushing_ = false;
  std::vector<Waiting> batch = std::exchange(queue_, {});
  std::vector<Bytes> written;
  for (const Waiting& each : batch) written.push_back(each.entry);
  const auto durable = record_now(written);
  for (const Waiting& each : batch) {
    if (dead()) return;
    if (each.done) each.done(durable);
  }
}

Result<void> JournalNode::record_now(const std::vector<Bytes>& entries) {
  if (dead()) return fail(Code::not_durable, "this process is gone");
  const bool dies = journals_.faulty && world().random().chance(kDiesWhileWriting);
  const bool fails = journals_.faulty && world().random().chance(kWriteFails);
  if (dies || fails) {
    disk_.fail_at = disk_.operations + 1 + world().random().below(3);
    disk_.fail_forever = dies;
  }
  const auto appended = spool_->append(entries);
  if (dies) {
    die();
    return fail(Code::not_durable, "this process is gone");
  }
  disk_.fail_at = 0;
  if (!appended) {
    world().saw("journal refused a write");
    after(200ms, [this] { recover(); });
    return appended;
  }
  for (const Bytes& entry : entries) {
    entries_.push_back(entry);
    heads_.push_back(record::next_head(heads_.empty() ? Hash{} : heads_.back(), entry));
  }
  return {};
}

void JournalNode::recover() {
  if (!spool_->failed()) return;
  if (spool_->recover()) {
    world().saw("journal went on in a new segment");
  } else {
    after(200ms, [this] { recover(); });
  }
}

void JournalNode::ship_later(Duration pause) {
  after(pause, [this] { ship(); });
}

void JournalNode::ship() {
  if (next_ > entries_.size()) return ship_later(kShipAgain);
  wire::Message message{"RecordPositionRequested", Json{{"source", life().name}}, {}};
  if (next_ > 0) {
    record::Submission submission;
    submission.source = life().name;
    submission.epoch = spool_->epoch();
    submission.first = next_;
    const std::size_t first = static_cast<std::size_t>(next_) - 1;
    const std::size_t end = std::min(entries_.size(), first + kShipMax);
    if (first > 0) submission.previous = heads_[first - 1];
    submission.head = heads_[end - 1];
    submission.entries.assign(entries_.begin() + static_cast<std::ptrdiff_t>(first),
                              entries_.begin() + static_cast<std::ptrdiff_t>(end));
    submission.signature = key_of(life().name).sign(record::signature_text(journals_.deployment, submission));
    message = record::submission_to_message(submission);
  }
  request(
      "records", std::move(message), kShipPatience, [this](const Result<wire::Message>& answer) { shipped(answer); },
      "records/" + life().name);
}

void JournalNode::shipped(const Result<wire::Message>& answer) {
  if (!answer) {
    world().saw("shipping failed: " + std::string(name(answer.error().code)));
    next_ = 0;
    return ship_later(kShipAgain);
  }
  const auto epoch = get_int(answer->body, "epoch");
  const auto through = get_int(answer->body, "through");
  HOLDPOINT_INVARIANT(epoch && through);
  const bool ours = static_cast<std::uint64_t>(*epoch) == spool_->epoch();
  if (static_cast<std::uint64_t>(*epoch) > spool_->epoch() ||
      (ours && static_cast<std::uint64_t>(*through) > entries_.size())) {
    if (journals_.behind.contains(life().name)) return world().saw("the log has what an older journal lost");
    world().violation("the log has entries of " + life().name + " that its journal lost");
  }
  next_ = ours ? static_cast<std::uint64_t>(*through) + 1 : 1;
  spool_->forget(next_ - 1);
  ship_later(Duration(1ms));
}

}  // namespace holdpoint::sim
