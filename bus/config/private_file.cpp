#include "bus/config/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace holdpoint::config {
namespace {

constexpr off_t kPrivateFileBytesMax =
    1 << 20;  // an identity or keyring has a few KiB; a document at most 1 MiB (one body)

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error failed(const std::filesystem::path& file, std::string_view what) {
  return fail(Code::configuration, file.string() + ": " + std::string(what) + ": " + std::strerror(errno));
}

bool write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<Bytes> read_private_file(const std::filesystem::path& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) return failed(file, "cannot be read");
  if (!S_ISREG(status.st_mode)) return fail(Code::configuration, file.string() + ": is not a regular file");
  if ((status.st_mode & 077) != 0) {
    return fail(Code::configuration, file.string() + ": others can read or write it; run chmod 600 on it");
  }
  if (status.st_size > kPrivateFileBytesMax) return fail(Code::configuration, file.string() + ": is larger than 1 MiB");
  Bytes bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed(file, "cannot be read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<void> write_file_atomically(const std::filesystem::path& file, BytesView bytes, unsigned mode) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const std::filesystem::path fresh = file.string() + ".new." + std::to_string(::getpid());
  ::unlink(fresh.c_str());
  {
    const Descriptor fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (fd.get() < 0) return failed(file, "cannot be written");
    if (!write_all(fd.get(), bytes) || ::fsync(fd.get()) != 0) {
      const Error error = failed(file, "cannot be written");
      ::unlink(fresh.c_str());
      return error;
    }
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    const Error error = failed(file, "cannot be replaced");
    ::unlink(fresh.c_str());
    return error;
  }
  // Without this the rename itself may be lost with the power.
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || ::fsync(parent.get()) != 0) return failed(folder, "cannot be synchronised");
  return {};
}

}  // namespace holdpoint::config
