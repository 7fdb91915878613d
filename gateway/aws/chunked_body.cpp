#include "gateway/aws/chunked_body.hpp"

#include <algorithm>
#include <charconv>

namespace holdpoint::aws {
namespace {

constexpr std::size_t kLineBytesMax = 1024;  // a size line with its signature is below 120 bytes, a checksum below 200
constexpr std::size_t kTrailersMax = 8;      // SDKs send one checksum

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text.size() > 18) return std::nullopt;
  return value;
}

}  // namespace

Result<ChunkedBody> ChunkedBody::begin(const ParsedSignature& parsed, const HttpHead& head, BytesView signing_key) {
  HOLDPOINT_INVARIANT(is_aws_chunked(parsed.payload));
  ChunkedBody body;
  body.signed_ = parsed.payload != PayloadForm::unsigned_trailer;
  body.trailer_form_ = parsed.payload != PayloadForm::signed_chunks;
  body.signing_key_ = Secret(Bytes(signing_key));
  body.amz_date_ = parsed.amz_date;
  body.scope_ = parsed.scope();
  body.previous_signature_ = parsed.signature;
  const auto length = single_header(head.headers, "x-amz-decoded-content-length");
  const auto decoded = length ? parse_number(*length, 10) : std::nullopt;
  if (!decoded) return fail(Code::malformed, "an aws-chunked body needs x-amz-decoded-content-length");
  body.decoded_left_ = *decoded;
  const auto trailer = single_header(head.headers, "x-amz-trailer");
  if (trailer && !body.trailer_form_)
    return fail(Code::malformed, "x-amz-trailer without a payload form that has trailers");
  for (std::string_view rest = trailer.value_or(""); !rest.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string name = to_lower(trim(rest.substr(0, comma)));
    if (!name.starts_with("x-amz-checksum-"))
      return fail(Code::malformed, "x-amz-trailer may name x-amz-checksum-* alone");
    if (!body.announced_.insert(name).second || body.announced_.size() > kTrailersMax) {
      return fail(Code::malformed, "x-amz-trailer repeats a name or has too many");
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return body;
}

Result<void> ChunkedBody::feed(BytesView bytes, Bytes& out) {
  while (!bytes.empty()) {
    if (state_ == State::end) return fail(Code::malformed, "bytes after the end of the aws-chunked body");
    if (state_ == State::data) {
      const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size()));
      (signed_ ? held_ : out).append(bytes.substr(0, take));
      chunk_left_ -= take;
      bytes.remove_prefix(take);
      if (chunk_left_ == 0) state_ = State::data_end;
      continue;
    }
    const std::size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, end == BytesView::npos ? end : end + 1));
    if (line_.size() > kLineBytesMax) return fail(Code::too_large, "a line of the aws-chunked body is too long");
    if (end == BytesView::npos) return {};
    bytes.remove_prefix(end + 1);
    if (!line_.ends_with("\r\n")) return fail(Code::malformed, "lines of an aws-chunked body end in CR LF");
    line_.resize(line_.size() - 2);
    if (auto done = line(out); !done) return done;
    line_.clear();
  }
  return {};
}

Result<void> ChunkedBody::line(Bytes& out) {
  if (line_.find_first_of(std::string_view("\r\0", 2)) != std::string::npos) {
    return fail(Code::malformed, "control character in an aws-chunked body");
  }
  switch (state_) {
    case State::size: {
      if (auto begun = begin_chunk(); !begun) return begun;
      if (!last_chunk_) return {};
      return end_chunk(out);
    }
    case State::data_end:
      if (!line_.empty()) return fail(Code::malformed, "a chunk is longer than its size says");
      return end_chunk(out);
    case State::trailer:
      return trailer_line();
    default:
      return fail(Code::malformed, "unexpected line in an aws-chunked body");
  }
}

