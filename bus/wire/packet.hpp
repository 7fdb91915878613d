// A message as it travels: the header taken apart, the body still bytes. The broker routes packets and so never parses
// what a peer wrote into a body; both ends turn them into envelopes (envelope.hpp).
#pragma once

#include "bus/wire/envelope.hpp"

namespace holdpoint::wire {

struct Header {
  Kind kind = Kind::request;
  Id id;
  Instant deadline{};       ///< zero = none; whole milliseconds
  std::string address;      ///< service or topic
  std::string type;         ///< the message's name
  std::string stream;       ///< empty = not pinned
  std::uint64_t epoch = 0;  ///< of the stream's lease
  Sender sender;            ///< stamped by the broker
};

struct Packet {
  Header header;
  Bytes body = "{}";
  std::vector<Bytes> attachments;
};

/// The header's bytes. Names must be at most kNameBytesMax (an invariant: check_limits comes first).
Bytes encode_header(const Header& header);
/// Fails with `malformed`: wrong magic, version, kind or role, truncation, trailing bytes.
Result<Header> decode_header(BytesView bytes);

Frames to_frames(Packet packet);
/// Checks header and sizes, not what the body says.
Result<Packet> packet_from_frames(Frames frames);

Packet to_packet(Envelope envelope);
/// The same, for one that its owner keeps: its body is written without being copied first.
Packet packet_of(const Envelope& envelope);
/// Fails with `malformed` unless the body is one JSON object without duplicate keys.
Result<Envelope> to_envelope(Packet packet);

/// What a sender must not exceed: `too_large`, naming the bound.
Result<void> check_limits(const Header& header, std::size_t body_bytes, const std::vector<Bytes>& attachments);

/// Body and attachments together.
std::size_t payload_bytes(const Packet& packet);

}  // namespace holdpoint::wire
