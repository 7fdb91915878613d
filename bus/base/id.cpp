#include "bus/base/id.hpp"

#include <pthread.h>

#include <atomic>
#include <cstring>

#include "bus/base/crypto.hpp"
#include "bus/base/encoding.hpp"

namespace holdpoint {

namespace {

// A child would go on with its parent's bytes, and give out the same identifiers.
std::atomic<unsigned> forks = 0;
const bool kForksCounted = pthread_atfork(nullptr, nullptr, [] { ++forks; }) == 0;

/// Random bytes by the block: each is a call of the system's.
class RandomPool {
 public:
  BytesView take(std::size_t count) {
    if (used_ + count > bytes_.size() || forks_ != forks || !kForksCounted) {
      bytes_ = random_bytes(kBlockBytes);
      used_ = 0;
      forks_ = forks;
    }
    used_ += count;
    return BytesView(bytes_).substr(used_ - count, count);
  }

 private:
  static constexpr std::size_t kBlockBytes = 256;
  Bytes bytes_;
  std::size_t used_ = 0;
  unsigned forks_ = 0;
};

constexpr std::size_t kTimeBytes = 6;

}  // namespace

Id RandomIdSource::next(Instant now) {
  thread_local RandomPool pool;
  Id id;
  const BytesView random = pool.take(id.bytes.size() - kTimeBytes);
  std::memcpy(id.bytes.data() + kTimeBytes, random.data(), random.size());
  const auto ms = static_cast<std::uint64_t>(to_unix_ms(now));
  for (std::size_t i = 0; i < kTimeBytes; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string to_text(const Id& id) {
  const std::string hex = to_hex(id.view());
  std::string text(36, '-');
  char* to = text.data();
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) ++to;
    *to++ = hex[i];
  }
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
