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

}  // namespace

asio::awaitable<void> serve(Services& services, http::Exchange& exchange) {
  const configuration::SnapshotPtr snapshot = services.configuration.current();
  const http::RequestHead& request = exchange.request();
  if (!snapshot) {
    co_await answer_plain(exchange, 503, "this gateway has no configuration yet\n");
    co_return;
  }
  if (!snapshot->is_own_host(request.host)) {
    operation::Refusal refusal{"invalid", Code::denied,
                               "Host " + display(request.host, 128) + " is not a name of this gateway (gateway.hosts)"};
    Call call(services, exchange);
    co_await call.run_refused(std::move(refusal));
    co_return;
  }
  // A bucket may have that name too, but then the request is signed.
  if (request.head.path() == kContainerPath && !is_signed(request.head)) {
    if (auto body = co_await exchange.read_body(0); !body) exchange.close_after();
    Login login(services, exchange);
    co_await login.container();
    co_return;
  }
  if (!is_signed(request.head) && may_be_form(request)) {
    auto body = co_await exchange.read_body(kLoginBytesMax);
    if (!body) {
      operation::Refusal refusal = refusal_of(body.error());
      Call call(services, exchange);
      co_await call.run_refused(std::move(refusal));
      co_return;
    }
    if (aws::is_sts_call(request.head, *body)) {
      Login login(services, exchange);
      co_await login.web_identity(std::move(*body));
      co_return;
    }
  }
  Call call(services, exchange);
  co_await call.run();
}

}  // namespace holdpoint::pipeline
