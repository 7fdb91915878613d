// The console's sockets: HTTP/1.1 on one address, every request to a handler, the security headers on every answer.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "approvals/console/console.hpp"

namespace holdpoint::approvals::console {

/// Answers by calling `done` once, from any thread.
using HandleRequest = std::function<void(Request request, std::function<void(Response)> done)>;

class HttpServer {
 public:
  /// Binds and listens. Fails with `configuration`, saying why the address cannot be used.
  static Result<std::unique_ptr<HttpServer>> open(boost::asio::io_context& context, const std::string& listen,
                                                  HandleRequest handle);
  ~HttpServer();
  /// Closes the listener and every connection. On the context's thread.
  void stop();

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::approvals::console
