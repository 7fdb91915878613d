#include "approvals/console/http_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <set>

namespace holdpoint::approvals::console {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t kConnectionsMax = 256;  // reviewers of one replica, with a few tabs each
constexpr std::size_t kHeaderBytesMax = 16 << 10;
constexpr std::size_t kBodyBytesMax = 16 << 10;  // a reason of 2000 bytes, escaped
constexpr std::chrono::seconds kIdle{30};
constexpr std::chrono::seconds kWrite{15};

const auto kTuple = asio::as_tuple(asio::use_awaitable);

using WireRequest = http::request<http::string_body>;
using WireResponse = http::response<http::string_body>;

Request plain(WireRequest& from) {
  Request request;
  request.method = std::string(from.method_string());
  const std::string_view target(from.target().data(), from.target().size());
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  for (const auto& field : from) {
    const std::string name = to_lower(std::string_view(field.name_string().data(), field.name_string().size()));
    const auto added = request.headers.emplace(name, std::string(field.value()));
    if (!added.second) request.ambiguous = true;
  }
  request.body = std::move(from.body());
  return request;
}

WireResponse on_the_wire(Response from, unsigned version, bool keep_alive) {
  WireResponse response(static_cast<http::status>(from.status), version);
  response.keep_alive(keep_alive);
  response.set(http::field::content_type, from.content_type);
  if (!from.cookie.empty()) response.set(http::field::set_cookie, from.cookie);
  response.set("Content-Security-Policy",
               "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  response.set("Cache-Control", "no-store");
  response.body() = std::move(from.body);
  response.prepare_payload();
  return response;
}

Result<tcp::endpoint> endpoint_of(const std::string& listen) {
  const auto colon = listen.rfind(':');
  unsigned port = 0;
  const std::string_view digits =
      colon == std::string::npos ? std::string_view() : std::string_view(listen).substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(listen.substr(0, colon == std::string::npos ? 0 : colon), error);
  if (error || digits.empty() || parsed.ptr != digits.data() + digits.size() || port > 65535) {
    return fail(Code::configuration, "the console listens on ADDRESS:PORT, e.g. 127.0.0.1:7401; not on " + listen);
  }
  return tcp::endpoint(address, static_cast<std::uint16_t>(port));
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, HandleRequest handler) : context(io), acceptor(io), handle(std::move(handler)) {}

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(std::shared_ptr<beast::tcp_stream> stream);
  asio::awaitable<Response> answer(Request request);

  asio::io_context& context;
  tcp::acceptor acceptor;
  HandleRequest handle;
  std::set<std::shared_ptr<beast::tcp_stream>> connections;
};

asio::awaitable<void> HttpServer::State::accept() {
  const auto self = shared_from_this();
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(kTuple);
    if (!acceptor.is_open()) co_return;
    if (error) {
      // Out of descriptors, or the peer has gone: not to spin on it.
      asio::steady_timer pause(context, std::chrono::milliseconds(100));
      co_await pause.async_wait(kTuple);
      continue;
    }
    if (connections.size() >= kConnectionsMax) continue;  // closes it
    auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
    connections.insert(stream);
    asio::co_spawn(context, serve(stream),
                   [self, stream](const std::exception_ptr&) { self->connections.erase(stream); });
  }
}

// No coroutine of its own: GCC 12 destroys the captures of a lambda that is written in a co_await expression twice.
asio::awaitable<Response> HttpServer::State::answer(Request request) {
  const auto self = shared_from_this();
  auto shared = std::make_shared<Request>(std::move(request));
  return asio::async_initiate<decltype(asio::use_awaitable), void(Response)>(
      [self, asked = std::move(shared)](auto handler) {
        auto done = std::make_shared<decltype(handler)>(std::move(handler));
        self->handle(std::move(*asked), [self, done](Response response) {
          asio::post(self->context, [done, response = std::move(response)]() mutable { (*done)(std::move(response)); });
        });
      },
      asio::use_awaitable);
}

asio::awaitable<void> HttpServer::State::serve(std::shared_ptr<beast::tcp_stream> stream) {
  beast::flat_buffer buffer(kHeaderBytesMax + kBodyBytesMax);
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(kBodyBytesMax);
    stream->expires_after(kIdle);
    auto [error, bytes] = co_await http::async_read(*stream, buffer, parser, kTuple);
    if (error) break;
    WireRequest request = parser.release();
    const bool keep_alive = request.keep_alive();
    const unsigned version = request.version();
    stream->expires_never();  // the handler has bounds of its own
    Response response = co_await answer(plain(request));
    WireResponse out = on_the_wire(std::move(response), version, keep_alive);
    stream->expires_after(kWrite);
    auto [failed, written] = co_await http::async_write(*stream, out, kTuple);
    if (failed || !keep_alive) break;
  }
  boost::system::error_code ignored;
  stream->socket().shutdown(tcp::socket::shutdown_send, ignored);
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(asio::io_context& context, const std::string& listen,
                                                     HandleRequest handle) {
  const auto endpoint = endpoint_of(listen);
  if (!endpoint) return endpoint.error();
  auto state = std::make_shared<State>(context, std::move(handle));
  boost::system::error_code error;
  state->acceptor.open(endpoint->protocol(), error);
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(*endpoint, error);
  if (!error) state->acceptor.listen(128, error);
  if (error) return fail(Code::configuration, "the console cannot listen on " + listen + ": " + error.message());
  asio::co_spawn(context, state->accept(), [](const std::exception_ptr&) {});
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::stop() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (const auto& stream : state_->connections) stream->close();
}

}  // namespace holdpoint::approvals::console
