// The server side of one connection: requests one after the other, each handed to a handler as an Exchange.
//
//   idle --first byte--> head --complete--> handling --answer written, body drained--> idle | closed
//
// Pipelined requests are refused: bytes behind a request's body before its answer close the connection.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/chunked.hpp"
#include "gateway/http/head.hpp"
#include "gateway/http/stream.hpp"

namespace holdpoint::http {

/// How long a client may take. Bodies must move: each read has this long, whatever the whole takes.
struct ServerTimeouts {
  std::chrono::seconds idle{75};  ///< above the 60 s that SDK pools keep connections
  std::chrono::seconds head{10};
  std::chrono::seconds body_piece{30};
  std::chrono::seconds write{60};
};

/// One request and its answer. Lives in its connection's coroutine.
class Exchange {
 public:
  Exchange(Stream& stream, std::string& buffer, const ServerTimeouts& timeouts, RequestHead request);

  [[nodiscard]] const RequestHead& request() const { return request_; }
  [[nodiscard]] std::string source_ip() const { return stream_.peer_address(); }

  /// The whole body. Fails with `too_large` beyond `bytes_max` (at once when Content-Length says so, before an
  /// expected 100 Continue), `malformed`, `timed_out` or `unavailable`.
  boost::asio::awaitable<Result<std::string>> read_body(std::size_t bytes_max);
  /// The next piece, appended to `out`; false at the body's end.
  boost::asio::awaitable<Result<bool>> read_piece(std::string& out);
  [[nodiscard]] bool body_ended() const { return body_ended_; }

  /// Head and body in one write. Content-Length and Connection are set here. After a failure the connection closes.
  boost::asio::awaitable<Result<void>> reply(int status, aws::Headers headers, std::string_view body);
  /// A streamed answer: with `length` or chunked. Then pieces, then finish(); cut() ends it so that the client notices.
  boost::asio::awaitable<Result<void>> begin(int status, aws::Headers headers, std::optional<std::uint64_t> length);
  boost::asio::awaitable<Result<void>> write_piece(std::string_view piece);
  boost::asio::awaitable<Result<void>> finish();
  void cut();

  /// An interim `100 Continue`, so that the client's read timer starts anew.
  boost::asio::awaitable<Result<void>> keep_waiting();
  /// While nothing is read: `gone` is called once when the client closes or sends what it may not send now.
  void watch(std::function<void()> gone) { stream_.watch(std::move(gone)); }
  void unwatch() { stream_.unwatch(); }
  /// Gives memory back while the request waits for people; nobody will ask for `headers` (lower case) again.
  void shrink(std::initializer_list<std::string_view> headers);

  void close_after() { keep_alive_ = false; }
  [[nodiscard]] bool answered() const { return answered_; }
  /// The connection can carry another request.
  [[nodiscard]] bool reusable() const { return keep_alive_ && answered_ && body_ended_ && !broken_ && buffer_.empty(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  boost::asio::awaitable<Result<std::size_t>> fill();
  boost::asio::awaitable<Result<void>> write(std::string_view first, std::string_view second);
  Result<bool> take_buffered(std::string& out);
  Result<bool> body_done();

  Stream& stream_;
  std::string& buffer_;  ///< bytes received and not used
  const ServerTimeouts& timeouts_;
  RequestHead request_;
  ChunkDecoder chunks_;
  std::uint64_t body_bytes_ = 0;
  bool body_ended_ = false;
  bool continue_due_ = false;
  bool keep_alive_ = true;
  bool answered_ = false;
  bool broken_ = false;
  bool chunked_answer_ = false;
};

/// Must answer through the exchange; what it leaves unanswered closes the connection.
using ExchangeHandler = std::function<boost::asio::awaitable<void>(Exchange& exchange)>;

/// A head that could not be read. Nothing of it is trusted.
struct Unread {
  std::string source_ip;
  std::string beginning;  ///< what came, up to the bound of a head
  Error error;
  int status = 400;  ///< 431 when it is too large
};
/// Without Content-Length and Connection.
struct UnreadAnswer {
  aws::Headers headers;
  std::string body;
};
using UnreadHandler = std::function<boost::asio::awaitable<UnreadAnswer>(Unread unread)>;

/// Serves one connection until it ends. `stopping` is asked between requests.
boost::asio::awaitable<void> serve_connection(std::unique_ptr<Stream> stream, ServerTimeouts timeouts,
                                              ExchangeHandler handler, UnreadHandler unread,
                                              std::function<bool()> stopping);

}  // namespace holdpoint::http
