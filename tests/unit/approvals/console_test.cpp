// The console as a hostile page, a curious colleague and a reviewer meet it.
#include "approvals/console/console.hpp"

#include <gtest/gtest.h>

#include "tests/unit/approvals/samples.hpp"
#include "tests/unit/approvals/stores.hpp"

namespace holdpoint::approvals::console {
namespace {

using namespace samples;

class ConsoleTest : public ::testing::TestWithParam<const char*> {
 protected:
  Request get(const std::string& path) {
    const auto mark = path.find('?');
    Request request;
    request.method = "GET";
    request.path = path.substr(0, mark);
    if (mark != std::string::npos) request.query = path.substr(mark + 1);
    request.headers = {{"host", "127.0.0.1:7401"}};
    if (!cookie.empty()) request.headers["cookie"] = cookie;
    return request;
  }
  Request post(const std::string& path, const Json& body) {
    Request request = get(path);
    request.method = "POST";
    request.headers["origin"] = "http://127.0.0.1:7401";
    request.headers["content-type"] = "application/json";
    request.headers["x-holdpoint-csrf"] = csrf;
    request.body = to_json(body);
    return request;
  }
  Response send(const Request& request, Instant now = kStart) { return console.handle(request, stores.second(), now); }
  std::string link(const std::string& token = "ann@sre") {
    return text(replica.ask(wire::Role::op, "ConsoleLinkRequested", {{"token", token}}), "path");
  }
  void enter(const std::string& token = "ann@sre") {
    const Response response = send(get(link(token)));
    ASSERT_EQ(response.status, 200u);
    set_cookie = response.cookie;
    cookie = response.cookie.substr(0, response.cookie.find(';'));
    csrf = body(send(get("/api/me")))["csrf"].get<std::string>();
  }
  static Json body(const Response& response) { return parse_json(response.body).value(); }
  std::string votes_path() { return "/api/reviews/" + to_text(id(1)) + "/votes"; }
  ReviewState state() { return stores.first().find(id(1)).value().review.state(); }

  Stores stores{GetParam()};
  Replica replica{stores.first()};
  wire::Message asked;
  Console console{
      replica.voting,
      [this](wire::Message question) -> Result<wire::Message> {
        asked = std::move(question);
        return wire::Message{"OperationsReported", {{"operations", {{{"operation", "Get\u202eItem"}}}}}, {}};
      },
      Settings{"127.0.0.1:7401", {"review.example.com"}, false}};
  std::string set_cookie, cookie, csrf;
};
INSTANTIATE_TEST_SUITE_P(Stores, ConsoleTest, ::testing::Values("memory", "postgres"),
                         [](const auto& row) { return std::string(row.param); });

TEST_P(ConsoleTest, a_link_opens_the_console_once) {
  const std::string path = link();
  const Response first = send(get(path));
  EXPECT_EQ(first.status, 200u);
  EXPECT_FALSE(first.cookie.empty());
  const Response second = send(get(path));
  EXPECT_EQ(second.status, 403u);
  EXPECT_TRUE(second.cookie.empty());
}

TEST_P(ConsoleTest, wrong_old_and_missing_codes_open_nothing) {
  const std::string old = link();
  EXPECT_EQ(send(get(old), kStart + 10min).status, 403u);
  for (const char* path : {"/enter", "/enter?code=", "/enter?code=AAAA", "/enter?kode=x",
                           "/enter?code=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/enter?code=%00"}) {
    const Response response = send(get(path));
    EXPECT_EQ(response.status, 403u) << path;
    EXPECT_TRUE(response.cookie.empty()) << path;
  }
}

TEST_P(ConsoleTest, the_cookie_is_for_this_host_and_no_script) {
  enter();
  for (const char* flag : {"; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"}) {
    EXPECT_NE(set_cookie.find(flag), std::string::npos) << flag;
  }
  EXPECT_EQ(set_cookie.find("Domain"), std::string::npos);
}

TEST_P(ConsoleTest, nothing_is_shown_without_a_session) {
  ASSERT_TRUE(replica.request_review(review_json(), "call-1"));
  for (const std::string& path : {std::string("/api/me"), std::string("/api/reviews"), "/api/reviews/" + to_text(id(1)),
                                  std::string("/api/sessions"), "/api/sessions/" + to_text(id(1))}) {
    for (const char* wrong : {"", "holdpoint_console=", "holdpoint_console=x", "other=y",
                              "holdpoint_console=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
      cookie = wrong;
      EXPECT_EQ(send(get(path)).status, 401u) << path << " " << wrong;
    }
  }
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "approve"}})).status, 401u);
  EXPECT_EQ(state(), ReviewState::pending);
}

