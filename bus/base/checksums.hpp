// Checksums that AWS clients verify and that a changed body invalidates. Not for security: see crypto.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "bus/base/encoding.hpp"

namespace holdpoint {

/// CRC-32 (IEEE), as in DynamoDB's x-amz-crc32 (there in decimal).
std::uint32_t crc32(BytesView data);

/// MD5 as 32 lower-case hexadecimal digits, as in SQS's MD5OfBody.
std::string md5_hex(BytesView data);

}  // namespace holdpoint
