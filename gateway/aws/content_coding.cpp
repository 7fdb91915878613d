#include "gateway/aws/content_coding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace holdpoint::aws {

bool is_compressed(const HttpHead& head, const CallScope& scope) {
  return scope.service == "monitoring" && trim(single_header(head.headers, "content-encoding").value_or("")) == "gzip";
}

bool takes_compressed(const OperationModel& operation) {
  return operation.service->id == "cloudwatch" && operation.name == "PutMetricData";
}

Result<std::string> gunzip(BytesView body, std::size_t bytes_max) {
  constexpr int kGzipOnly = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return fail(Code::overloaded, "no memory to read a gzip body");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string plain;
  std::array<char, 16384> chunk;
  int state = Z_OK;
  while (state == Z_OK && plain.size() <= bytes_max) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    state = inflate(&stream, Z_NO_FLUSH);
    plain.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (plain.size() > bytes_max) return fail(Code::too_large, "the compressed body is too large");
  if (!whole) return fail(Code::malformed, "the body is not one gzip member");
  return plain;
}

}  // namespace holdpoint::aws
