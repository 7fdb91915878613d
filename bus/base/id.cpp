#include "bus/base/id.hpp"

#include <cstring>

#include "bus/base/crypto.hpp"
#include "bus/base/encoding.hpp"

namespace holdpoint {

Id RandomIdSource::next(Instant now) {
  Id id;
  const Bytes random = random_bytes(id.bytes.size());
  std::memcpy(id.bytes.data(), random.data(), random.size());
  const auto ms = static_cast<std::uint64_t>(to_unix_ms(now));
  for (int i = 0; i < 6; ++i) id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string to_text(const Id& id) {
  std::string text = to_hex(id.view());
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

std::optional<Id> id_from_text(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) hex += text[i];
  }
  const auto bytes = from_hex(hex);
  return bytes ? id_from_bytes(*bytes) : std::nullopt;
}

std::optional<Id> id_from_bytes(std::string_view bytes) {
  Id id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

}  // namespace holdpoint
