// The frames of AWS event streams (application/vnd.amazon.eventstream): lengths, headers, payload, two checksums. Pure.
//
//   total length u32 | headers length u32 | CRC-32 of these 8 bytes | headers | payload | CRC-32 of all before
//   header: name length u8, name, type u8, value (strings and bytes: length u16 before them)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdpoint::masker {

struct EventMessage {
  std::size_t begin;  ///< within the stream
  std::size_t end;
  std::string_view headers;
  std::string_view payload;
};

/// Every message of the stream; nothing when a length or a checksum is wrong, or the last one is cut off.
std::optional<std::vector<EventMessage>> read_event_messages(std::string_view stream);

constexpr std::uint8_t event_header_bytes = 6;
constexpr std::uint8_t event_header_string = 7;
struct EventHeader {
  std::string_view name;
  std::uint8_t type;
  std::string_view value;  ///< raw bytes, without their length
};
/// Nothing when a header does not end within them.
std::optional<std::vector<EventHeader>> read_event_headers(std::string_view headers);
/// Appends one header. Values of strings and bytes are at most 65,535 bytes.
void write_event_header(std::string& out, const EventHeader& header);

/// A message with lengths and checksums of its own.
std::string write_event_message(std::string_view headers, std::string_view payload);

}  // namespace holdpoint::masker
