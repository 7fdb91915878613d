#include "gateway/pipeline/issuer_keys.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "bus/identity/embedded_issuer.hpp"
#include "gateway/service/task_group.hpp"

namespace holdpoint::pipeline {
namespace {

namespace asio = boost::asio;

TEST(IssuerKeys, come_from_https_addresses_without_anything_another_reader_could_see_in_them) {
  const auto google = parse_key_url("https://www.googleapis.com/oauth2/v3/certs?x=1");
  ASSERT_TRUE(google) << google.error().context;
  EXPECT_EQ(google->endpoint.host, "www.googleapis.com");
  EXPECT_EQ(google->target, "/oauth2/v3/certs?x=1");
  EXPECT_EQ(parse_key_url("https://idp.example.com:8443")->target, "/");
  EXPECT_TRUE(parse_key_url("http://127.0.0.1:8080/keys"));
  for (const char* bad :
       {"", "idp.example.com/keys", "http://idp.example.com/keys", "http://127.0.0.1.evil.example/keys", "ftp://h/k",
        "https://", "https:///k", "https://u@h/k", "https://h/k#f", "https://h/a b", "https://h/a\r\nX: y",
        "https://h?k", "https://h\\@evil.example/k", "https://h:99999/k", "file:///etc/passwd"})
    EXPECT_FALSE(parse_key_url(bad)) << bad;
  EXPECT_FALSE(parse_key_url("https://h/" + std::string(2000, 'a')));
}

TEST(IssuerKeys, a_discovery_document_must_name_the_issuer_byte_for_byte) {
  const std::string issuer = "https://idp.example.com/realms/a";
  EXPECT_EQ(discovery_url(issuer + "/"), issuer + "/.well-known/openid-configuration");
  const auto document = [](std::string_view name) {
    return R"({"issuer":")" + std::string(name) + R"(","jwks_uri":"https://idp.example.com/keys"})";
  };
  EXPECT_EQ(read_discovery(document(issuer), issuer).value(), "https://idp.example.com/keys");
  for (const char* other :
       {"https://idp.example.com/realms/a/", "https://IDP.example.com/realms/a", "", "https://evil.example"})
    EXPECT_EQ(read_discovery(document(other), issuer).error().code, Code::denied) << other;
  for (const std::string& text : {std::string("[]"), std::string("{"), std::string("<html>"),
                                  R"({"issuer":")" + issuer + R"("})", R"({"issuer":")" + issuer + R"(","jwks_uri":1})",
                                  R"({"issuer":"x","issuer":")" + issuer + R"(","jwks_uri":"https://h/"})"})
    EXPECT_FALSE(read_discovery(text, issuer)) << text;
}

TEST(IssuerKeys, an_issuer_over_https_does_not_choose_what_is_asked_on_loopback) {
  const auto read = [](const std::string& issuer, const std::string& keys) {
    return read_discovery(R"({"issuer":")" + issuer + R"(","jwks_uri":")" + keys + R"("})", issuer);
  };
  for (const char* keys : {"http://127.0.0.1:9200/", "http://localhost:2375/version", "HTTP://[::1]/", "http://h/k"})
    EXPECT_EQ(read("https://idp.example.com", keys).error().code, Code::denied) << keys;
  EXPECT_TRUE(read("https://idp.example.com", "https://keys.example.com/k"));
  EXPECT_TRUE(read("http://127.0.0.1:8080", "http://127.0.0.1:8081/keys"));
}

/// An issuer's keys on loopback, held back while a test wants it.
class KeyServer {
 public:
  explicit KeyServer(asio::io_context& io) : acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}), pause_(io) {}
  asio::awaitable<void> serve() {
    for (;;) {
      auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
      std::string head;
      co_await asio::async_read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", asio::use_awaitable);
      ++asked;
      while (held) {
        pause_.expires_after(std::chrono::milliseconds(1));
        co_await pause_.async_wait(asio::use_awaitable);
      }
      const std::string body = to_json(keys);
      const std::string answer = "HTTP/1.1 " + status +
                                 "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                                 "\r\n\r\n" + body;
      co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
    }
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/keys";
  }
  std::string status = "200 OK";
  Json keys;
  bool held = false;
  int asked = 0;

 private:
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

/// One issuer, configurations that name it, and logins.
class IssuerKeysOverTime : public testing::Test {
 protected:
  using Outcome = std::optional<Result<IssuerKeys::Vouched>>;

  IssuerKeysOverTime() { group_.spawn(server_.serve()); }
  void TearDown() override {
    bool stopped = false;
    asio::co_spawn(io_, stop(stopped), asio::detached);
    run_until([&] { return stopped; });
  }
  asio::awaitable<void> stop(bool& stopped) {
    co_await group_.stop();
    stopped = true;
  }
  void make(IssuerKeys::Pace pace) {
    keys_.emplace(
        io_.get_executor(), client_, [this] { return current_; }, pace);
    server_.keys = issuer_.jwks();
  }
  configuration::SnapshotPtr configured(std::uint64_t version, const std::string& name) {
    std::vector<identity::SessionSeal::MasterKey> keys;
    keys.push_back({"k1", Secret(Bytes(32, 'a'))});
    config::Document document;
    document.version = version;
    config::Issuer issuer;
    issuer.name = name;
    issuer.url = issuer_.url();
    issuer.audiences = {"holdpoint"};
    issuer.jwks_uri = server_.url();
    if (!name.empty()) document.issuers = {issuer};
    identity::TokenVerifier tokens(document.issuers);
    return std::make_shared<const configuration::Snapshot>(
        configuration::Snapshot{std::move(document),
                                identity::SessionSeal::from_keys(std::move(keys)).value(),
                                std::move(tokens),
                                Secret(),
                                {},
                                {},
                                {},
                                {},
                                {},
                                {}});
  }
  static asio::awaitable<void> run(IssuerKeys& keys, std::string token, Outcome& outcome) {
    Secret carried(std::move(token));
    outcome = co_await keys.verify(std::move(carried));
  }
  void begin(Outcome& outcome) {
    auto token = issuer_.issue({"ci-job", {"agents"}, "holdpoint", std::chrono::hours(1), {}}, system_now());
    group_.spawn(run(*keys_, *token, outcome));
  }
  template <class Done>
  void run_until(Done done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < until) io_.run_one_for(std::chrono::milliseconds(100));
    ASSERT_TRUE(done());
  }
  IssuerKeys::Vouched log_in() {
    Outcome outcome;
    begin(outcome);
    run_until([&] { return outcome.has_value(); });
    EXPECT_TRUE(outcome && *outcome) << (*outcome ? "" : outcome->error().context);
    return outcome->value();
  }

  identity::EmbeddedIssuer issuer_ = identity::EmbeddedIssuer::create();
  configuration::SnapshotPtr current_;
  asio::io_context io_;
  http::Deadlines deadlines_;
  http::UpstreamClient client_{io_.get_executor(), deadlines_, nullptr, IssuerKeys::kTimeouts};
  KeyServer server_{io_};
  std::optional<IssuerKeys> keys_;
  service::TaskGroup group_{io_.get_executor()};
};

TEST_F(IssuerKeysOverTime, a_login_that_waited_goes_on_by_the_configuration_of_that_moment) {
  make({});
  current_ = configured(1, "first");
  server_.held = true;
  Outcome outcome;
  begin(outcome);
  run_until([&] { return server_.asked == 1; });
  current_ = configured(2, "second");
  server_.held = false;
  run_until([&] { return outcome.has_value(); });
  ASSERT_TRUE(*outcome) << outcome->error().context;
  EXPECT_EQ((*outcome)->by, current_);
  EXPECT_EQ((*outcome)->token.principal.issuer, "second");
}

TEST_F(IssuerKeysOverTime, keys_that_came_while_another_login_took_up_a_renamed_issuer_are_that_ones) {
  make({});
  current_ = configured(1, "first");
  server_.held = true;
  Outcome before, after;
  begin(before);
  run_until([&] { return server_.asked == 1; });
  current_ = configured(2, "second");
  begin(after);
  io_.poll();
  server_.held = false;
  run_until([&] { return before && after; });
  ASSERT_TRUE(*before && *after);
  EXPECT_EQ((*before)->token.principal.issuer, "second");
  EXPECT_EQ((*after)->token.principal.issuer, "second");
  EXPECT_EQ(server_.asked, 1);
}

TEST_F(IssuerKeysOverTime, a_login_whose_issuer_left_the_configuration_while_it_waited_is_refused) {
  make({});
  current_ = configured(1, "first");
  server_.held = true;
  Outcome outcome;
  begin(outcome);
  run_until([&] { return server_.asked == 1; });
  current_ = configured(2, "");
  server_.held = false;
  run_until([&] { return outcome.has_value(); });
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, Code::unauthenticated);
}

TEST_F(IssuerKeysOverTime, an_older_configuration_is_never_gone_back_to) {
  make({});
  current_ = configured(2, "second");
  const auto newer = current_;
  EXPECT_EQ(log_in().by, newer);
  current_ = configured(1, "first");
  const auto vouched = log_in();
  EXPECT_EQ(vouched.by, newer);
  EXPECT_EQ(vouched.token.principal.issuer, "second");
}

TEST_F(IssuerKeysOverTime, no_login_waits_for_an_issuer_whose_keys_are_at_hand) {
  IssuerKeys::Pace pace;
  pace.refresh = pace.again = std::chrono::seconds(0);
  make(pace);
  current_ = configured(1, "first");
  log_in();
  server_.held = true;
  group_.spawn(keys_->run());
  log_in();
  run_until([&] { return server_.asked == 2; });
  log_in();
  EXPECT_TRUE(server_.held) << "the issuer has not answered, and three logins have ended";
  server_.held = false;
}

TEST_F(IssuerKeysOverTime, what_an_address_answered_is_not_told_to_whoever_asks) {
  make({});
  current_ = configured(1, "first");
  server_.status = "404 Not Found";
  Outcome outcome;
  begin(outcome);
  run_until([&] { return outcome.has_value(); });
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, Code::unavailable);
  EXPECT_EQ(outcome->error().context, "the keys of issuer first cannot be fetched");
}

}  // namespace
}  // namespace holdpoint::pipeline
