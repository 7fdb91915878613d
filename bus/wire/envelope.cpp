#include "bus/wire/envelope.hpp"

#include "bus/wire/packet.hpp"

namespace holdpoint::wire {
namespace {

constexpr std::string_view kRefused = "Refused";
constexpr std::size_t kContextBytesMax = 4096;  // an explanation, not a payload

}  // namespace

Message refusal(const Error& error) {
  return {std::string(kRefused),
          Json{{"code", std::string(name(error.code))}, {"message", error.context.substr(0, kContextBytesMax)}},
          {}};
}

Result<Message> accepted(Message message) {
  if (message.type != kRefused) return message;
  return fail(code_from_name(string_or(message.body, "code")), string_or(message.body, "message"));
}

Frames encode(const Envelope& envelope) { return to_frames(packet_of(envelope)); }

Result<Envelope> decode(Frames frames) {
  auto packet = packet_from_frames(std::move(frames));
  if (!packet) return packet.error();
  return to_envelope(std::move(*packet));
}

}  // namespace holdpoint::wire
