#include "gateway/http/upstream_client.hpp"

#include <boost/asio/connect.hpp>
#include <charconv>
#include <map>
#include <vector>

#include "bus/base/encoding.hpp"
#include "gateway/http/chunked.hpp"
#include "gateway/http/socket_stream.hpp"

namespace holdpoint::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr int kInterimMax = 16;

struct Kept {
  std::unique_ptr<Stream> stream;
  SteadyTime since;
};

}  // namespace

struct UpstreamClient::Pool : std::enable_shared_from_this<Pool> {
  asio::any_io_executor executor;
  Deadlines& deadlines;
  std::shared_ptr<const TlsContext> tls;
  UpstreamTimeouts timeouts;
  std::map<Endpoint, std::vector<Kept>> kept;

  Pool(asio::any_io_executor on, Deadlines& late, std::shared_ptr<const TlsContext> context, UpstreamTimeouts times)
      : executor(std::move(on)), deadlines(late), tls(std::move(context)), timeouts(times) {}

  /// The youngest that is still quiet; the others are closed on the way.
  std::unique_ptr<Stream> take(const Endpoint& endpoint) {
    auto& waiting = kept[endpoint];
    while (!waiting.empty()) {
      Kept last = std::move(waiting.back());
      waiting.pop_back();
      if (last.since + timeouts.kept > std::chrono::steady_clock::now() && last.stream->idle())
        return std::move(last.stream);
    }
    return nullptr;
  }

  void give_back(const Endpoint& endpoint, std::unique_ptr<Stream> stream) {
    auto& waiting = kept[endpoint];
    if (waiting.size() >= kKeptPerEndpointMax) return;
    stream->deadline(SteadyTime::max());
    waiting.push_back({std::move(stream), std::chrono::steady_clock::now()});
  }
};

namespace {

class Answer final : public UpstreamAnswer {
 public:
  using GiveBack = std::function<void(std::unique_ptr<Stream>)>;
  Answer(std::unique_ptr<Stream> stream, ResponseHead head, std::string rest, std::chrono::seconds piece, GiveBack back)
      : stream_(std::move(stream)),
        head_(std::move(head)),
        buffer_(std::move(rest)),
        piece_(piece),
        back_(std::move(back)) {
    if (head_.framing == Framing::none) ended();
  }

  [[nodiscard]] const ResponseHead& head() const override { return head_; }

  asio::awaitable<Result<bool>> read_piece(std::string& out) override {
    if (ended_) co_return false;
    if (buffer_.empty()) {
      stream_->deadline(in(piece_));
      std::uint64_t room = kBodyReadBytes;
      // One byte more than the answer has: what is sent behind it shows.
      if (head_.framing == Framing::length) room = std::min(room, head_.content_length - taken_ + 1);
      buffer_.resize(room);
      auto count = co_await stream_->read_some(buffer_.data(), buffer_.size());
      buffer_.resize(count ? *count : 0);
      if (!count) co_return count.error();
      if (*count == 0) {
        if (head_.framing != Framing::until_close)
          co_return Error{Code::unavailable, "the target cut its answer short"};
        ended();
        co_return false;
      }
    }
    co_return take(out);
  }

 private:
  Result<bool> take(std::string& out) {
    if (head_.framing == Framing::chunked) {
      auto used = chunks_.decode(buffer_, out);
      if (!used) return used.error();
      buffer_.erase(0, *used);
      if (chunks_.done()) ended();
      return !ended_;
    }
    std::size_t count = buffer_.size();
    if (head_.framing == Framing::length) count = std::min<std::uint64_t>(count, head_.content_length - taken_);
    if (out.empty() && count == buffer_.size()) {
      out.swap(buffer_);
      buffer_.clear();
    } else {
      out.append(buffer_, 0, count);
      buffer_.erase(0, count);
    }
    taken_ += count;
    if (head_.framing == Framing::length && taken_ == head_.content_length) ended();
    return !ended_;
  }

  void ended() {
    ended_ = true;
    // Bytes behind the answer belong to nothing that was asked: such a connection is not trusted with another request.
    if (head_.keep_alive && buffer_.empty()) back_(std::move(stream_));
    stream_.reset();
  }