TEST_P(ConsoleTest, a_session_ends_with_the_shift_and_with_leaving) {
  enter();
  EXPECT_EQ(send(get("/api/me"), kStart + 12h - 1us).status, 200u);
  EXPECT_EQ(send(get("/api/me"), kStart + 12h).status, 401u);
  EXPECT_EQ(send(post("/api/leave", Json::object())).status, 200u);
  EXPECT_EQ(send(get("/api/me")).status, 401u);
}

TEST_P(ConsoleTest, another_host_name_is_refused_before_anything_else) {
  enter();
  for (const char* host : {"evil.example", "127.0.0.1", "127.0.0.1:7402", "127.0.0.1:7401.evil.example", ""}) {
    for (const char* path : {"/", "/api/me", "/enter?code=x"}) {
      Request request = get(path);
      request.headers["host"] = host;
      EXPECT_EQ(send(request).status, 403u) << host << " " << path;
    }
  }
  for (const char* host : {"127.0.0.1:7401", "localhost:7401", "LOCALHOST:7401", "review.example.com"}) {
    Request request = get("/api/me");
    request.headers["host"] = host;
    EXPECT_EQ(send(request).status, 200u) << host;
  }
  Request twice = get("/api/me");
  twice.ambiguous = true;
  EXPECT_EQ(send(twice).status, 400u);
}

TEST_P(ConsoleTest, a_vote_from_another_origin_or_without_the_csrf_token_does_not_count) {
  ASSERT_TRUE(replica.request_review(review_json(), "call-1"));
  enter();
  const auto altered = [&](const std::string& name, const std::string& value) {
    Request request = post(votes_path(), {{"verdict", "approve"}});
    request.headers[name] = value;
    return send(request).status;
  };
  EXPECT_EQ(altered("origin", "http://evil.example"), 403u);
  EXPECT_EQ(altered("origin", "null"), 403u);
  EXPECT_EQ(altered("origin", ""), 403u);
  EXPECT_EQ(altered("origin", "http://localhost:7401"), 403u) << "not the host that was asked";
  EXPECT_EQ(altered("sec-fetch-site", "cross-site"), 403u);
  EXPECT_EQ(altered("sec-fetch-site", "same-site"), 403u);
  EXPECT_EQ(altered("content-type", "text/plain"), 400u);
  EXPECT_EQ(altered("content-type", "application/x-www-form-urlencoded"), 400u);
  EXPECT_EQ(altered("x-holdpoint-csrf", ""), 403u);
  EXPECT_EQ(altered("x-holdpoint-csrf", csrf + "x"), 403u);
  EXPECT_EQ(altered("cookie", cookie + "; " + cookie), 401u) << "a second cookie was set by somebody else";
  Request as_get = post(votes_path(), {{"verdict", "approve"}});
  as_get.method = "GET";
  EXPECT_EQ(send(as_get).status, 404u);
  as_get.method = "PUT";
  EXPECT_EQ(send(as_get).status, 400u);
  EXPECT_EQ(state(), ReviewState::pending);
  EXPECT_EQ(altered("sec-fetch-site", "same-origin"), 200u);
  EXPECT_EQ(state(), ReviewState::approved);
}

TEST_P(ConsoleTest, the_csrf_token_of_one_session_is_not_good_for_another) {
  ASSERT_TRUE(replica.request_review(review_json(), "call-1"));
  enter("bob@sre");
  const std::string bobs = csrf;
  enter("ann@sre");
  csrf = bobs;
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "approve"}})).status, 403u);
}

TEST_P(ConsoleTest, a_reviewer_approves_for_a_time_and_rejects_with_a_reason) {
  Json review = review_json();
  review["grant"] = {{"kind", "for"}, {"for_s", 1800}};
  ASSERT_TRUE(replica.request_review(review, "call-1"));
  enter();
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "approve"}, {"for_s", 3600}})).status, 400u) << "wider than policy";
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "approve"}, {"for_s", 600}})).status, 200u);
  EXPECT_EQ(stores.first().find(id(1)).value().review.grant()->expires_at, kStart + 10min);
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "reject"}, {"reason", "late"}})).status, 409u);
  EXPECT_EQ(replica.sink.count(record::type::kReviewDecided), 1u);
}

