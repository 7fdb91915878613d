#include "bus/journal/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace holdpoint::journal {
namespace {

Error system_error(const std::string& what) {
  const int error = errno;
  return fail(error == EEXIST || error == EWOULDBLOCK ? Code::conflict
              : error == ENOENT                       ? Code::not_found
                                                      : Code::not_durable,
              what + ": " + std::strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class SystemFile final : public File {
 public:
  SystemFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  Result<std::size_t> write_at(std::uint64_t offset, BytesView bytes) override {
    for (;;) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written > 0) return static_cast<std::size_t>(written);
      if (written < 0 && errno == EINTR) continue;
      if (written == 0) errno = ENOSPC;
      return system_error("write to " + name_);
    }
  }

  Result<Bytes> read_at(std::uint64_t offset, std::size_t count) override {
    Bytes bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got = ::pread(fd_.get(), bytes.data() + have, count - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("read of " + name_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  Result<void> allocate(std::uint64_t size) override {
    errno = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    if (errno != 0) return system_error("allocation of " + std::to_string(size) + " bytes for " + name_);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return system_error("truncation of " + name_);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return system_error("status of " + name_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return system_error("sync of " + name_);
    return {};
  }

 private:
  Descriptor fd_;
  std::string name_;
};

class SystemDirectory final : public Directory {
 public:
  SystemDirectory(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  Result<std::unique_ptr<File>> create(const std::string& name) override {
    return open_file(name, O_RDWR | O_CREAT | O_EXCL);
  }
  Result<std::unique_ptr<File>> open(const std::string& name) override { return open_file(name, O_RDWR); }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) return fail(Code::not_durable, "listing " + path_.string() + ": " + error.message());
    return names;
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0) return system_error("renaming " + from);
    return {};
  }

  Result<void> remove(const std::string& name) override {
    if (::unlinkat(fd_.get(), name.c_str(), 0) != 0) return system_error("removing " + name);
    return {};
  }

  Result<void> sync() override {
    if (::fsync(fd_.get()) != 0) return system_error("sync of " + path_.string());
    return {};
  }

 private:
  Result<std::unique_ptr<File>> open_file(const std::string& name, int flags) {
    const int fd = ::openat(fd_.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return system_error("opening " + (path_ / name).string());
    return std::unique_ptr<File>(std::make_unique<SystemFile>(fd, (path_ / name).string()));
  }

  Descriptor fd_;
  std::filesystem::path path_;
};

}  // namespace

Result<std::unique_ptr<Directory>> open_directory(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("making " + path.string());
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("opening " + path.string());
  auto directory = std::make_unique<SystemDirectory>(fd, path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return system_error("journal " + path.string() + " is held by another process");
  }
  return std::unique_ptr<Directory>(std::move(directory));
}

Result<void> write_all(File& file, std::uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    const auto written = file.write_at(offset, bytes);
    if (!written) return written.error();
    offset += *written;
    bytes.remove_prefix(*written);
  }
  return {};
}

}  // namespace holdpoint::journal
