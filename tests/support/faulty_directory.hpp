// A disk in memory for the journal's tests and the simulator. It counts its writing operations, can fail or crash at
// any of them, writes short, and after a crash holds only what was synced plus, by choice, a part of what was not.
//
// The directory's world (Disk) outlives the process that uses it: crash() and open a FaultyDirectory on it again.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "bus/journal/directory.hpp"

namespace holdpoint::testing {

struct Inode {
  Bytes content;  ///< as the page cache has it
  Bytes durable;
};

struct Disk {
  std::map<std::string, std::shared_ptr<Inode>> names;
  std::map<std::string, std::shared_ptr<Inode>> durable_names;
  // Atomic, because a journal's writer thread counts while a test changes its mind.
  std::atomic<std::uint64_t> operations = 0;  ///< that change something, so far
  std::atomic<std::uint64_t> fail_at = 0;     ///< this operation fails (counted from 1); 0 = none
  std::atomic<bool> fail_forever = false;     ///< and all after it, as on a full disk or after a crash
  std::size_t write_bytes_max = SIZE_MAX;     ///< longer writes are short
  std::uint64_t bytes_max = UINT64_MAX;       ///< of all files together: a full disk

  /// True when the operation must fail.
  bool fails() {
    ++operations;
    return fail_at != 0 && (operations == fail_at || (fail_forever && operations > fail_at));
  }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [name, inode] : names) sum += inode->content.size();
    return sum;
  }
  enum class Keep { synced, all, torn };
  /// The power goes. What was not synced is lost, kept, or kept up to half of it.
  void crash(Keep keep) {
    if (keep == Keep::synced) names = durable_names;
    for (auto& [name, inode] : names) {
      if (keep == Keep::synced) inode->content = inode->durable;
      if (keep == Keep::torn) tear(*inode);
      inode->durable = inode->content;
    }
    durable_names = names;
    fail_at = 0;
    fail_forever = false;
    operations = 0;
  }

 private:
  static void tear(Inode& inode) {
    const auto [cached, durable] =
        std::mismatch(inode.content.begin(), inode.content.end(), inode.durable.begin(), inode.durable.end());
    const std::size_t same = static_cast<std::size_t>(cached - inode.content.begin());
    std::size_t changed = std::max(inode.content.size(), inode.durable.size());
    while (changed > same && changed <= std::min(inode.content.size(), inode.durable.size()) &&
           inode.content[changed - 1] == inode.durable[changed - 1]) {
      --changed;
    }
    Bytes mixed = inode.durable;
    mixed.resize(inode.content.size(), '\0');
    for (std::size_t i = same; i < same + (changed - same) / 2 && i < mixed.size(); ++i) mixed[i] = inode.content[i];
    inode.content = mixed;
  }
};

class FaultyFile final : public journal::File {
 public:
  FaultyFile(Disk& disk, std::shared_ptr<Inode> inode) : disk_(&disk), inode_(std::move(inode)) {}

  Result<std::size_t> write_at(std::uint64_t offset, BytesView bytes) override {
    if (disk_->fails()) return fault("write");
    bytes = bytes.substr(0, disk_->write_bytes_max);
    if (inode_->content.size() < offset + bytes.size()) {
      if (disk_->bytes() + bytes.size() > disk_->bytes_max) return fault("write to a full disk");
      inode_->content.resize(offset + bytes.size(), '\0');
    }
    std::copy(bytes.begin(), bytes.end(), inode_->content.begin() + static_cast<std::ptrdiff_t>(offset));
    return bytes.size();
  }
  Result<Bytes> read_at(std::uint64_t offset, std::size_t count) override {
    if (offset >= inode_->content.size()) return Bytes();
    return inode_->content.substr(offset, count);
  }
  Result<void> allocate(std::uint64_t size) override {
    if (disk_->fails()) return fault("allocation");
    if (size > inode_->content.size()) {
      if (disk_->bytes() + size - inode_->content.size() > disk_->bytes_max) return fault("allocation on a full disk");
      inode_->content.resize(size, '\0');
    }
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    if (disk_->fails()) return fault("truncation");
    inode_->content.resize(size, '\0');
    return {};
  }
  Result<std::uint64_t> size() override { return static_cast<std::uint64_t>(inode_->content.size()); }
  Result<void> sync() override {
    if (disk_->fails()) return fault("sync");
    inode_->durable = inode_->content;
    return {};
  }

 private:
  static Error fault(const std::string& what) { return fail(Code::not_durable, "injected fault in " + what); }
  Disk* disk_;
  std::shared_ptr<Inode> inode_;
};

class FaultyDirectory final : public journal::Directory {
 public:
  explicit FaultyDirectory(Disk& disk) : disk_(&disk) {}

  Result<std::unique_ptr<journal::File>> create(const std::string& name) override {
    if (disk_->fails()) return fault("creation");
    if (disk_->names.contains(name)) return fail(Code::conflict, name + " exists");
    disk_->names[name] = std::make_shared<Inode>();
    return open(name);
  }
  Result<std::unique_ptr<journal::File>> open(const std::string& name) override {
    const auto found = disk_->names.find(name);
    if (found == disk_->names.end()) return fail(Code::not_found, name);
    return std::unique_ptr<journal::File>(std::make_unique<FaultyFile>(*disk_, found->second));
  }
  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, inode] : disk_->names) names.push_back(name);
    return names;
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (disk_->fails()) return fault("rename");
    disk_->names[to] = disk_->names.at(from);
    disk_->names.erase(from);
    return {};
  }
  Result<void> remove(const std::string& name) override {
    if (disk_->fails()) return fault("removal");
    if (disk_->names.erase(name) == 0) return fail(Code::not_found, name);
    return {};
  }
  Result<void> sync() override {
    if (disk_->fails()) return fault("sync of the directory");
    disk_->durable_names = disk_->names;
    return {};
  }

 private:
  static Error fault(const std::string& what) { return fail(Code::not_durable, "injected fault in " + what); }
  Disk* disk_;
};

}  // namespace holdpoint::testing
