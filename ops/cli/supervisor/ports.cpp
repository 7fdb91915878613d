#include "ops/cli/supervisor/ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace holdpoint::supervisor {
namespace fs = std::filesystem;
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> to_address(const std::string& text) {
  const auto parsed = parse_host_port(text);
  if (!parsed) return std::nullopt;
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, parsed->host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(parsed->port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, parsed->host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(parsed->port);
    address.size = sizeof *v6;
  } else {
    return std::nullopt;
  }
  return address;
}

/// Inode of the listening socket on the port, from /proc/net/tcp and tcp6.
std::string listening_inode(std::uint16_t port) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::array<std::string, 10> word;
      for (auto& text : word) words >> text;
      if (word[3] == "0A" && word[1].ends_with(wanted)) return word[9];
    }
  }
  return {};
}

std::string owner_of(std::uint16_t port) {
  const std::string inode = listening_inode(port);
  if (inode.empty()) return "a process that cannot be seen from here";
  const std::string wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& descriptor : fs::directory_iterator(process.path() / "fd", error)) {
      if (fs::read_symlink(descriptor.path(), error).string() != wanted) continue;
      std::ifstream command(process.path() / "comm");
      std::string name;
      std::getline(command, name);
      return name + " (process " + pid + ")";
    }
  }
  return "a process of another account";
}

}  // namespace

std::optional<HostPort> parse_host_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  std::string host = text.substr(0, colon);
  const std::string digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const int port = std::stoi(digits);
  if (port < 1 || port > 65535) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{host, static_cast<std::uint16_t>(port)};
}

Result<void> check_port_free(const std::string& address, const std::string& remedy) {
  const auto parsed = to_address(address);
  if (!parsed) return fail(Code::configuration, address + " is not ADDRESS:PORT. " + remedy);
  const int descriptor = ::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&parsed->storage), parsed->size);
  const int error = errno;
  ::close(descriptor);
  if (bound == 0) return {};
  if (error != EADDRINUSE) return fail(Code::configuration, address + ": " + std::strerror(error) + ". " + remedy);
  return fail(Code::conflict, address + " is in use by " + owner_of(parse_host_port(address)->port) + ". " + remedy);
}

bool listens(const std::string& address) {
  const auto parsed = to_address(address);
  if (!parsed) return false;
  const int descriptor = ::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int connected = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&parsed->storage), parsed->size);
  ::close(descriptor);
  return connected == 0;
}

}  // namespace holdpoint::supervisor
