#include "masker/structure/event_messages.hpp"

#include <array>

#include "bus/base/checksums.hpp"
#include "masker/structure/big_endian.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t prelude_bytes = 12;
constexpr std::size_t frame_bytes = prelude_bytes + 4;
constexpr std::size_t messages_max = 1U << 20;

}  // namespace

std::optional<std::vector<EventMessage>> read_event_messages(std::string_view stream) {
  std::vector<EventMessage> out;
  std::size_t at = 0;
  while (at < stream.size()) {
    const std::string_view rest = stream.substr(at);
    if (rest.size() < frame_bytes || out.size() == messages_max) return std::nullopt;
    const std::size_t total = read_u32(rest, 0);
    const std::size_t headers = read_u32(rest, 4);
    if (total < frame_bytes || total > rest.size() || headers > total - frame_bytes) return std::nullopt;
    if (crc32(rest.substr(0, 8)) != read_u32(rest, 8)) return std::nullopt;
    if (crc32(rest.substr(0, total - 4)) != read_u32(rest, total - 4)) return std::nullopt;
    out.push_back({at, at + total, rest.substr(prelude_bytes, headers),
                   rest.substr(prelude_bytes + headers, total - frame_bytes - headers)});
    at += total;
  }
  return out;
}

std::optional<std::vector<EventHeader>> read_event_headers(std::string_view headers) {
  // true, false, byte, short, integer, long, bytes, string, timestamp, UUID.
  constexpr std::array<std::size_t, 10> widths{0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
  std::vector<EventHeader> out;
  std::size_t at = 0;
  while (at < headers.size()) {
    const std::size_t name = static_cast<unsigned char>(headers[at++]);
    if (headers.size() - at < name + 1) return std::nullopt;
    EventHeader header{headers.substr(at, name), static_cast<std::uint8_t>(headers[at + name]), {}};
    at += name + 1;
    if (header.type >= widths.size()) return std::nullopt;
    std::size_t length = widths[header.type];
    if (header.type == event_header_bytes || header.type == event_header_string) {
      if (headers.size() - at < 2) return std::nullopt;
      length = static_cast<std::size_t>(static_cast<unsigned char>(headers[at])) << 8U |
               static_cast<unsigned char>(headers[at + 1]);
      at += 2;
    }
    if (headers.size() - at < length) return std::nullopt;
    header.value = headers.substr(at, length);
    at += length;
    out.push_back(header);
  }
  return out;
}

void write_event_header(std::string& out, const EventHeader& header) {
  out.push_back(static_cast<char>(header.name.size()));
  out.append(header.name);
  out.push_back(static_cast<char>(header.type));
  if (header.type == event_header_bytes || header.type == event_header_string) {
    out.push_back(static_cast<char>(header.value.size() >> 8));
    out.push_back(static_cast<char>(header.value.size() & 0xff));
  }
  out.append(header.value);
}

std::string write_event_message(std::string_view headers, std::string_view payload) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(frame_bytes + headers.size() + payload.size()));
  put_u32(out, static_cast<std::uint32_t>(headers.size()));
  put_u32(out, crc32(out));
  out.append(headers);
  out.append(payload);
  put_u32(out, crc32(out));
  return out;
}

}  // namespace holdpoint::masker