  std::unique_ptr<Stream> stream_;
  ResponseHead head_;
  std::string buffer_;
  std::chrono::seconds piece_;
  GiveBack back_;
  ChunkDecoder chunks_{true};
  std::uint64_t taken_ = 0;
  bool ended_ = false;
};

asio::awaitable<Result<tcp::socket>> connect_tcp(asio::any_io_executor executor, Deadlines& deadlines,
                                                 Endpoint endpoint, SteadyTime deadline) {
  tcp::resolver resolver(executor);
  tcp::socket socket(executor);
  Deadlines::Entry late(deadlines, [&] {
    resolver.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  late.set(deadline);
  const auto [resolve_error, found] =
      co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port), kTuple);
  if (resolve_error)
    co_return Error{Code::unavailable, endpoint.host + " cannot be resolved: " + resolve_error.message()};
  Error last{Code::unavailable, endpoint.host + " has no address"};
  for (const auto& each : found) {
    if (!is_allowed_address(each.endpoint().address().to_string())) {
      last = {Code::denied, endpoint.host + " resolves to an address that is never a target"};
      continue;
    }
    socket = tcp::socket(executor);
    const auto [error] = co_await socket.async_connect(each.endpoint(), kTuple);
    if (!error) co_return std::move(socket);
    if (late.expired()) co_return Error{Code::timed_out, endpoint.host + " cannot be reached in time"};
    last = {Code::unavailable, endpoint.host + ":" + std::to_string(endpoint.port) + ": " + error.message()};
  }
  co_return last;
}

asio::awaitable<Result<void>> write_request(Stream& stream, const aws::HttpHead& head, std::string_view body,
                                            const BodySource* source, std::chrono::seconds piece_time) {
  const std::string text = request_head_text(head);
  stream.deadline(in(piece_time));
  if (auto written = co_await stream.write_all(text, body); !written) co_return written.error();
  if (source == nullptr) co_return Result<void>();
  const bool chunked = find_header(head.headers, "transfer-encoding") != nullptr;
  for (;;) {
    auto piece = co_await (*source)();
    if (!piece) co_return piece.error();
    stream.deadline(in(piece_time));
    std::string framed;
    if (chunked) {
      char size[20];
      framed.assign(size, static_cast<std::size_t>(std::snprintf(size, sizeof size, "%zx\r\n", piece->size())));
    }
    if (auto written = co_await stream.write_all(framed, *piece); !written) co_return written.error();
    if (chunked) {
      if (auto written = co_await stream.write_all("\r\n"); !written) co_return written.error();
    }
    if (piece->empty()) co_return Result<void>();
  }
}

/// The final head; interim ones are skipped. `rest` gets what came behind it.
asio::awaitable<Result<ResponseHead>> read_answer_head(Stream& stream, std::string_view method, std::string& rest) {
  for (int interim = 0; interim <= kInterimMax;) {
    auto end = head_end(rest);
    if (!end) co_return end.error();
    if (!*end) {
      const std::size_t before = rest.size();
      rest.resize(before + kHeadReadBytes);
      auto count = co_await stream.read_some(rest.data() + before, kHeadReadBytes);
      rest.resize(before + (count ? *count : 0));
      if (!count) co_return count.error();
      if (*count == 0) co_return Error{Code::unavailable, "the target closed the connection without an answer"};
      continue;
    }
    auto head = parse_response_head(std::string_view(rest).substr(0, **end), method);
    rest.erase(0, **end);
    if (!head || head->status >= 200) co_return head;
    if (head->status == 101) co_return Error{Code::malformed, "the target switched protocols unasked"};
    ++interim;
  }
  co_return Error{Code::malformed, "the target sent interim answers without end"};
}

}  // namespace

asio::awaitable<Result<std::string>> UpstreamAnswer::read_body(std::size_t bytes_max) {
  std::string body;
  if (head().framing == Framing::length) {
    if (head().content_length > bytes_max)
      co_return Error{Code::too_large, "the answer is larger than " + std::to_string(bytes_max) + " bytes"};
    // A small one mostly came with the head, in a buffer that becomes the body.
    if (head().content_length > kHeadReadBytes) body.reserve(static_cast<std::size_t>(head().content_length));
  }
  for (;;) {
    auto more = co_await read_piece(body);
    if (!more) co_return more.error();
    if (body.size() > bytes_max)
      co_return Error{Code::too_large, "the answer is larger than " + std::to_string(bytes_max) + " bytes"};
    if (!*more) co_return body;
  }
}

UpstreamClient::UpstreamClient(asio::any_io_executor executor, Deadlines& deadlines,
                               std::shared_ptr<const TlsContext> tls, UpstreamTimeouts timeouts)
    : pool_(std::make_shared<Pool>(std::move(executor), deadlines, std::move(tls), timeouts)) {}
