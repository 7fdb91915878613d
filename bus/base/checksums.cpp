#include "bus/base/checksums.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <array>

#include "bus/base/result.hpp"

namespace holdpoint {

std::uint32_t crc32(BytesView data) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

std::string md5_hex(BytesView data) {
  std::array<unsigned char, 16> digest{};
  unsigned length = 0;
  HOLDPOINT_INVARIANT(EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_md5(), nullptr) == 1 &&
                      length == digest.size());
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace holdpoint
