// Gzip, deflate and Zstandard, bounded. The only files that include the libraries' headers are compress.cpp and
// zstd.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::masker {

/// Gzip or zlib, by its header. Fails with `too_large` beyond the bound or a ratio of 200 (text compresses 20 times,
/// a bomb a thousand), with `malformed` when it is cut, damaged or followed by something else.
Result<Bytes> inflate(BytesView compressed, std::size_t bytes_max);

/// Deterministic: no time, no name.
Bytes compress_gzip(BytesView bytes, int level = 6);
Bytes compress_zlib(BytesView bytes);

/// As inflate(), for Zstandard frames; windows of at most 64 MiB, no dictionaries.
Result<Bytes> unpack_zstd(BytesView compressed, std::size_t bytes_max);
Bytes compress_zstd(BytesView bytes, int level = 3);

/// How far `compressed` bytes may grow: `bytes_max`, or the ratio.
std::size_t unpacked_limit(std::size_t compressed, std::size_t bytes_max);

/// Compressed to exactly `size` bytes, filled up with bytes that mean nothing to readers (a gzip comment, a skippable
/// frame). Comes back longer or shorter where that cannot be done.
Bytes compress_gzip_to(std::size_t size, BytesView bytes);
Bytes compress_zstd_to(std::size_t size, BytesView bytes);

}  // namespace holdpoint::masker