UpstreamClient::~UpstreamClient() = default;

asio::awaitable<SendResult<std::unique_ptr<UpstreamAnswer>>> UpstreamClient::send(Endpoint endpoint,
                                                                                  const aws::HttpHead& head,
                                                                                  std::string_view body,
                                                                                  const BodySource* source) {
  const std::shared_ptr<Pool> pool = pool_;
  std::unique_ptr<Stream> stream = pool->take(endpoint);
  if (!stream) {
    auto connected = co_await connect_tcp(pool->executor, pool->deadlines, endpoint, in(pool->timeouts.connect));
    if (!connected) co_return SendError{connected.error(), false};
    if (endpoint.tls) {
      auto secured = co_await connect_tls(std::move(*connected), pool->deadlines, pool->tls, endpoint.host,
                                          in(pool->timeouts.connect));
      if (!secured) co_return SendError{secured.error(), false};
      stream = std::move(*secured);
    } else {
      stream = make_tcp_stream(std::move(*connected), pool->deadlines);
    }
  }
  auto written = co_await write_request(*stream, head, body, source, pool->timeouts.piece);
  // A target may answer (and refuse) before it has read everything; that answer is worth more than our write error.
  const bool cut_by_us = !written && written.error().code != Code::unavailable;
  if (cut_by_us) co_return SendError{written.error(), true};
  stream->deadline(in(written ? pool->timeouts.answer : std::chrono::seconds(2)));
  std::string rest;
  auto answer = co_await read_answer_head(*stream, head.method, rest);
  if (!answer) co_return SendError{written ? answer.error() : written.error(), true};
  if (!written) answer->keep_alive = false;
  auto give_back = [pool, endpoint](std::unique_ptr<Stream> used) { pool->give_back(endpoint, std::move(used)); };
  co_return std::unique_ptr<UpstreamAnswer>(std::make_unique<Answer>(
      std::move(stream), std::move(*answer), std::move(rest), pool->timeouts.piece, std::move(give_back)));
}

void UpstreamClient::sweep(SteadyTime now) {
  for (auto each = pool_->kept.begin(); each != pool_->kept.end();) {
    std::erase_if(each->second, [&](const Kept& kept) { return kept.since + pool_->timeouts.kept < now; });
    each = each->second.empty() ? pool_->kept.erase(each) : std::next(each);
  }
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  const std::string shown(url.substr(0, 200));
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
    endpoint.tls = false;
    endpoint.port = 80;
  } else {
    return fail(Code::configuration, shown + ": an endpoint begins with http:// or https://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  std::size_t host_end = url.find(':');
  if (url.starts_with('[')) {
    host_end = url.find(']');
    if (host_end == std::string_view::npos) return fail(Code::configuration, shown + ": the address is malformed");
    endpoint.host = url.substr(1, host_end - 1);
    url.remove_prefix(host_end + 1);
  } else {
    endpoint.host = to_lower(url.substr(0, host_end));
    url.remove_prefix(host_end == std::string_view::npos ? url.size() : host_end);
  }
  if (endpoint.host.empty() || endpoint.host.find_first_of("/@?#%") != std::string::npos)
    return fail(Code::configuration, shown + ": the host is malformed");
  if (!url.empty()) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(url.data() + 1, url.data() + url.size(), port);
    if (url.front() != ':' || error != std::errc() || end != url.data() + url.size() || port == 0 || port > 65535)
      return fail(Code::configuration, shown + ": the port is malformed");
    endpoint.port = static_cast<std::uint16_t>(port);
  }
  return endpoint;
}

bool is_allowed_address(std::string_view text) {
  boost::system::error_code error;
  auto address = asio::ip::make_address(std::string(text), error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  if (address.is_unspecified() || address.is_multicast()) return false;
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return !(bytes[0] == 169 && bytes[1] == 254) && bytes[0] != 0 && bytes[0] < 240;
  }
  const auto v6 = address.to_v6();
  // fd00:ec2::254 is the instance metadata service over IPv6; 64:ff9b::/96 leads to IPv4 behind our back.
  const auto bytes = v6.to_bytes();
  const bool metadata = bytes[0] == 0xFD && bytes[1] == 0x00 && bytes[2] == 0x0E && bytes[3] == 0xC2;
  const bool translated = bytes[0] == 0x00 && bytes[1] == 0x64 && bytes[2] == 0xFF && bytes[3] == 0x9B;
  return !v6.is_link_local() && !metadata && !translated;
}

}  // namespace holdpoint::http
