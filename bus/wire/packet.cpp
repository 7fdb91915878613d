#include "bus/wire/packet.hpp"

#include <algorithm>

namespace holdpoint::wire {
namespace {

constexpr std::string_view kMagic = "HP";
constexpr char kVersion = 1;
constexpr std::size_t kFixedBytes = 37;
// 9999-12-31: beyond it milliseconds overflow as microseconds, and no deadline is meant.
constexpr std::uint64_t kDeadlineMsMax = 253'402'300'799'999;

void put_u64(Bytes& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t get_u64(BytesView bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, 8)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

void put_name(Bytes& out, std::string_view text) {
  HOLDPOINT_INVARIANT(text.size() <= kNameBytesMax);
  out.push_back(static_cast<char>(text.size()));
  out.append(text);
}

bool take_name(BytesView& rest, std::string& text) {
  if (rest.empty()) return false;
  const std::size_t size = static_cast<std::uint8_t>(rest.front());
  if (rest.size() < 1 + size) return false;
  text.assign(rest.substr(1, size));
  rest.remove_prefix(1 + size);
  return true;
}

bool is_kind(std::uint8_t kind) { return (kind >= 1 && kind <= 3) || (kind >= 10 && kind <= 17); }

}  // namespace

Bytes encode_header(const Header& header) {
  Bytes out;
  out.reserve(kFixedBytes + 4 + header.address.size() + header.type.size() + header.sender.key_id.size() +
              header.stream.size());
  out.append(kMagic);
  out.push_back(kVersion);
  out.push_back(static_cast<char>(header.kind));
  out.append(header.id.view());
  put_u64(out, static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_unix_ms(header.deadline))));
  put_u64(out, header.epoch);
  out.push_back(static_cast<char>(header.sender.role));
  put_name(out, header.address);
  put_name(out, header.type);
  put_name(out, header.sender.key_id);
  put_name(out, header.stream);
  return out;
}

Result<Header> decode_header(BytesView bytes) {
  if (bytes.size() < kFixedBytes) return fail(Code::malformed, "the header is shorter than its fixed part");
  if (!bytes.starts_with(kMagic)) return fail(Code::malformed, "the header does not begin with \"HP\"");
  if (bytes[2] != kVersion) return fail(Code::malformed, "this broker speaks protocol version 1");
  const auto kind = static_cast<std::uint8_t>(bytes[3]);
  if (!is_kind(kind)) return fail(Code::malformed, "unknown kind " + std::to_string(kind));
  const std::uint64_t deadline_ms = get_u64(bytes.substr(20));
  if (deadline_ms > kDeadlineMsMax) return fail(Code::malformed, "the deadline lies beyond the year 9999");
  const auto role = static_cast<std::uint8_t>(bytes[36]);
  if (role > static_cast<std::uint8_t>(Role::frontend)) return fail(Code::malformed, "unknown role");
  Header header;
  header.kind = static_cast<Kind>(kind);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(bytes.data()) + 4, 16, header.id.bytes.begin());
  header.deadline = from_unix_ms(static_cast<std::int64_t>(deadline_ms));
  header.epoch = get_u64(bytes.substr(28));
  header.sender.role = static_cast<Role>(role);
  BytesView rest = bytes.substr(kFixedBytes);
  if (!take_name(rest, header.address) || !take_name(rest, header.type) || !take_name(rest, header.sender.key_id) ||
      !take_name(rest, header.stream)) {
    return fail(Code::malformed, "the header ends inside a name");
  }
  if (!rest.empty()) return fail(Code::malformed, "the header has trailing bytes");
  return header;
}

Result<void> check_limits(const Header& header, std::size_t body_bytes, const std::vector<Bytes>& attachments) {
  for (const std::string* text : {&header.address, &header.type, &header.sender.key_id, &header.stream}) {
    if (text->size() > kNameBytesMax) return fail(Code::too_large, "a name of more than 255 bytes");
  }
  if (body_bytes > kBodyBytesMax) return fail(Code::too_large, "a body of more than 1 MiB");
  if (attachments.size() > kAttachmentsMax) return fail(Code::too_large, "more than 16 attachments");
  std::size_t total = 0;
  for (const Bytes& attachment : attachments) total += attachment.size();
  if (total > kAttachmentBytesMax) return fail(Code::too_large, "attachments of more than 64 MiB");
  return {};
}

std::size_t payload_bytes(const Packet& packet) {
  std::size_t total = packet.body.size();
  for (const Bytes& attachment : packet.attachments) total += attachment.size();
  return total;
}

Frames to_frames(Packet packet) {
  Frames frames;
  frames.reserve(2 + packet.attachments.size());
  frames.push_back(encode_header(packet.header));
  frames.push_back(std::move(packet.body));
  for (Bytes& attachment : packet.attachments) frames.push_back(std::move(attachment));
  return frames;
}

Result<Packet> packet_from_frames(Frames frames) {
  if (frames.size() < 2) return fail(Code::malformed, "a message has a header frame and a body frame");
  auto header = decode_header(frames[0]);
  if (!header) return header.error();
  Packet packet{std::move(*header), std::move(frames[1]), {}};
  packet.attachments.assign(std::make_move_iterator(frames.begin() + 2), std::make_move_iterator(frames.end()));
  if (auto within = check_limits(packet.header, packet.body.size(), packet.attachments); !within) return within.error();
  return packet;
}

Packet to_packet(Envelope envelope) {
  Packet packet;
  packet.header = {envelope.kind,
                   envelope.id,
                   envelope.deadline,
                   std::move(envelope.address),
                   std::move(envelope.message.type),
                   std::move(envelope.stream),
                   envelope.epoch,
                   std::move(envelope.sender)};
  packet.body = envelope.message.text.empty() ? to_json(envelope.message.body) : std::move(envelope.message.text);
  packet.attachments = std::move(envelope.message.attachments);
  return packet;
}

Packet packet_of(const Envelope& envelope) {
  Packet packet;
  packet.header = {envelope.kind,         envelope.id,     envelope.deadline, envelope.address,
                   envelope.message.type, envelope.stream, envelope.epoch,    envelope.sender};
  packet.body = envelope.message.text.empty() ? to_json(envelope.message.body) : envelope.message.text;
  packet.attachments = envelope.message.attachments;
  return packet;
}

Result<Envelope> to_envelope(Packet packet) {
  auto body = parse_json(packet.body, {.bytes_max = kBodyBytesMax, .depth_max = 64});
  if (!body) return body.error();
  if (!body->is_object()) return fail(Code::malformed, "the body is not a JSON object");
  Header& header = packet.header;
  Envelope envelope;
  envelope.kind = header.kind;
  envelope.id = header.id;
  envelope.deadline = header.deadline;
  envelope.address = std::move(header.address);
  envelope.stream = std::move(header.stream);
  envelope.epoch = header.epoch;
  envelope.sender = std::move(header.sender);
  envelope.message = {std::move(header.type), std::move(*body), std::move(packet.attachments)};
  return envelope;
}

}  // namespace holdpoint::wire
