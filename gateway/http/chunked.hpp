// Decodes Transfer-Encoding: chunked (RFC 9112, 7.1), strictly: sizes are 1 to 8 hexadecimal digits, extensions and
// trailers are refused (no AWS client sends them), every line ends with CR LF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::http {

class ChunkDecoder {
 public:
  /// Whether trailers are skipped (answers of a target) or refused (requests of an agent).
  explicit ChunkDecoder(bool trailers_skipped = false) : trailers_skipped_(trailers_skipped) {}

  /// Appends decoded bytes to `out` and says how many bytes of `input` were used; stops behind the last chunk.
  /// Fails with `malformed`, and then stays failed.
  Result<std::size_t> decode(std::string_view input, std::string& out);
  [[nodiscard]] bool done() const { return state_ == State::done; }

 private:
  enum class State { size, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done };
  Result<void> end_of_size();

  State state_ = State::size;
  bool trailers_skipped_;
  bool extension_ = false;
  std::uint64_t remaining_ = 0;
  unsigned digits_ = 0;
  std::size_t line_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace holdpoint::http
