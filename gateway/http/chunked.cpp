#include "gateway/http/chunked.hpp"

#include <algorithm>

namespace holdpoint::http {
namespace {

// More than any checksum trailer of a target.
constexpr std::size_t kTrailerBytesMax = 4096;
constexpr unsigned kSizeDigitsMax = 8;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<void> ChunkDecoder::end_of_size() {
  if (digits_ == 0) return fail(Code::malformed, "a chunk has no size");
  digits_ = 0;
  extension_ = false;
  line_bytes_ = 0;
  state_ = remaining_ == 0 ? State::trailer : State::data;
  return {};
}

Result<std::size_t> ChunkDecoder::decode(std::string_view input, std::string& out) {
  std::size_t at = 0;
  while (at < input.size() && state_ != State::done) {
    const char c = input[at];
    switch (state_) {
      case State::size:
        if (c == '\r') {
          state_ = State::size_lf;
        } else if (const int digit = hex_value(c); digit >= 0 && !extension_ && digits_ < kSizeDigitsMax) {
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
          ++digits_;
        } else if (trailers_skipped_ && digits_ > 0 && ++line_bytes_ < kTrailerBytesMax && c != '\n') {
          extension_ = true;
        } else {
          return fail(Code::malformed, "a chunk size is malformed");
        }
        ++at;
        break;
      case State::size_lf:
        if (c != '\n') return fail(Code::malformed, "a chunk size does not end its line");
        if (auto ended = end_of_size(); !ended) return ended.error();
        ++at;
        break;
      case State::data: {
        const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - at));
        out.append(input.substr(at, take));
        at += take;
        remaining_ -= take;
        if (remaining_ == 0) state_ = State::data_cr;
        break;
      }
      case State::data_cr:
        if (c != '\r') return fail(Code::malformed, "a chunk is longer than its size");
        state_ = State::data_lf;
        ++at;
        break;
      case State::data_lf:
        if (c != '\n') return fail(Code::malformed, "a chunk is longer than its size");
        state_ = State::size;
        ++at;
        break;
      case State::trailer:
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else if (!trailers_skipped_ || c == '\n') {
          return fail(Code::malformed, "trailers are not accepted");
        } else {
          ++line_bytes_;
          if (++trailer_bytes_ > kTrailerBytesMax) return fail(Code::too_large, "the trailers are too large");
        }
        ++at;
        break;
      case State::trailer_lf:
        if (c != '\n') return fail(Code::malformed, "a trailer does not end its line");
        state_ = line_bytes_ == 0 ? State::done : State::trailer;
        line_bytes_ = 0;
        ++at;
        break;
      case State::done:
        break;
    }
  }
  return at;
}

}  // namespace holdpoint::http
