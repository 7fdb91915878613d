// Gzip and deflate, bounded. The only file that includes zlib.h is compress.cpp.
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
Bytes compress_gzip(BytesView bytes);
Bytes compress_zlib(BytesView bytes);

}  // namespace holdpoint::masker
