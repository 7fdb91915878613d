#include "ops/cli/supervisor/notify_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace holdpoint::supervisor {

Result<NotifySocket> NotifySocket::open(const std::filesystem::path& path, const Account& owner) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail(Code::configuration, "the socket path is longer than 107 bytes: " + path.string());
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return fail(Code::unavailable, std::string("no socket: ") + std::strerror(errno));
  NotifySocket made(descriptor, path.string());
  ::unlink(path.c_str());
  const int on = 1;
  // Its folder is a service's: what lies there by that name may be a link by now, so nothing here follows one.
  const mode_t before = ::umask(0117);
  const int bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      (::geteuid() == 0 && ::lchown(path.c_str(), owner.uid, owner.gid) != 0)) {
    return fail(Code::unavailable, path.string() + ": " + std::strerror(errno));
  }
  return made;
}

NotifySocket::NotifySocket(NotifySocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

NotifySocket::~NotifySocket() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

std::optional<NotifySocket::Notice> NotifySocket::receive() {
  char text[4096];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec vector{text, sizeof text};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const auto count = ::recvmsg(descriptor_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return std::nullopt;
  Notice notice;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    notice.pid = sender.pid;
  }
  std::string_view rest(text, static_cast<std::size_t>(count));
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    if (line == "READY=1") notice.ready = true;
    if (line.starts_with("STATUS=")) notice.status = std::string(line.substr(7));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return notice;
}

}  // namespace holdpoint::supervisor
