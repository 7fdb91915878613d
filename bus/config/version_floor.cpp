#include "bus/config/version_floor.hpp"

#include <charconv>

#include "bus/config/private_file.hpp"

namespace holdpoint::config {

Result<void> VersionFloor::read() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error) && !error) {
    known_ = true;
    return {};
  }
  const auto text = read_private_file(file_);
  if (!text) return text.error();
  std::uint64_t version = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, failed] = std::from_chars(text->data(), end, version);
  if (failed != std::errc() || (stop != end && *stop != '\n'))
    return fail(Code::configuration, file_.string() + ": does not hold a version");
  newest_ = version;
  known_ = true;
  return {};
}

Result<void> VersionFloor::admit(std::uint64_t version) {
  if (file_.empty()) return {};
  if (!known_) {
    if (auto known = read(); !known) return known;
  }
  if (version < newest_)
    return fail(Code::conflict, "version " + std::to_string(version) + " of the configuration is older than " +
                                    std::to_string(newest_) + ", which was in force here (" + file_.string() +
                                    "); put the newest one in force again with holdpoint config apply");
  if (version == newest_) return {};
  if (auto written = write_file_atomically(file_, std::to_string(version) + "\n"); !written) return written;
  newest_ = version;
  return {};
}

}  // namespace holdpoint::config
