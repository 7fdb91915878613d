#include "gateway/http/exchange.hpp"

#include <algorithm>

#include "bus/base/encoding.hpp"

namespace holdpoint::http {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// What is drained after an early answer, so that the client reads it instead of a reset.
constexpr std::size_t kDrainBytesMax = 256 << 10;

asio::awaitable<Result<std::size_t>> read_more(Stream& stream, std::string& buffer, std::size_t room) {
  const std::size_t before = buffer.size();
  buffer.resize(before + room);
  auto count = co_await stream.read_some(buffer.data() + before, room);
  buffer.resize(before + (count ? *count : 0));
  co_return count;
}

}  // namespace

Exchange::Exchange(Stream& stream, std::string& buffer, const ServerTimeouts& timeouts, RequestHead request)
    : stream_(stream), buffer_(buffer), timeouts_(timeouts), request_(std::move(request)) {
  continue_due_ = request_.expects_continue;
  keep_alive_ = request_.keep_alive;
  body_ended_ = request_.framing == Framing::none;
}

// ---- the request's body -------------------------------------------------------------------------------------------

Result<bool> Exchange::body_done() {
  body_ended_ = true;
  if (!buffer_.empty()) {
    broken_ = true;
    return fail(Code::malformed, "pipelined requests are not served");
  }
  return false;
}

/// Moves what the buffer holds of the body to `out`; true while more is to come.
Result<bool> Exchange::take_buffered(std::string& out) {
  const std::size_t before = out.size();
  if (request_.framing == Framing::chunked) {
    auto used = chunks_.decode(buffer_, out);
    if (!used) {
      broken_ = true;
      return used.error();
    }
    buffer_.erase(0, *used);
    body_bytes_ += out.size() - before;
    return chunks_.done() ? body_done() : Result<bool>(true);
  }
  const std::size_t take =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), request_.content_length - body_bytes_));
  // A small body is copied: it would keep the whole room of the read, as long as people think about it.
  if (out.empty() && take == buffer_.size() && take >= buffer_.capacity() / 2) {
    out.swap(buffer_);
    buffer_.clear();
  } else {
    out.append(buffer_, 0, take);
    buffer_.erase(0, take);
  }
  body_bytes_ += take;
  return body_bytes_ == request_.content_length ? body_done() : Result<bool>(true);
}

asio::awaitable<Result<std::size_t>> Exchange::fill() {
  if (continue_due_) {
    continue_due_ = false;
    if (auto written = co_await write(kContinue, {}); !written) co_return written.error();
  }
  stream_.deadline(in(timeouts_.body_piece));
  std::uint64_t room = kBodyReadBytes;
  // One byte more than the body has: what is sent behind it shows.
  if (request_.framing == Framing::length) room = std::min(room, request_.content_length - body_bytes_ + 1);
  auto count = co_await read_more(stream_, buffer_, room);
  stream_.deadline(SteadyTime::max());
  if (!count || *count == 0) broken_ = true;
  if (count && *count == 0)
    co_return Error{Code::unavailable, "the client closed the connection in the middle of the body"};
  co_return count;
}

asio::awaitable<Result<bool>> Exchange::read_piece(std::string& out) {
  if (body_ended_) co_return false;
  if (buffer_.empty()) {
    if (auto count = co_await fill(); !count) co_return count.error();
  }
  co_return take_buffered(out);
}

asio::awaitable<Result<std::string>> Exchange::read_body(std::size_t bytes_max) {
  std::string body;
  if (request_.framing == Framing::length) {
    if (request_.content_length > bytes_max)
      co_return Error{Code::too_large, "the body is larger than " + std::to_string(bytes_max) + " bytes"};
    body.reserve(std::min<std::size_t>(request_.content_length, bytes_max));
  }
  while (!body_ended_) {
    auto more = co_await read_piece(body);
    if (!more) co_return more.error();
    if (body.size() > bytes_max)
      co_return Error{Code::too_large, "the body is larger than " + std::to_string(bytes_max) + " bytes"};
  }
  if (request_.framing == Framing::none && !buffer_.empty()) {
    broken_ = true;
    co_return Error{Code::malformed, "pipelined requests are not served"};
  }
  co_return body;
}

/// A deadline is that of one read or write, never of what is done between them: that has its own.
asio::awaitable<Result<void>> Exchange::write(std::string_view first, std::string_view second) {
  stream_.deadline(in(timeouts_.write));
  auto written = co_await stream_.write_all(first, second);
  stream_.deadline(SteadyTime::max());
  if (!written) broken_ = true;
  co_return written;
}

// ---- the answer ---------------------------------------------------------------------------------------------------

asio::awaitable<Result<void>> Exchange::reply(int status, aws::Headers headers, std::string_view body) {
  HOLDPOINT_INVARIANT(!answered_);
  answered_ = true;
  if (!body_ended_ || broken_) keep_alive_ = false;
  const bool bodiless = status == 204 || status == 304;
  // HEAD announces the length that GET would have; the caller gives it as a header.
  if (!bodiless && !(request_.head.method == "HEAD" && find_header(headers, "content-length") != nullptr))
    headers.emplace_back("Content-Length", std::to_string(body.size()));
  if (!keep_alive_) headers.emplace_back("Connection", "close");
  const std::string head = response_head_text(status, headers);
  const std::string_view sent = request_.head.method == "HEAD" || bodiless ? std::string_view() : body;
  co_return co_await write(head, sent);
}

