// A process of the simulator that records: the production Spool on a disk that forgets what was not synced, and the
// shipper's conversation with the log (asking, shipping, idle), whose production form is a coroutine.
//
// Not here: the journal's thread (bus/journal/journal.hpp); its group commit is a timer.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/journal/spool.hpp"
#include "bus/record/event.hpp"
#include "tests/sim/bus_nodes.hpp"
#include "tests/support/faulty_directory.hpp"

namespace holdpoint::sim {

/// The signing key of a process, the same in every run.
const SigningKey& key_of(const std::string& name);

/// The journals' disks of all processes; they outlive the nodes.
struct JournalDisks {
  using Copy = std::map<std::string, Bytes>;  ///< of what is durable, by file

  std::string deployment = "sim";
  std::map<std::string, testing::Disk> disks;
  bool faulty = true;  ///< writes fail, and processes die while they write
  std::map<std::string, Copy> copies;
  std::map<std::string, Copy> next_start;             ///< who finds an older copy, or nothing, when it starts again
  std::set<std::string> behind;                       ///< whose journal is an older copy of itself
  std::function<void(const std::string& name)> lost;  ///< told before a disk's content goes

  void keep_copy(const std::string& name);
  /// As next_start says for this process.
  void replace(const std::string& name);
};

/// Every durable entry on a disk, oldest first.
std::vector<Bytes> entries_on(const testing::Disk& disk);

class JournalNode : public PeerNode {
 public:
  using Recorded = std::function<void(Result<void>)>;

  JournalNode(const Life& life, JournalDisks& disks);

 protected:
  /// Opens the journal as after a crash of process or machine, and ships. Call first in run().
  void open_journal();
  /// `done` when the event is durable, or may not be taken for it. Never called in a life that has ended.
  void record(std::string_view type, const std::string& subject, const record::EventData& data, Recorded done);
  /// At once, for callers that block.
  Result<void> record_now(const std::vector<Bytes>& entries);
  /// Ends this life as kill -9 would; it is started again later.
  void die();
  [[nodiscard]] bool dead() { return !world().reachable(life().address()); }
  [[nodiscard]] std::uint64_t boot() const { return spool_->boot(); }
  /// Every durable entry, oldest first.
  [[nodiscard]] const std::vector<Bytes>& entries() const { return entries_; }
  void send(wire::Envelope envelope) override;

 private:
  struct Waiting {
    Bytes entry;
    Recorded done;
  };
  void flush();
  void recover();
  void read_back();
  void ship();
  void shipped(const Result<wire::Message>& answer);
  void ship_later(Duration pause);

  JournalDisks& journals_;
  testing::Disk& disk_;
  testing::FaultyDirectory directory_;
  std::unique_ptr<journal::Spool> spool_;
  std::vector<Bytes> entries_;
  std::vector<Hash> heads_;  ///< after each entry
  std::vector<Waiting> queue_;
  bool flushing_ = false;
  std::uint64_t next_ = 0;  ///< to ship; 0: the log must be asked
};

}  // namespace holdpoint::sim
