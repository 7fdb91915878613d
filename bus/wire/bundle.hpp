// Several payloads as one attachment, each behind its length (4 bytes, big-endian). Every frame is encrypted, queued
// and copied by itself, on both ways through the broker: many small ones cost more than their bytes.
#pragma once

#include <optional>
#include <vector>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::wire {

constexpr std::size_t kBundleLengthBytes = 4;
constexpr std::size_t kBundlePartsMax = 32;  // PROTOCOL.md: small payloads that travel together

inline void add_to_bundle(BytesView part, Bytes& bundle) {
  HOLDPOINT_INVARIANT(part.size() <= UINT32_MAX);
  for (int shift = 24; shift >= 0; shift -= 8) bundle.push_back(static_cast<char>(part.size() >> shift & 0xff));
  bundle.append(part);
}

/// The parts, within `bundle`; nothing unless there are `count` of them, no more than kBundlePartsMax, and no byte
/// besides.
inline std::optional<std::vector<BytesView>> parts_of(BytesView bundle, std::size_t count) {
  if (count > kBundlePartsMax) return std::nullopt;
  std::vector<BytesView> parts;
  while (parts.size() < count && bundle.size() >= kBundleLengthBytes) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kBundleLengthBytes; ++i) length = length << 8 | static_cast<unsigned char>(bundle[i]);
    bundle.remove_prefix(kBundleLengthBytes);
    if (length > bundle.size()) return std::nullopt;
    parts.push_back(bundle.substr(0, length));
    bundle.remove_prefix(length);
  }
  if (parts.size() != count || !bundle.empty()) return std::nullopt;
  return parts;
}

}  // namespace holdpoint::wire
