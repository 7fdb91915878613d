// Takes an aws-chunked body apart as it streams in, in bounded memory, and checks what its form lets it check.
//
//   size --CRLF--> data --CRLF--> size … size 0 --> trailers --> end
//
// Forms: STREAMING-UNSIGNED-PAYLOAD-TRAILER (lengths and trailer names only), STREAMING-AWS4-HMAC-SHA256-PAYLOAD and
// …-TRAILER (every chunk's signature chained from the request's; trailers as well). Data of a signed chunk comes out
// only once its signature has been verified. Source: AWS S3 "Signature calculations: chunked upload".
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "gateway/aws/http_head.hpp"
#include "gateway/aws/sigv4.hpp"

namespace holdpoint::aws {

/// A signed chunk is held until it is verified. SDKs send 64 KiB to 1 MiB.
constexpr std::size_t kSignedChunkBytesMax = 4 << 20;

class ChunkedBody {
 public:
  /// `head` gives x-amz-decoded-content-length (required) and x-amz-trailer; `parsed.payload` must be aws-chunked.
  static Result<ChunkedBody> begin(const ParsedSignature& parsed, const HttpHead& head, BytesView signing_key);

  /// Appends decoded (and for signed forms verified) data to `out`. After an error the body is dead.
  /// Fails with `malformed`, `too_large` or `tampered`.
  Result<void> feed(BytesView bytes, Bytes& out);
  /// True once the last byte was seen; anything fed after it is malformed. A body that ends before is cut off.
  [[nodiscard]] bool finished() const { return state_ == State::end; }
  [[nodiscard]] const Headers& trailers() const { return trailers_; }

 private:
  enum class State { size, data, data_end, trailer, end };

  ChunkedBody() = default;
  Result<void> line(Bytes& out);
  Result<void> begin_chunk();
  Result<void> end_chunk(Bytes& out);
  Result<void> trailer_line();
  Result<void> finish();
  Result<void> check(std::string_view kind, BytesView content, std::string_view signature);

  State state_ = State::size;
  bool signed_ = false;
  bool trailer_form_ = false;
  Secret signing_key_;
  std::string amz_date_;
  std::string scope_;
  std::string previous_signature_;
  std::string chunk_signature_;
  std::string trailer_signature_;
  std::set<std::string> announced_;  ///< trailer names of x-amz-trailer
  std::string line_;
  Bytes held_;  ///< data of the signed chunk in flight
  std::uint64_t chunk_left_ = 0;
  bool last_chunk_ = false;
  std::uint64_t decoded_left_ = 0;
  std::string trailer_text_;  ///< "name:value\n" as signed
  Headers trailers_;
};

}  // namespace holdpoint::aws
