#include "bus/config/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "bus/base/encoding.hpp"

namespace holdpoint::config {
namespace {

std::optional<Bytes> parse_ip(std::string_view text) {
  const std::string host(text);
  Bytes bytes(16, '\0');
  if (host.find('\0') != std::string::npos) return std::nullopt;
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return bytes.substr(0, 4);
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

// The IPv4 address inside ::ffff:a.b.c.d, ::a.b.c.d and NAT64's 64:ff9b::a.b.c.d, which reach the same host.
Bytes unwrap(const Bytes& ip) {
  static const Bytes mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  static const Bytes compatible(12, '\0');
  static const Bytes nat64("\x00\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
  const bool wraps = ip.size() == 16 && (ip.starts_with(mapped) || ip.starts_with(nat64) ||
                                         (ip.starts_with(compatible) && !ip.ends_with(Bytes("\0\0\0\x01", 4))));
  return wraps ? ip.substr(12) : ip;
}

bool is_forbidden(const Bytes& wrapped) {
  const Bytes ip = unwrap(wrapped);
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(ip[i]); };
  if (std::ranges::all_of(ip, [](char c) { return c == 0; })) return true;
  if (ip.size() == 4) return (at(0) == 169 && at(1) == 254) || at(0) == 0 || at(0) >= 224;
  const bool link_local = at(0) == 0xfe && (at(1) & 0xc0) == 0x80;
  const bool metadata = ip.starts_with(Bytes("\xfd\x00\x0e\xc2", 4));  // fd00:ec2::254 and its neighbours
  return link_local || metadata || at(0) == 0xff;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// A host name by RFC 1123 whose last label is no number: resolvers take "0x7f.1" and "2130706433" as addresses.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::string_view last;
  while (true) {
    const std::size_t dot = host.find('.');
    last = host.substr(0, dot);
    const bool letters = std::ranges::all_of(last, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (last.empty() || last.size() > 63 || !letters || last.front() == '-' || last.back() == '-') return false;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  return !(last.front() >= '0' && last.front() <= '9');
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
};
std::optional<HostAndPort> split(std::string_view text) {
  HostAndPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    if (out.host.find(':') == std::string_view::npos) return std::nullopt;
    rest = text.substr(end + 1);
  } else {
    out.host = text.substr(0, text.find(':'));
    rest = text.substr(out.host.size());
  }
  if (rest.empty()) return out;
  if (!rest.starts_with(':')) return std::nullopt;
  out.port = rest.substr(1);
  out.has_port = true;
  return out;
}

}  // namespace

bool is_forbidden_address(std::string_view address) {
  const auto ip = parse_ip(address);
  return !ip || is_forbidden(*ip);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto expected =
      fail(Code::configuration, "expected an address and a port, like \"127.0.0.1:7400\" or \"[::1]:7400\"");
  const auto parts = split(text);
  if (!parts || !parts->has_port) return expected;
  const auto port = parse_port(parts->port);
  if (!port) return fail(Code::configuration, "expected a port from 1 to 65535");
  if (parts->host == "localhost") return ListenAddress{"127.0.0.1", *port, true};
  const auto ip = parse_ip(parts->host);
  if (!ip) return expected;
  const bool loopback = ip->size() == 4 ? (*ip)[0] == 127 : *ip == Bytes(15, '\0') + '\x01';
  return ListenAddress{std::string(parts->host), *port, loopback};
}

Result<void> check_endpoint_url(std::string_view url) {
  const auto expected =
      fail(Code::configuration, "expected http://host:port or https://host[:port], nothing behind it");
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || (url.substr(0, scheme) != "http" && url.substr(0, scheme) != "https")) {
    return expected;
  }
  std::string_view authority = url.substr(scheme + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.find_first_of("/?#@\\ ") != std::string_view::npos) return expected;
  const auto parts = split(authority);
  if (!parts || (parts->has_port && !parse_port(parts->port))) return expected;
  if (const auto ip = parse_ip(parts->host)) {
    if (is_forbidden(*ip)) {
      return fail(Code::configuration, "link-local, metadata, unspecified and multicast addresses are never targets");
    }
    return {};
  }
  if (!is_host_name(parts->host)) return expected;
  for (const char* name : {"metadata.google.internal", "instance-data", "instance-data.ec2.internal", "metadata"}) {
    if (equal_ignoring_case(parts->host, name)) {
      return fail(Code::configuration, "a metadata service is never a target");
    }
  }
  return {};
}

}  // namespace holdpoint::config
