#include "gateway/pipeline/serve.hpp"

#include "gateway/aws/sts.hpp"
#include "gateway/pipeline/login.hpp"
#include "gateway/pipeline/refusal_answer.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> answer_plain(http::Exchange& exchange, int status, std::string text) {
  exchange.close_after();
  aws::Headers headers{{"Content-Type", "text/plain"}};
  (void)co_await exchange.reply(status, std::move(headers), text);
}

bool is_signed(const aws::HttpHead& head) {
  const std::string* authorization = http::find_header(head.headers, "authorization");
  return (authorization != nullptr && authorization->starts_with("AWS")) ||
         head.query().find("X-Amz-Signature=") != std::string_view::npos;
}

bool may_be_form(const http::RequestHead& request) {
  const std::string* type = http::find_header(request.head.headers, "content-type");
  return request.head.method == "POST" && type != nullptr && type->starts_with("application/x-www-form-urlencoded");
}

// A coroutine's frame has room for the locals of all its branches, and a parked call keeps the frames below it. So each
// way to serve a request is a coroutine of its own, and serve() is none.

asio::awaitable<void> run_call(Services& services, http::Exchange& exchange) {
  Call call(services, exchange);
  co_await call.run();
}

asio::awaitable<void> refuse_call(Services& services, http::Exchange& exchange, operation::Refusal refusal) {
  Call call(services, exchange);
  co_await call.run_refused(std::move(refusal));
}

asio::awaitable<void> log_in_container(Services& services, http::Exchange& exchange) {
  if (auto body = co_await exchange.read_body(0); !body) exchange.close_after();
  Login login(services, exchange);
  co_await login.container();
}

asio::awaitable<void> log_in_form(Services& services, http::Exchange& exchange, std::string body) {
  Login login(services, exchange);
  co_await login.web_identity(std::move(body));
}

asio::awaitable<void> serve_form(Services& services, http::Exchange& exchange) {
  auto body = co_await exchange.read_body(kLoginBytesMax);
  if (!body) {
    co_await refuse_call(services, exchange, refusal_of(body.error()));
  } else if (aws::is_sts_call(exchange.request().head, *body)) {
    co_await log_in_form(services, exchange, std::move(*body));
  } else {
    co_await run_call(services, exchange);
  }
}

}  // namespace

asio::awaitable<void> serve(Services& services, http::Exchange& exchange) {
  const configuration::SnapshotPtr snapshot = services.configuration.current();
  const http::RequestHead& request = exchange.request();
  if (!snapshot) return answer_plain(exchange, 503, "this gateway has no configuration yet\n");
  if (!snapshot->is_own_host(request.host)) {
    return refuse_call(services, exchange,
                       {"invalid", Code::denied,
                        "Host " + display(request.host, 128) + " is not a name of this gateway (gateway.hosts)"});
  }
  // A bucket may have that name too, but then the request is signed.
  if (request.head.path() == kContainerPath && !is_signed(request.head)) return log_in_container(services, exchange);
  if (!is_signed(request.head) && may_be_form(request)) return serve_form(services, exchange);
  return run_call(services, exchange);
}

}  // namespace holdpoint::pipeline
