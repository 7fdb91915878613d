#include "gateway/http/exchange.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <vector>

namespace holdpoint::http {
namespace {

namespace asio = boost::asio;

/// A client whose bytes come in the given pieces; remembers what it was sent and the last deadline.
class ScriptedStream final : public Stream {
 public:
  struct Seen {
    std::deque<std::string> pieces;
    std::string written;
    SteadyTime deadline = SteadyTime::max();
  };
  explicit ScriptedStream(Seen& seen) : seen_(seen) {}

  asio::awaitable<Result<std::size_t>> read_some(char* data, std::size_t size) override {
    if (seen_.pieces.empty()) co_return std::size_t{0};
    const std::string piece = seen_.pieces.front();
    seen_.pieces.pop_front();
    co_return piece.copy(data, size);
  }
  asio::awaitable<Result<void>> write_all(std::string_view first, std::string_view second) override {
    seen_.written.append(first).append(second);
    co_return Result<void>();
  }
  void watch(std::function<void()>) override {}
  void unwatch() override {}
  bool idle() override { return true; }
  void deadline(SteadyTime deadline) override { seen_.deadline = deadline; }
  void close() override {}
  [[nodiscard]] std::string peer_address() const override { return "127.0.0.1"; }

 private:
  Seen& seen_;
};

struct Served {
  ScriptedStream::Seen seen;
  std::string body;
  std::vector<SteadyTime> deadlines;
  std::size_t headers = 0;

  asio::awaitable<void> handle(Exchange& exchange) {
    auto read = co_await exchange.read_body(1 << 20);
    if (read) body = std::move(*read);
    deadlines.push_back(seen.deadline);
    exchange.shrink({"authorization"});
    headers = exchange.request().head.headers.size();
    (void)co_await exchange.keep_waiting();
    deadlines.push_back(seen.deadline);
    (void)co_await exchange.reply(200, {}, "done");
    deadlines.push_back(seen.deadline);
  }
  void serve(std::deque<std::string> pieces) {
    seen.pieces = std::move(pieces);
    asio::io_context io;
    asio::co_spawn(
        io,
        serve_connection(
            std::make_unique<ScriptedStream>(seen), {}, [this](Exchange& exchange) { return handle(exchange); },
            [](Unread) -> asio::awaitable<UnreadAnswer> { co_return UnreadAnswer{}; }, [] { return false; }),
        [](const std::exception_ptr&) {});
    io.run();
  }
};

const std::string kHead = "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: proof\r\nContent-Length: 1000\r\n\r\n";

TEST(Exchange, has_no_deadline_while_a_call_is_worked_on) {
  Served together, apart;
  together.serve({kHead + std::string(1000, 'x')});
  apart.serve({kHead, std::string(400, 'x'), std::string(600, 'x')});
  for (const Served& served : {std::cref(together), std::cref(apart)}) {
    EXPECT_EQ(served.body.size(), 1000u);
    EXPECT_EQ(served.deadlines, std::vector<SteadyTime>(3, SteadyTime::max()));
    EXPECT_TRUE(served.seen.written.ends_with("done"));
  }
}

TEST(Exchange, that_waits_keeps_neither_the_room_of_the_read_nor_headers_that_are_done_with) {
  Served served;
  served.serve({kHead + std::string(1000, 'x')});
  EXPECT_LT(served.body.capacity(), 2000u);
  EXPECT_EQ(served.headers, 2u);
}

}  // namespace
}  // namespace holdpoint::http
