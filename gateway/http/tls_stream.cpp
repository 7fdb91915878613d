#include <sys/socket.h>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>

#include "gateway/http/socket_stream.hpp"

namespace holdpoint::http {

namespace asio = boost::asio;
using asio::ip::tcp;

struct TlsContext {
  mutable asio::ssl::context context;
};

namespace {

class TlsStream final : public Stream {
 public:
  TlsStream(tcp::socket socket, Deadlines& deadlines, std::shared_ptr<const TlsContext> context)
      : context_(std::move(context)),
        ssl_(std::move(socket), context_->context),
        entry_(deadlines, [this] { close(); }) {
    boost::system::error_code ignored;
    ssl_.next_layer().set_option(tcp::no_delay(true), ignored);
    const auto peer = ssl_.next_layer().remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string();
  }
  ~TlsStream() override { *alive_ = false; }

  Result<void> expect_host(const std::string& host) {
    ssl_.set_verify_mode(asio::ssl::verify_peer);
    ssl_.set_verify_callback(asio::ssl::host_name_verification(host));
    // Names of servers are never addresses (RFC 6066).
    boost::system::error_code not_address;
    (void)asio::ip::make_address(host, not_address);
    if (not_address && SSL_set_tlsext_host_name(ssl_.native_handle(), host.c_str()) != 1)
      return fail(Code::internal, "the server name could not be set");
    return {};
  }

  asio::awaitable<Result<void>> handshake(asio::ssl::stream_base::handshake_type side) {
    const auto [error] = co_await ssl_.async_handshake(side, kTuple);
    if (error) co_return Error{Code::unavailable, "the TLS handshake failed: " + error.message()};
    co_return Result<void>();
  }

  asio::awaitable<Result<std::size_t>> read_some(char* data, std::size_t size) override {
    const auto [error, count] = co_await ssl_.async_read_some(asio::buffer(data, size), kTuple);
    if (error == asio::error::eof) co_return std::size_t{0};
    // A cut without close_notify is a failure: a body that ends with the connection could have been shortened.
    if (error) co_return failure(error);
    co_return count;
  }

  asio::awaitable<Result<void>> write_all(std::string_view first, std::string_view second) override {
    // One record for both where they are small; OpenSSL would make two writes and two packets of them.
    if (!second.empty() && first.size() + second.size() <= kJoinBytesMax) {
      joined_.assign(first).append(second);
      first = joined_;
      second = {};
    }
    for (const std::string_view part : {first, second}) {
      if (part.empty()) continue;
      const auto [error, count] = co_await asio::async_write(ssl_, asio::buffer(part), kTuple);
      if (error) co_return failure(error);
    }
    co_return Result<void>();
  }

  void watch(std::function<void()> readable) override {
    const std::uint64_t round = ++watch_round_;
    ssl_.next_layer().async_wait(tcp::socket::wait_read,
                                 [this, alive = alive_, round, call = std::move(readable)](auto) {
                                   if (*alive && round == watch_round_) call();
                                 });
  }
  void unwatch() override {
    ++watch_round_;
    boost::system::error_code ignored;
    ssl_.next_layer().cancel(ignored);
  }

  bool idle() override {
    if (SSL_pending(ssl_.native_handle()) > 0) return false;
    char byte = 0;
    const auto count = ::recv(ssl_.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  void deadline(SteadyTime deadline) override { entry_.set(deadline); }
  void close() override {
    boost::system::error_code ignored;
    ssl_.next_layer().close(ignored);
  }
  [[nodiscard]] std::string peer_address() const override { return peer_; }

 private:
  static constexpr std::size_t kJoinBytesMax = 16 << 10;  // one TLS record

  [[nodiscard]] Error failure(const boost::system::error_code& error) const {
    if (entry_.expired()) return {Code::timed_out, "the peer took too long"};
    return {Code::unavailable, "the connection failed: " + error.message()};
  }

  std::shared_ptr<const TlsContext> context_;
  asio::ssl::stream<tcp::socket> ssl_;
  Deadlines::Entry entry_;
  std::string peer_;
  std::string joined_;
  std::uint64_t watch_round_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Result<std::shared_ptr<const TlsContext>> server_tls(const std::filesystem::path& certificate,
                                                     const std::filesystem::path& key) {
  auto made = std::make_shared<TlsContext>(TlsContext{asio::ssl::context(asio::ssl::context::tls_server)});
  boost::system::error_code error;
  made->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                                asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                            error);
  // A connection that waits keeps no record buffers, 32 KiB of them.
  ::SSL_CTX_set_mode(made->context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  if (!error) made->context.use_certificate_chain_file(certificate.string(), error);
  if (error) return fail(Code::configuration, certificate.string() + ": " + error.message());
  made->context.use_private_key_file(key.string(), asio::ssl::context::pem, error);
  if (error) return fail(Code::configuration, key.string() + ": " + error.message());
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<std::shared_ptr<const TlsContext>> client_tls(const std::filesystem::path& extra) {
  auto made = std::make_shared<TlsContext>(TlsContext{asio::ssl::context(asio::ssl::context::tls_client)});
  boost::system::error_code error;
  made->context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
  made->context.set_verify_mode(asio::ssl::verify_peer, error);
  made->context.set_default_verify_paths(error);
  if (!error && !extra.empty()) made->context.load_verify_file(extra.string(), error);
  if (error) return fail(Code::configuration, "certificate authorities: " + error.message());
  return std::shared_ptr<const TlsContext>(std::move(made));
}

asio::awaitable<Result<std::unique_ptr<Stream>>> accept_tls(tcp::socket socket, Deadlines& deadlines,
                                                            std::shared_ptr<const TlsContext> context,
                                                            SteadyTime deadline) {
  auto stream = std::make_unique<TlsStream>(std::move(socket), deadlines, std::move(context));
  stream->deadline(deadline);
  if (auto done = co_await stream->handshake(asio::ssl::stream_base::server); !done) co_return done.error();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

asio::awaitable<Result<std::unique_ptr<Stream>>> connect_tls(tcp::socket socket, Deadlines& deadlines,
                                                             std::shared_ptr<const TlsContext> context,
                                                             std::string host, SteadyTime deadline) {
  auto stream = std::make_unique<TlsStream>(std::move(socket), deadlines, std::move(context));
  stream->deadline(deadline);
  if (auto set = stream->expect_host(host); !set) co_return set.error();
  if (auto done = co_await stream->handshake(asio::ssl::stream_base::client); !done) co_return done.error();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace holdpoint::http