TEST_P(ConsoleTest, a_reviewer_of_another_group_sees_but_does_not_vote_and_a_former_one_sees_nothing) {
  ASSERT_TRUE(replica.request_review(review_json(), "call-1"));
  enter("dan@dba");
  const Json shown = body(send(get("/api/reviews/" + to_text(id(1)))));
  EXPECT_FALSE(shown["may_vote"].get<bool>());
  EXPECT_EQ(send(post(votes_path(), {{"verdict", "approve"}})).status, 403u);
  replica.configuration.revoked.principals = {"corp:dan"};
  EXPECT_EQ(send(get("/api/reviews")).status, 403u);
  replica.configuration.revoked.principals.clear();
  replica.configuration.reviewers.erase("dba");
  EXPECT_EQ(send(get("/api/reviews")).status, 403u);
  EXPECT_EQ(state(), ReviewState::pending);
}

TEST_P(ConsoleTest, what_agents_control_comes_out_visible) {
  Json review = review_json();
  review["principal"] = "local:agent\u202etxt";
  review["resources"] = {"arn:\u200b<script>alert(1)</script>"};
  review["parameters"] = {{"a\u202e", "line\nbreak\x1b[2J"}, {"safe", "<img onerror=x>"}};
  ASSERT_TRUE(replica.request_review(review, "call-1"));
  enter();
  const Response list = send(get("/api/reviews"));
  const Response detail = send(get("/api/reviews/" + to_text(id(1))));
  for (const Response* response : {&list, &detail}) {
    EXPECT_EQ(response->content_type, "application/json");
    EXPECT_EQ(response->body.find("\u202e"), std::string::npos);
    EXPECT_EQ(response->body.find("\u200b"), std::string::npos);
    EXPECT_EQ(response->body.find("\x1b"), std::string::npos);
    EXPECT_NE(response->body.find("\\\\u{202E}"), std::string::npos);
  }
  const std::string parameters = body(detail)["parameters_text"].get<std::string>();
  EXPECT_NE(parameters.find(R"(line\\u{000A}break\\u{001B}[2J)"), std::string::npos) << parameters;
}

TEST_P(ConsoleTest, a_session_is_replayed_from_the_log_by_its_id_alone) {
  enter();
  const Response response = send(get("/api/sessions/" + to_text(id(9))));
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(asked.type, "OperationsRequested");
  EXPECT_EQ(asked.body["session_id"], to_text(id(9)));
  EXPECT_EQ(body(response)["operations"][0]["operation"], "Get\\u{202E}Item");
  EXPECT_EQ(send(get("/api/sessions/../../x")).status, 400u);
}

TEST_P(ConsoleTest, malformed_votes_are_refused) {
  ASSERT_TRUE(replica.request_review(review_json(), "call-1"));
  enter();
  for (const Json& vote :
       {Json(5), Json({{"verdict", 1}}), Json({{"verdict", "maybe"}}),
        Json({{"verdict", "approve"}, {"for_s", "long"}}), Json({{"verdict", "approve"}, {"for_s", -1}}),
        Json({{"verdict", "reject"}, {"reason", std::string(3000, 'x')}})}) {
    EXPECT_EQ(send(post(votes_path(), vote)).status, 400u) << vote;
  }
  Request broken = post(votes_path(), {});
  broken.body = R"({"verdict":"reject","verdict":"approve"})";
  EXPECT_EQ(send(broken).status, 400u);
  EXPECT_EQ(send(post("/api/reviews/" + to_text(id(7)) + "/votes", {{"verdict", "approve"}})).status, 404u);
  EXPECT_EQ(state(), ReviewState::pending);
}

TEST_P(ConsoleTest, the_page_has_no_inline_script_or_style_and_no_foreign_resource) {
  const std::string html = send(get("/")).body;
  const std::string script = send(get("/console.js")).body;
  EXPECT_NE(html.find("<script src=\"/console.js\" defer></script>"), std::string::npos);
  for (const char* forbidden : {"http://", "https://", "style=", "onclick=", "<style"}) {
    EXPECT_EQ(html.find(forbidden), std::string::npos) << forbidden;
  }
  for (const char* forbidden : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://"}) {
    EXPECT_EQ(script.find(forbidden), std::string::npos) << forbidden;
  }
  EXPECT_EQ(send(get("/console.css")).content_type, "text/css; charset=utf-8");
  EXPECT_EQ(send(get("/../etc/passwd")).status, 404u);
}

}  // namespace
}  // namespace holdpoint::approvals::console
