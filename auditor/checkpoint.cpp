#include "auditor/checkpoint.hpp"

#include <fstream>

namespace holdpoint::auditor {

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
  const std::string hour = to_rfc3339(now).substr(0, 13);
  for (const std::string& name : {std::string("latest"), hour}) {
    const auto file = directory_ / name;
    const auto incoming = directory_ / (name + ".incoming");
    std::ofstream(incoming, std::ios::trunc) << note;
    std::filesystem::rename(incoming, file, error);
    if (error) return fail(Code::unavailable, "checkpoint in " + directory_.string() + ": " + error.message());
  }
  return {};
}

}  // namespace holdpoint::auditor
