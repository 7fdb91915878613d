#include "gateway/http/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "bus/base/encoding.hpp"

namespace holdpoint::http {
namespace {

constexpr std::size_t kHeadersUsual = 16;

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = token_table();

constexpr std::array<bool, 256> value_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < table.size(); ++c) table[c] = c != 0x7F;
  table['\t'] = true;
  return table;
}
constexpr std::array<bool, 256> kValue = value_table();

/// Whether each of eight bytes is 0x20 to 0x7E: adding 1 reaches the highest bit from 0x7F on, subtracting 0x20 borrows
/// it below 0x20. A borrow from a neighbour can only make the answer false, and then each byte is looked at.
bool is_printable(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighest = 0x8080808080808080U;
  if ((eight & kHighest) != 0) return false;
  return (((eight + kOnes) | (eight - kOnes * 0x20)) & kHighest) == 0;
}

bool is_target_char(unsigned char c) { return c > 0x20 && c < 0x7F && c != '#'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Hands out lines; the caller has made sure that every LF follows a CR.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const std::size_t end = rest_.find("\r\n");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
    return line;
  }

 private:
  std::string_view rest_;
};

Result<std::uint64_t> parse_length(std::string_view text) {
  // 18 digits stay below 2^63 and are more than any body.
  if (text.empty() || text.size() > 18) return fail(Code::malformed, "Content-Length is not a number");
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return fail(Code::malformed, "Content-Length is not a number");
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Name and value, parts of `line`.
Result<std::pair<std::string_view, std::string_view>> parse_header(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return fail(Code::malformed, "a folded header line is not accepted");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return fail(Code::malformed, "a header line has no valid name");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_header_value(value)) return fail(Code::malformed, "a header value holds a control character");
  return std::pair(line.substr(0, colon), value);
}

/// What the framing headers of one message say, gathered while its headers are read.
struct FramingHeaders {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool keep = false;

  Result<void> take(std::string_view name, std::string_view value) {
    if (equal_ignoring_case(name, "content-length")) {
      if (length) return fail(Code::malformed, "Content-Length stands twice");
      auto parsed = parse_length(value);
      if (!parsed) return parsed.error();
      length = *parsed;
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
      if (chunked) return fail(Code::malformed, "Transfer-Encoding stands twice");
      if (!equal_ignoring_case(value, "chunked"))
        return fail(Code::unsupported, "only Transfer-Encoding: chunked is understood");
      chunked = true;
    } else if (equal_ignoring_case(name, "connection")) {
      while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string_view option = trim(value.substr(0, comma));
        close = close || equal_ignoring_case(option, "close");
        keep = keep || equal_ignoring_case(option, "keep-alive");
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
      }
    }
    if (length && chunked) return fail(Code::malformed, "Content-Length and Transfer-Encoding contradict each other");
    return {};
  }
};

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
}

Result<void> parse_request_line(std::string_view line, aws::HttpHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return fail(Code::malformed, "the request line is malformed");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (method.size() > 20 || !std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) ||
      method.empty())
    return fail(Code::malformed, "the method is malformed");
  if (method == "CONNECT" || method == "TRACE") return fail(Code::unsupported, "the method is not served");
  if (version != "HTTP/1.1") return fail(Code::unsupported, "only HTTP/1.1 is served");
  if (target.empty() || target.front() != '/' || !std::all_of(target.begin(), target.end(), is_target_char))
    return fail(Code::malformed, "the request target must be a path");
  head.method = method;
  head.target = target;
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return kToken[c]; });
}

bool is_header_value(std::string_view text) {
  // Eight at a time where none is a control character or above ASCII: a session token is most of a head.
  bool valid = true;
  for (std::uint64_t eight = 0; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    if (is_printable(eight)) continue;
    for (const char c : text.substr(0, sizeof eight)) valid &= kValue[static_cast<unsigned char>(c)];
  }
  for (const char c : text) valid &= kValue[static_cast<unsigned char>(c)];
  return valid;
}

Result<std::optional<std::size_t>> head_end(std::string_view buffer) {
  const std::size_t nul = buffer.find('\0');
  for (std::size_t at = 0; (at = buffer.find('\n', at)) != std::string_view::npos; ++at) {
    if (at >= kHeadBytesMax || nul < at) break;
    if (at == 0 || buffer[at - 1] != '\r') return fail(Code::malformed, "the head holds a bare line feed");
    if (at >= 3 && buffer[at - 2] == '\n') return std::optional(at + 1);
  }
  if (nul < kHeadBytesMax) return fail(Code::malformed, "the head holds a NUL");
  if (buffer.size() >= kHeadBytesMax) return fail(Code::too_large, "the head is larger than 32 KiB");
  return std::optional<std::size_t>();
}

