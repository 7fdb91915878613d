// HTTP/1.1 heads (RFC 9112), read strictly: what two parsers could read differently is refused, not repaired.
//
// Refused: bare LF or CR, obs-fold, white space before a colon, control characters, absolute and authority targets,
// Content-Length with Transfer-Encoding, either of them twice, any coding but a single `chunked`, Host missing or
// twice, HTTP/1.0, Upgrade, an Expect other than 100-continue. Order, case of names and values stay as sent, because
// signatures cover them.
// Not here: bodies (chunked.hpp), sockets (stream.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"
#include "gateway/aws/http_head.hpp"

namespace holdpoint::http {

/// The longest head AWS clients send is a presigned URL with session token and tags, some 8 KiB.
constexpr std::size_t kHeadBytesMax = 32 << 10;
constexpr std::size_t kHeadersMax = 128;

enum class Framing { none, length, chunked, until_close };

struct RequestHead {
  aws::HttpHead head;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  ///< with Framing::length
  bool keep_alive = true;
  bool expects_continue = false;
  std::string host;  ///< lower case, with port as sent
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Where the head ends (behind its empty line), or nullopt while it is incomplete. Fails with `malformed` as soon as a
/// bare LF or a NUL is seen and `too_large` beyond the bound, so that a hostile head is not waited for.
Result<std::optional<std::size_t>> head_end(std::string_view buffer);

/// `text` is one complete head with its empty line. Fails with `malformed`, `too_large` or `unsupported`.
Result<RequestHead> parse_request_head(std::string_view text);
/// `request_method` decides whether a body follows (HEAD).
Result<ResponseHead> parse_response_head(std::string_view text, std::string_view request_method);

/// The first value, or nullptr. `name` is compared without case.
const std::string* find_header(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name);
std::string header_or_empty(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name);

/// Status line and headers as sent; the caller has checked that no value holds a line break (see is_header_value).
std::string response_head_text(int status, const std::vector<std::pair<std::string, std::string>>& headers);
std::string request_head_text(const aws::HttpHead& head);
std::string_view reason_phrase(int status);

bool is_token(std::string_view text);
/// No control characters but tab: cannot end a line.
bool is_header_value(std::string_view text);

}  // namespace holdpoint::http
