#include "masker/structure/compress.hpp"

#include <zlib.h>

#include <algorithm>

namespace holdpoint::masker {
namespace {

constexpr std::size_t ratio_max = 200;
constexpr std::size_t ratio_floor_bytes = 1U << 20;  // small answers may be all blanks
constexpr int gzip_window = 15 + 16;

Bytes deflate_all(BytesView bytes, int window, int level) {
  z_stream stream{};
  HOLDPOINT_INVARIANT(deflateInit2(&stream, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  HOLDPOINT_INVARIANT(code == Z_STREAM_END);
  return out;
}

}  // namespace

std::size_t unpacked_limit(std::size_t compressed, std::size_t bytes_max) {
  return std::min(bytes_max, std::max(ratio_floor_bytes, compressed * ratio_max));
}

Result<Bytes> inflate(BytesView compressed, std::size_t bytes_max) {
  const std::size_t limit = unpacked_limit(compressed.size(), bytes_max);
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return fail(Code::internal, "no memory for decompression");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  Bytes out;
  std::size_t used = 0;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    // Room that a member left over serves the next one: thousands of empty ones must not clear it each.
    if (out.size() == used) out.resize(std::min(limit + 1, std::max<std::size_t>(used * 2, 16384)));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    code = ::inflate(&stream, Z_NO_FLUSH);
    used = out.size() - stream.avail_out;
    if (used > limit) {
      inflateEnd(&stream);
      return fail(Code::too_large, "decompresses to more than " + std::to_string(limit) + " bytes");
    }
    if (code == Z_STREAM_END && stream.avail_in > 0) {
      // Several members in a row are one gzip file.
      if (inflateReset(&stream) == Z_OK) code = Z_OK;
      continue;
    }
    if (code != Z_OK && code != Z_STREAM_END) {
      inflateEnd(&stream);
      return fail(Code::malformed, "damaged or cut compressed data");
    }
    if (code == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) {
      inflateEnd(&stream);
      return fail(Code::malformed, "cut compressed data");
    }
  }
  inflateEnd(&stream);
  out.resize(used);
  return out;
}

Bytes compress_gzip(BytesView bytes, int level) { return deflate_all(bytes, gzip_window, level); }
Bytes compress_zlib(BytesView bytes) { return deflate_all(bytes, 15, 6); }

Bytes compress_gzip_to(std::size_t size, BytesView bytes) {
  Bytes packed = compress_gzip(bytes);
  if (packed.size() > size) packed = compress_gzip(bytes, 9);
  if (packed.size() >= size) return packed;
  constexpr std::size_t head_bytes = 10;
  constexpr std::size_t flags_at = 3;
  constexpr char has_comment = 0x10;
  packed[flags_at] = static_cast<char>(packed[flags_at] | has_comment);
  return packed.insert(head_bytes, std::string(size - packed.size() - 1, '*') + '\0');
}

}  // namespace holdpoint::masker