Result<RequestHead> parse_request_head(std::string_view text) {
  RequestHead request;
  Lines lines(text);
  if (auto line = parse_request_line(lines.next(), request.head); !line) return line.error();
  FramingHeaders framing;
  request.head.headers.reserve(kHeadersUsual);
  bool expect_seen = false;
  for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
    auto header = parse_header(line);
    if (!header) return header.error();
    if (request.head.headers.size() == kHeadersMax) return fail(Code::too_large, "the head has more than 128 headers");
    const auto& [name, value] = *header;
    if (auto taken = framing.take(name, value); !taken) return taken.error();
    if (equal_ignoring_case(name, "host")) {
      if (!request.host.empty()) return fail(Code::malformed, "Host stands twice");
      if (!is_host(value)) return fail(Code::malformed, "Host is malformed");
      request.host = to_lower(value);
    } else if (equal_ignoring_case(name, "expect")) {
      if (expect_seen || !equal_ignoring_case(value, "100-continue"))
        return fail(Code::unsupported, "only Expect: 100-continue is understood");
      expect_seen = true;
    } else if (equal_ignoring_case(name, "upgrade")) {
      return fail(Code::unsupported, "Upgrade is not served");
    }
    request.head.headers.emplace_back(name, value);
  }
  if (request.host.empty()) return fail(Code::malformed, "Host is missing");
  request.keep_alive = !framing.close;
  if (framing.chunked) {
    request.framing = Framing::chunked;
  } else if (framing.length && *framing.length > 0) {
    request.framing = Framing::length;
    request.content_length = *framing.length;
  }
  request.expects_continue = expect_seen && request.framing != Framing::none;
  return request;
}

Result<ResponseHead> parse_response_head(std::string_view text, std::string_view request_method) {
  ResponseHead response;
  Lines lines(text);
  const std::string_view status_line = lines.next();
  const bool old = status_line.substr(0, 9) == "HTTP/1.0 ";
  if (!old && status_line.substr(0, 9) != "HTTP/1.1 ")
    return fail(Code::malformed, "the target did not answer in HTTP/1.1");
  const std::string_view code = status_line.substr(9, 3);
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), response.status);
  if (error != std::errc() || end != code.data() + 3 || response.status < 100 ||
      (status_line.size() > 12 && status_line[12] != ' '))
    return fail(Code::malformed, "the target's status line is malformed");
  response.reason = status_line.size() > 13 ? std::string(status_line.substr(13)) : std::string();
  FramingHeaders framing;
  response.headers.reserve(kHeadersUsual);
  for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
    auto header = parse_header(line);
    if (!header) return header.error();
    if (response.headers.size() == kHeadersMax) return fail(Code::too_large, "the answer has more than 128 headers");
    if (auto taken = framing.take(header->first, header->second); !taken) return taken.error();
    response.headers.emplace_back(header->first, header->second);
  }
  response.keep_alive = old ? framing.keep : !framing.close;
  const bool bodiless =
      response.status < 200 || response.status == 204 || response.status == 304 || request_method == "HEAD";
  if (bodiless) return response;
  if (framing.chunked) {
    response.framing = Framing::chunked;
  } else if (framing.length) {
    response.framing = *framing.length > 0 ? Framing::length : Framing::none;
    response.content_length = *framing.length;
  } else {
    response.framing = Framing::until_close;
    response.keep_alive = false;
  }
  return response;
}

const std::string* find_header(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (equal_ignoring_case(header.first, name)) return &header.second;
  }
  return nullptr;
}

std::string header_or_empty(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  const std::string* value = find_header(headers, name);
  return value == nullptr ? std::string() : *value;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string response_head_text(int status, const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string text;
  text.reserve(512);
  text.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status)).append("\r\n");
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  text.append("\r\n");
  return text;
}

std::string request_head_text(const aws::HttpHead& head) {
  std::string text;
  text.reserve(1024);
  text.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  for (const auto& [name, value] : head.headers) text.append(name).append(": ").append(value).append("\r\n");
  text.append("\r\n");
  return text;
}

}  // namespace holdpoint::http
