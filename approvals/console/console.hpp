// The reviewers' page and its API: every request as a plain function of the request, the store and the time.
//
//   GET  /enter?code=…              a one-time link: sets the cookie, goes on to /
//   GET  /  /console.css  /console.js
//   GET  /api/me                    {"reviewer","groups","csrf"}
//   GET  /api/reviews[?state=…]     {"reviews":[…]} newest first
//   GET  /api/reviews/ID            {"review":{…},"parameters_text","may_vote","why_not"}
//   POST /api/reviews/ID/votes      {"verdict","reason"?,"for_s"?}
//   GET  /api/sessions              {"sessions":[…]}, from the log
//   GET  /api/sessions/ID           {"operations":[…]}, from the log
//   POST /api/leave
//
// Before anything else: Host is one of ours; whatever has a cookie carries no other origin; whatever changes something
// has our Origin, application/json and the session's CSRF token. All text passes through display().
// Not here: sockets (http_server.hpp).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "approvals/console_access.hpp"
#include "approvals/voting.hpp"
#include "bus/wire/envelope.hpp"

namespace holdpoint::approvals::console {

struct Settings {
  std::string listen;              ///< "127.0.0.1:7401"
  std::vector<std::string> hosts;  ///< further names that browsers reach it by, with port
  bool secure_cookie = false;      ///< behind a proxy that terminates TLS
};

struct Request {
  std::string method;
  std::string path;  ///< without the query, as sent
  std::string query;
  std::map<std::string, std::string> headers;  ///< names in lower case; a name that came twice is not in `headers` …
  bool ambiguous = false;                      ///< … and sets this when it decides something (host, origin, cookie)
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string cookie;  ///< a Set-Cookie value; empty = none
};

/// Asks the service `log`; blocks for a short while. Fails as Port::request does.
using AskLog = std::function<Result<wire::Message>(wire::Message)>;

class Console {
 public:
  Console(Voting& voting, AskLog ask_log, const Settings& settings);
  Response handle(const Request& request, ReviewStore& store, Instant now);

 private:
  [[nodiscard]] bool host_is_ours(const Request& request) const;
  Response enter_by_link(const Request& request, ReviewStore& store, Instant now);
  Response api(const Request& request, ReviewStore& store, Instant now);
  Response reviews(const Request& request, ReviewStore& store, Instant now);
  Response review(const Id& id, const Visitor& visitor, ReviewStore& store, Instant now);
  Response vote(const Id& id, const Request& request, const Visitor& visitor, ReviewStore& store, Instant now);
  Response from_log(wire::Message question);

  Voting& voting_;
  AskLog ask_log_;
  std::vector<std::string> hosts_;
  bool secure_cookie_;
};

/// Every string of `value`, keys too, made harmless by display().
Json displayed(const Json& value);

}  // namespace holdpoint::approvals::console
