// Where children say that they are ready: the sd_notify protocol (NOTIFY_SOCKET, "READY=1"), so that the same programs
// run under systemd. Owns the socket; the kernel says which process sent a datagram.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "bus/base/result.hpp"
#include "ops/cli/supervisor/account.hpp"

namespace holdpoint::supervisor {

class NotifySocket {
 public:
  struct Notice {
    pid_t pid = 0;
    bool ready = false;
    std::string status;  ///< STATUS=…, for people
  };

  /// `owner` may write to it.
  static Result<NotifySocket> open(const std::filesystem::path& path, const Account& owner);
  NotifySocket(NotifySocket&& other) noexcept;
  NotifySocket& operator=(NotifySocket&&) = delete;
  ~NotifySocket();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The next notice, without waiting.
  std::optional<Notice> receive();

 private:
  NotifySocket(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
};

}  // namespace holdpoint::supervisor