asio::awaitable<Result<void>> Exchange::begin(int status, aws::Headers headers, std::optional<std::uint64_t> length) {
  HOLDPOINT_INVARIANT(!answered_);
  answered_ = true;
  if (!body_ended_ || broken_) keep_alive_ = false;
  if (length) {
    headers.emplace_back("Content-Length", std::to_string(*length));
  } else {
    headers.emplace_back("Transfer-Encoding", "chunked");
    chunked_answer_ = true;
  }
  if (!keep_alive_) headers.emplace_back("Connection", "close");
  const std::string head = response_head_text(status, headers);
  co_return co_await write(head, {});
}

asio::awaitable<Result<void>> Exchange::write_piece(std::string_view piece) {
  if (piece.empty()) co_return Result<void>();
  if (!chunked_answer_) co_return co_await write(piece, {});
  char size[20];
  const int count = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  std::string framed(size, static_cast<std::size_t>(count));
  framed.append(piece).append("\r\n");
  co_return co_await write(framed, {});
}

asio::awaitable<Result<void>> Exchange::finish() {
  if (!chunked_answer_) co_return Result<void>();
  co_return co_await write("0\r\n\r\n", {});
}

void Exchange::cut() {
  broken_ = true;
  answered_ = true;
  stream_.close();
}

asio::awaitable<Result<void>> Exchange::keep_waiting() {
  continue_due_ = false;
  co_return co_await write(kContinue, {});
}

void Exchange::shrink(std::initializer_list<std::string_view> headers) {
  buffer_.shrink_to_fit();
  // Made anew: a short value that is moved into a long one's place keeps the long one's room.
  aws::Headers kept;
  kept.reserve(request_.head.headers.size());
  for (auto& header : request_.head.headers) {
    if (std::find(headers.begin(), headers.end(), to_lower(header.first)) == headers.end())
      kept.push_back(std::move(header));
  }
  request_.head.headers = std::move(kept);
}

// ---- the connection -----------------------------------------------------------------------------------------------

int status_of(const Error& error) {
  switch (error.code) {
    case Code::too_large:
      return 413;
    case Code::timed_out:
      return 408;
    case Code::unsupported:
      return 400;
    default:
      return 400;
  }
}

namespace {

/// nullopt at a quiet end of the connection.
asio::awaitable<Result<std::optional<RequestHead>>> read_head(Stream& stream, std::string& buffer,
                                                              const ServerTimeouts& timeouts) {
  stream.deadline(in(timeouts.idle));
  bool begun = !buffer.empty();
  if (begun) stream.deadline(in(timeouts.head));
  for (;;) {
    auto end = head_end(buffer);
    if (!end) co_return end.error();
    if (*end) {
      auto parsed = parse_request_head(std::string_view(buffer).substr(0, **end));
      if (!parsed) co_return parsed.error();
      buffer.erase(0, **end);
      stream.deadline(SteadyTime::max());  // what the answer takes has deadlines of its own
      co_return std::optional(std::move(*parsed));
    }
    auto count = co_await read_more(stream, buffer, kHeadReadBytes);
    if (!count || *count == 0) {
      if (!begun) co_return std::optional<RequestHead>();
      co_return Error{Code::unavailable, "the client closed the connection in the middle of a head"};
    }
    if (!begun) {
      begun = true;
      stream.deadline(in(timeouts.head));
    }
  }
}

int status_of_head(const Error& error) { return error.code == Code::too_large ? 431 : 400; }

asio::awaitable<void> refuse_head(Stream& stream, int status, UnreadAnswer answer) {
  answer.headers.emplace_back("Content-Length", std::to_string(answer.body.size()));
  answer.headers.emplace_back("Connection", "close");
  const std::string head = response_head_text(status, answer.headers);
  (void)co_await stream.write_all(head, answer.body);
}

/// Reads on for a moment after an early answer: closing with unread bytes would reset it away.
asio::awaitable<void> drain(Stream& stream) {
  std::string scrap(kBodyReadBytes, '\0');
  stream.deadline(in(std::chrono::seconds(2)));
  for (std::size_t total = 0; total < kDrainBytesMax;) {
    auto count = co_await stream.read_some(scrap.data(), scrap.size());
    if (!count || *count == 0) break;
    total += *count;
  }
}

}  // namespace

asio::awaitable<void> serve_connection(std::unique_ptr<Stream> stream, ServerTimeouts timeouts, ExchangeHandler handler,
                                       UnreadHandler unread, std::function<bool()> stopping) {
  std::string buffer;
  while (!stopping()) {
    auto head = co_await read_head(*stream, buffer, timeouts);
    if (!head) {
      if (head.error().code != Code::unavailable && head.error().code != Code::timed_out) {
        const int status = status_of_head(head.error());
        Unread told{stream->peer_address(), buffer.substr(0, kHeadBytesMax), head.error(), status};
        UnreadAnswer answer = co_await unread(std::move(told));
        co_await refuse_head(*stream, status, std::move(answer));
        co_await drain(*stream);
      }
      break;
    }
    if (!*head) break;
    Exchange exchange(*stream, buffer, timeouts, std::move(**head));
    co_await handler(exchange);
    if (!exchange.reusable()) {
      if (exchange.answered()) co_await drain(*stream);
      break;
    }
  }
  stream->close();
}

}  // namespace holdpoint::http
