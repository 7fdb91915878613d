// The two kinds of Stream over TCP. Includes Asio's sockets: only connection makers include this.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "gateway/http/stream.hpp"
#include "gateway/http/tls.hpp"

namespace holdpoint::http {

/// How sockets are awaited: what went wrong is the answer's first part, nothing is thrown.
inline constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

std::unique_ptr<Stream> make_tcp_stream(boost::asio::ip::tcp::socket socket, Deadlines& deadlines);

/// Server side of TLS 1.2 or 1.3. Fails with `unavailable` when the handshake does.
boost::asio::awaitable<Result<std::unique_ptr<Stream>>> accept_tls(boost::asio::ip::tcp::socket socket,
                                                                   Deadlines& deadlines,
                                                                   std::shared_ptr<const TlsContext> context,
                                                                   SteadyTime deadline);

/// Client side: the certificate must be valid for `host` by the system's authorities.
boost::asio::awaitable<Result<std::unique_ptr<Stream>>> connect_tls(boost::asio::ip::tcp::socket socket,
                                                                    Deadlines& deadlines,
                                                                    std::shared_ptr<const TlsContext> context,
                                                                    std::string host, SteadyTime deadline);

}  // namespace holdpoint::http
