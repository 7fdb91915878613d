#include "auditor/checkpoint.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "bus/config/private_file.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::size_t kHourName = 13;      // YYYY-MM-DDTHH
constexpr unsigned kReadableByAll = 0644;  // they are made to be carried away

/// `latest`, then the hours from the newest back.
Result<std::vector<std::filesystem::path>> notes_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  if (!std::filesystem::exists(directory, error) && !error) return files;
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == "latest" || name.size() == kHourName) files.push_back(entry->path());
  }
  if (error) return fail(Code::unavailable, "checkpoints in " + directory.string() + ": " + error.message());
  std::sort(files.begin(), files.end(), std::greater());
  return files;
}

}  // namespace

Result<KeptCheckpoint> Checkpointer::kept() const {
  if (directory_.empty()) return KeptCheckpoint{};
  const auto files = notes_in(directory_);
  if (!files) return files.error();
  for (const auto& file : *files) {
    std::ostringstream note;
    note << std::ifstream(file, std::ios::binary).rdbuf();
    const auto checkpoint = record::open_checkpoint(note.str(), {key_->public_key()});
    if (!checkpoint || checkpoint->origin != origin_) continue;
    return KeptCheckpoint{checkpoint->size, checkpoint->root, "the checkpoint that it kept in " + file.string()};
  }
  if (files->empty()) return KeptCheckpoint{};
  return fail(Code::tampered, "none of the checkpoints in " + directory_.string() + " is signed by this auditor for " +
                                  "this log; if its key was changed, verify the log and move them elsewhere");
}

Result<void> Checkpointer::make(std::uint64_t size, const Hash& root, Instant now) {
  const std::string note = record::sign_checkpoint({origin_, size, root}, *key_);
  if (auto added = store_->add_checkpoint(size, root, note, now); !added) return added;
  last_size_ = size;
  last_at_ = now;
  const auto kept = keep(note, now);
  trouble_ = kept ? "" : kept.error().context;
  if (publish_) publish_(note);
  return {};
}

Result<void> Checkpointer::keep(const std::string& note, Instant now) const {
  if (directory_.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  const std::string hour = to_rfc3339(now).substr(0, kHourName);
  for (const std::string& name : {std::string("latest"), hour}) {
    if (auto kept = config::write_file_atomically(directory_ / name, note, kReadableByAll); !kept) return kept;
  }
  return {};
}

}  // namespace holdpoint::auditor
