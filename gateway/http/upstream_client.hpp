// Sends requests to targets over kept connections. One per shard, on its thread.
//
// It never repeats a request: a kept connection is looked at before use, and what fails after a byte may have left is
// reported as such (`bytes_left`). Link-local, metadata, multicast and unspecified addresses are refused after the
// name was resolved, whatever name led there.
// Not here: signatures, which host belongs to a target (gateway/pipeline, configuration).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "gateway/http/head.hpp"
#include "gateway/http/stream.hpp"
#include "gateway/http/tls.hpp"

namespace holdpoint::http {

struct Endpoint {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
  auto operator<=>(const Endpoint&) const = default;
};
/// "https://host[:port]" or "http://host:port", nothing behind it. Fails with `configuration`.
Result<Endpoint> parse_endpoint(std::string_view url);

struct UpstreamTimeouts {
  std::chrono::seconds connect{10};
  std::chrono::seconds answer{300};  ///< to the answer's head: long polls, queries and Lambda take minutes
  std::chrono::seconds piece{60};    ///< between pieces of a body, either way
  std::chrono::seconds kept{10};     ///< an unused connection; below what AWS front ends grant
};
/// More at once than the pool keeps open; the rest is closed after use.
constexpr std::size_t kKeptPerEndpointMax = 64;

struct SendError {
  Error error;
  bool bytes_left = false;  ///< true as soon as the first write was tried
};
template <class T>
using SendResult = boost::system::result<T, SendError>;

/// The next piece of a request's body; empty at its end. An Error cuts the request so that the target cannot take what
/// came for the whole.
using BodySource = std::function<boost::asio::awaitable<Result<std::string>>()>;

class UpstreamAnswer {
 public:
  virtual ~UpstreamAnswer() = default;
  [[nodiscard]] virtual const ResponseHead& head() const = 0;
  /// Appends the next piece of the body to `out`; false at its end, when the connection goes back to the pool.
  virtual boost::asio::awaitable<Result<bool>> read_piece(std::string& out) = 0;
  /// The whole body. Fails with `too_large` beyond `bytes_max`.
  boost::asio::awaitable<Result<std::string>> read_body(std::size_t bytes_max);
};

class UpstreamClient {
 public:
  UpstreamClient(boost::asio::any_io_executor executor, Deadlines& deadlines, std::shared_ptr<const TlsContext> tls,
                 UpstreamTimeouts timeouts = {});
  ~UpstreamClient();

  /// `head` is complete (Host, Content-Length or Transfer-Encoding). The views and `source` must live until the answer.
  boost::asio::awaitable<SendResult<std::unique_ptr<UpstreamAnswer>>> send(Endpoint endpoint, const aws::HttpHead& head,
                                                                           std::string_view body,
                                                                           const BodySource* source = nullptr);
  /// Closes kept connections that are too old; called by the shard now and then.
  void sweep(SteadyTime now);

 private:
  struct Pool;
  std::shared_ptr<Pool> pool_;
};

/// Whether a target may live at this address (text form, IPv4 or IPv6).
bool is_allowed_address(std::string_view address);

}  // namespace holdpoint::http
