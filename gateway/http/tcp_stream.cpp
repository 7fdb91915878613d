#include <sys/socket.h>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>

#include "gateway/http/socket_stream.hpp"

namespace holdpoint::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class TcpStream final : public Stream {
 public:
  TcpStream(tcp::socket socket, Deadlines& deadlines)
      : socket_(std::move(socket)), entry_(deadlines, [this] { close(); }) {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    const auto peer = socket_.remote_endpoint(ignored);
    if (!ignored) peer_ = peer.address().to_string();
  }
  ~TcpStream() override { *alive_ = false; }

  asio::awaitable<Result<std::size_t>> read_some(char* data, std::size_t size) override {
    const auto [error, count] = co_await socket_.async_read_some(asio::buffer(data, size), kTuple);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return failure(error);
    co_return count;
  }

  asio::awaitable<Result<void>> write_all(std::string_view first, std::string_view second) override {
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(first), asio::buffer(second)};
    const auto [error, count] = co_await asio::async_write(socket_, buffers, kTuple);
    if (error) co_return failure(error);
    co_return Result<void>();
  }

  void watch(std::function<void()> readable) override {
    const std::uint64_t round = ++watch_round_;
    socket_.async_wait(tcp::socket::wait_read, [this, alive = alive_, round, call = std::move(readable)](auto) {
      if (*alive && round == watch_round_) call();
    });
  }
  void unwatch() override {
    ++watch_round_;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  bool idle() override {
    char byte = 0;
    const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  void deadline(SteadyTime deadline) override { entry_.set(deadline); }
  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  [[nodiscard]] std::string peer_address() const override { return peer_; }

 private:
  [[nodiscard]] Error failure(const boost::system::error_code& error) const {
    if (entry_.expired()) return {Code::timed_out, "the peer took too long"};
    return {Code::unavailable, "the connection failed: " + error.message()};
  }

  tcp::socket socket_;
  Deadlines::Entry entry_;
  std::string peer_;
  std::uint64_t watch_round_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(tcp::socket socket, Deadlines& deadlines) {
  return std::make_unique<TcpStream>(std::move(socket), deadlines);
}

}  // namespace holdpoint::http