// "SIZE" or "SIZE;chunk-signature=HEX"
Result<void> ChunkedBody::begin_chunk() {
  const std::string_view text(line_);
  const std::size_t semicolon = text.find(';');
  const auto size = parse_number(text.substr(0, semicolon), 16);
  if (!size) return fail(Code::malformed, "a chunk's size is no hexadecimal number");
  constexpr std::string_view kSignature = ";chunk-signature=";
  if (signed_) {
    if (semicolon == std::string_view::npos || !text.substr(semicolon).starts_with(kSignature)) {
      return fail(Code::malformed, "a chunk has no signature");
    }
    chunk_signature_ = text.substr(semicolon + kSignature.size());
    if (*size > kSignedChunkBytesMax) return fail(Code::too_large, "a signed chunk exceeds 4 MiB");
  } else if (semicolon != std::string_view::npos) {
    return fail(Code::malformed, "an unsigned chunk has an extension");
  }
  if (*size > decoded_left_) return fail(Code::malformed, "the body is longer than x-amz-decoded-content-length");
  decoded_left_ -= *size;
  chunk_left_ = *size;
  last_chunk_ = *size == 0;
  state_ = State::data;
  return {};
}

Result<void> ChunkedBody::end_chunk(Bytes& out) {
  if (signed_) {
    if (auto checked = check("AWS4-HMAC-SHA256-PAYLOAD", held_, chunk_signature_); !checked) return checked;
    out.append(held_);
    held_.clear();
  }
  state_ = last_chunk_ ? State::trailer : State::size;
  return {};
}

// "name:value", "x-amz-trailer-signature:HEX" after them where chunks are signed, and an empty line.
Result<void> ChunkedBody::trailer_line() {
  if (line_.empty()) return finish();
  if (!trailer_form_) return fail(Code::malformed, "trailers in a payload form without trailers");
  const std::size_t colon = line_.find(':');
  if (colon == std::string::npos) return fail(Code::malformed, "a trailer without a colon");
  const std::string name = to_lower(std::string_view(line_).substr(0, colon));
  const std::string value(trim(std::string_view(line_).substr(colon + 1)));
  if (!trailer_signature_.empty()) return fail(Code::malformed, "a trailer after the trailers' signature");
  if (signed_ && name == "x-amz-trailer-signature") {
    trailer_signature_ = value;
    return value.empty() ? Result<void>(fail(Code::malformed, "an empty trailer signature")) : Result<void>();
  }
  if (announced_.erase(name) == 0)
    return fail(Code::malformed, "the trailer " + display(name, 80) + " was not announced, or twice");
  trailer_text_.append(name).append(":").append(value).append("\n");
  trailers_.emplace_back(name, value);
  return {};
}

Result<void> ChunkedBody::finish() {
  if (decoded_left_ != 0) return fail(Code::malformed, "the body is shorter than x-amz-decoded-content-length");
  if (!announced_.empty())
    return fail(Code::malformed, "the announced trailer " + display(*announced_.begin(), 80) + " is missing");
  if (signed_ && trailer_form_) {
    if (auto checked = check("AWS4-HMAC-SHA256-TRAILER", trailer_text_, trailer_signature_); !checked) return checked;
  }
  state_ = State::end;
  return {};
}

Result<void> ChunkedBody::check(std::string_view kind, BytesView content, std::string_view signature) {
  std::string text(kind);
  text.append("\n").append(amz_date_).append("\n").append(scope_).append("\n").append(previous_signature_).append("\n");
  if (kind == "AWS4-HMAC-SHA256-PAYLOAD") text.append(to_hex(view(sha256({})))).append("\n");
  text.append(to_hex(view(sha256(content))));
  const std::string expected = to_hex(view(hmac_sha256(signing_key_.reveal(), text)));
  if (!constant_time_equal(expected, signature)) return fail(Code::tampered, "a chunk's signature does not match");
  previous_signature_ = expected;
  return {};
}

}  // namespace holdpoint::aws
