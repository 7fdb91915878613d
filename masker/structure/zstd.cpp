// The one file that includes zstd.h.
#include <zstd.h>

#include <memory>

#include "masker/structure/compress.hpp"

namespace holdpoint::masker {
namespace {

constexpr int window_log_max = 26;
constexpr int level_high = 19;

using Reader = std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)>;

}  // namespace

Result<Bytes> unpack_zstd(BytesView compressed, std::size_t bytes_max) {
  const std::size_t limit = unpacked_limit(compressed.size(), bytes_max);
  const Reader reader(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!reader || ZSTD_isError(ZSTD_DCtx_setParameter(reader.get(), ZSTD_d_windowLogMax, window_log_max)) != 0)
    return fail(Code::internal, "no memory for decompression");
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  Bytes out;
  std::size_t used = 0;
  std::size_t left = 1;  // 0 between frames; several in a row are one file
  while (in.pos < in.size || left != 0) {
    if (out.size() == used) out.resize(std::min(limit + 1, std::max<std::size_t>(used * 2, 16384)));
    ZSTD_outBuffer room{out.data() + used, out.size() - used, 0};
    const std::size_t consumed = in.pos;
    left = ZSTD_decompressStream(reader.get(), &room, &in);
    used += room.pos;
    if (ZSTD_isError(left) != 0) return fail(Code::malformed, "damaged compressed data");
    if (used > limit) return fail(Code::too_large, "decompresses to more than " + std::to_string(limit) + " bytes");
    if (left != 0 && in.pos == in.size && in.pos == consumed && room.pos == 0)
      return fail(Code::malformed, "cut compressed data");
  }
  out.resize(used);
  return out;
}

Bytes compress_zstd(BytesView bytes, int level) {
  Bytes out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  HOLDPOINT_INVARIANT(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

Bytes compress_zstd_to(std::size_t size, BytesView bytes) {
  Bytes packed = compress_zstd(bytes);
  if (packed.size() > size) packed = compress_zstd(bytes, level_high);
  constexpr std::string_view skippable("\x50\x2a\x4d\x18", 4);
  constexpr std::size_t head_bytes = 8;
  if (packed.size() + head_bytes > size) return packed;
  const std::size_t missing = size - packed.size() - head_bytes;
  packed.append(skippable);
  for (unsigned shift = 0; shift < 32; shift += 8) packed.push_back(static_cast<char>((missing >> shift) & 0xffU));
  return packed.append(missing, '*');
}

}  // namespace holdpoint::masker
