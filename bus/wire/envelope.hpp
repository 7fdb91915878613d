// One message on the bus, and its frames (PROTOCOL.md, "Framing").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/base/id.hpp"
#include "bus/base/json.hpp"
#include "bus/base/result.hpp"
#include "bus/base/time.hpp"
#include "bus/wire/role.hpp"

namespace holdpoint::wire {

enum class Kind : std::uint8_t {
  request = 1,
  reply = 2,
  publish = 3,
  // Between one peer and the broker:
  hello = 10,
  welcome = 11,
  heartbeat = 12,
  serve = 13,   ///< a worker offers a service, with credit
  credit = 14,  ///< a worker can take more requests
  subscribe = 15,
  unsubscribe = 16,
  goodbye = 17,
};

constexpr std::size_t kBodyBytesMax = 1 << 20;
constexpr std::size_t kAttachmentsMax = 16;
constexpr std::size_t kAttachmentBytesMax = 64 << 20;
constexpr std::size_t kNameBytesMax = 255;

/// What a sender says: a name from PROTOCOL.md, a JSON object, raw bytes. A sender that has the object's text already
/// puts it into `text`, and leaves `body` alone; what was received has a body.
struct Message {
  Message() = default;
  // Constructors, for GCC 12 destroys a braced aggregate twice when it is an argument within a co_await expression.
  Message(std::string message_type) : type(std::move(message_type)) {}
  Message(const char* message_type) : type(message_type) {}
  Message(std::string message_type, Json message_body, std::vector<Bytes> message_attachments = {})
      : type(std::move(message_type)), body(std::move(message_body)), attachments(std::move(message_attachments)) {}

  std::string type;
  Json body = Json::object();
  std::string text;
  std::vector<Bytes> attachments;
};

/// The answer that stands for an Error: type "Refused", {"code","message"}.
Message refusal(const Error& error);
/// A message, or the Error that a "Refused" carries.
Result<Message> accepted(Message message);

struct Sender {
  Role role = Role::none;
  std::string key_id;
};

struct Envelope {
  Kind kind = Kind::request;
  Id id;
  Instant deadline{};       ///< zero = none
  std::string address;      ///< service or topic
  std::string stream;       ///< empty = not pinned
  std::uint64_t epoch = 0;  ///< of the stream's lease
  Sender sender;            ///< stamped by the broker
  Message message;
};

using Frames = std::vector<Bytes>;

Frames encode(const Envelope& envelope);
/// Fails with `malformed` or `too_large`; the body must be a JSON object without duplicate keys.
Result<Envelope> decode(Frames frames);

}  // namespace holdpoint::wire
