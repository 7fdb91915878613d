#include "approvals/console/console.hpp"

#include <algorithm>

#include "approvals/console/page.hpp"
#include "approvals/eligibility.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals::console {
namespace {

constexpr std::size_t kShownBytesMax = 64 << 10;  // of one text; a table's worth of parameters
constexpr std::size_t kListMax = 200;
constexpr std::string_view kCookieName = "holdpoint_console";
constexpr int kOperationsShown = 500;

Response json(unsigned status, const Json& body) { return {status, "application/json", to_json(body), {}}; }

Response refused(const Error& error) {
  static const std::map<Code, unsigned> kStatuses{
      {Code::malformed, 400}, {Code::too_large, 413},       {Code::not_found, 404},     {Code::denied, 403},
      {Code::revoked, 403},   {Code::unauthenticated, 401}, {Code::overloaded, 503},    {Code::unavailable, 503},
      {Code::timed_out, 503}, {Code::not_durable, 503},     {Code::review_closed, 409}, {Code::conflict, 409}};
  const auto status = kStatuses.find(error.code);
  return json(status == kStatuses.end() ? 500 : status->second,
              {{"code", name(error.code)}, {"message", display(error.context)}});
}

std::string header(const Request& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string() : found->second;
}

std::string cookie_of(const Request& request) {
  std::string_view rest = request.headers.contains("cookie") ? request.headers.at("cookie") : std::string_view();
  std::string found;
  while (!rest.empty()) {
    const auto end = rest.find(';');
    std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (!pair.starts_with(kCookieName) || pair.substr(kCookieName.size(), 1) != "=") continue;
    if (!found.empty()) return {};  // two of ours: somebody else set one
    found = pair.substr(kCookieName.size() + 1);
  }
  return found;
}

std::string parameter(const Request& request, std::string_view name) {
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.starts_with(name) && pair.substr(name.size(), 1) == "=") {
      return form_decode(pair.substr(name.size() + 1)).value_or("");
    }
  }
  return {};
}

// Browsers send it with every request nowadays; where they do, it must be our own page that asks, or a person.
bool from_elsewhere(const Request& request) {
  const std::string site = header(request, "sec-fetch-site");
  return !site.empty() && site != "same-origin" && site != "none";
}

Json summary(const StoredReview& stored, Instant now) {
  const Question& question = stored.review.question();
  const Json& details = question.details;
  Json out{{"review_id", to_text(question.review_id)},
           {"state", name(stored.review.state_at(now))},
           {"principal", question.principal},
           {"requested_at", to_rfc3339(question.requested_at)},
           {"expires_at", to_rfc3339(question.expires_at())},
           {"required", question.required},
           {"approvals", stored.review.approvals()},
           {"reviewers", question.reviewers}};
  for (const char* member : {"service", "operation", "target", "region", "resources", "access", "policy"}) {
    if (const auto found = details.find(member); found != details.end()) out[member] = *found;
  }
  return displayed(out);
}

// Long lines are the page's business; here only: one member a line, keys sorted, nothing invisible.
std::string pretty(const Json& value) { return displayed(value).dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Json displayed(const Json& value) {
  if (value.is_string()) return display(value.get_ref<const std::string&>(), kShownBytesMax);
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& each : value) out.push_back(displayed(each));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [key, member] : value.items()) {
    std::string shown = display(key, kShownBytesMax);
    while (out.contains(shown)) shown += " (again)";  // two keys that look the same are both shown
    out[shown] = displayed(member);
  }
  return out;
}

Console::Console(Voting& voting, AskLog ask_log, const Settings& settings)
    : voting_(voting), ask_log_(std::move(ask_log)), hosts_(settings.hosts), secure_cookie_(settings.secure_cookie) {
  hosts_.push_back(settings.listen);
  if (settings.listen.starts_with("127.0.0.1:")) hosts_.push_back("localhost:" + settings.listen.substr(10));
}

bool Console::host_is_ours(const Request& request) const {
  // Another name that resolves to us is how a web page elsewhere would reach a console on loopback.
  return std::find(hosts_.begin(), hosts_.end(), to_lower(header(request, "host"))) != hosts_.end();
}

Response Console::handle(const Request& request, ReviewStore& store, Instant now) {
  if (request.ambiguous) return refused(fail(Code::malformed, "a header came twice"));
  if (!host_is_ours(request)) return refused(fail(Code::denied, "unknown Host"));
  if (request.path.starts_with("/api/")) return api(request, store, now);
  if (request.method != "GET") return refused(fail(Code::malformed, "only GET"));
  if (request.path == "/enter") return enter_by_link(request, store, now);
  if (request.path == "/") return {200, "text/html; charset=utf-8", std::string(kPageHtml), {}};
  if (request.path == "/console.css") return {200, "text/css; charset=utf-8", std::string(kPageCss), {}};
  if (request.path == "/console.js") return {200, "text/javascript; charset=utf-8", std::string(kPageJs), {}};
  return refused(fail(Code::not_found, "no such page"));
}

Response Console::enter_by_link(const Request& request, ReviewStore& store, Instant now) {
  auto cookie = enter(store, parameter(request, "code"), now);
  const auto page = [](std::string_view head, std::string_view text) {
    return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Holdpoint</title>" + std::string(head) +
           "<link rel=\"stylesheet\" href=\"/console.css\"><main class=\"notice\"><p>" + std::string(text) +
           "</p></main></html>";
  };
  if (!cookie) {
    const bool spent = cookie.error().code == Code::unauthenticated;
    return {spent ? 403u : 503u,
            "text/html; charset=utf-8",
            page("", spent ? "This link has been used or is too old. Ask for a new one: <code>holdpoint console</code>."
                           : "Reviews cannot be reached at the moment. Ask for a new link in a minute."),
            {}};
  }
  // Not a redirect: after a link from another site a browser would follow it without the SameSite=Strict cookie.
  Response response{200,
                    "text/html; charset=utf-8",
                    page("<meta http-equiv=\"refresh\" content=\"0;url=/\">",
                         "Opening the console. <a href=\"/\">Go on</a> if nothing happens."),
                    {}};
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(kConsoleSessionMax).count();
  response.cookie = std::string(kCookieName) + "=" + *cookie +
                    "; HttpOnly; SameSite=Strict; Path=/; Max-Age=" + std::to_string(age) +
                    (secure_cookie_ ? "; Secure" : "");
  return response;
}

Response Console::api(const Request& request, ReviewStore& store, Instant now) {
  if (from_elsewhere(request)) return refused(fail(Code::denied, "a request of another site"));
  const std::string cookie = cookie_of(request);
  const auto who = visitor(store, cookie, now);
  if (!who) return refused(who.error());
  const auto configuration = voting_.document();
  if (!configuration) return refused(fail(Code::unavailable, "no current configuration: nobody can be verified"));
  if (is_revoked(who->reviewer.name(), *configuration) || !is_reviewer(who->reviewer, *configuration)) {
    return refused(fail(Code::denied, "you are not a reviewer (any more)"));
  }
  const bool post = request.method == "POST";
  if (post) {
    const std::string origin = header(request, "origin");
    const std::string host = to_lower(header(request, "host"));
    if (origin != "http://" + host && origin != "https://" + host) {
      return refused(fail(Code::denied, "a request of another origin"));
    }
    if (!header(request, "content-type").starts_with("application/json")) {
      return refused(fail(Code::malformed, "the body is not application/json"));
    }
    if (!constant_time_equal(header(request, "x-holdpoint-csrf"), who->csrf)) {
      return refused(fail(Code::denied, "the CSRF token does not fit; load the page again"));
    }
  } else if (request.method != "GET") {
    return refused(fail(Code::malformed, "only GET and POST"));
  }
  const std::string& path = request.path;
  if (path == "/api/me" && !post) {
    return json(200, {{"reviewer", display(who->reviewer.name())},
                      {"groups", displayed(who->reviewer.groups)},
                      {"csrf", who->csrf}});
  }
  if (path == "/api/leave" && post) {
    if (auto left = leave(store, cookie); !left) return refused(left.error());
    Response response = json(200, Json::object());
    response.cookie = std::string(kCookieName) + "=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
    return response;
  }
  if (path == "/api/reviews" && !post) return reviews(request, store, now);
  if (path == "/api/sessions" && !post) return from_log({"SessionsRequested", {{"limit", 100}}, {}});
  constexpr std::string_view kSession = "/api/sessions/";
  if (path.starts_with(kSession) && !post) {
    const auto id = id_from_text(path.substr(kSession.size()));
    if (!id) return refused(fail(Code::malformed, "not a session id"));
    return from_log({"OperationsRequested", {{"session_id", to_text(*id)}, {"limit", kOperationsShown}}, {}});
  }
  constexpr std::string_view kReview = "/api/reviews/";
  constexpr std::string_view kVotes = "/votes";
  if (path.starts_with(kReview)) {
    std::string_view rest = std::string_view(path).substr(kReview.size());
    const bool votes = rest.ends_with(kVotes);
    if (votes) rest.remove_suffix(kVotes.size());
    const auto id = id_from_text(rest);
    if (!id || votes != post) return refused(fail(Code::not_found, "no such page"));
    return votes ? vote(*id, request, *who, store, now) : review(*id, *who, store, now);
  }
  return refused(fail(Code::not_found, "no such page"));
}

Response Console::reviews(const Request& request, ReviewStore& store, Instant now) {
  ListFilter filter;
  filter.limit = kListMax;
  if (const std::string state = parameter(request, "state"); !state.empty()) {
    filter.state = review_state_from_name(state);
    if (!filter.state) return refused(fail(Code::malformed, "state is none that a review has"));
  }
  // Of more than a page's worth that wait, those come first that nobody may get to in time.
  if (filter.state == ReviewState::pending) filter.order = ListOrder::soonest_to_expire;
  const auto found = store.list(filter);
  if (!found) return refused(found.error());
  const auto pending = store.pending_count();
  if (!pending) return refused(pending.error());
  Json list = Json::array();
  for (const StoredReview& stored : *found) list.push_back(summary(stored, now));
  return json(200, {{"reviews", std::move(list)}, {"pending", *pending}, {"now", to_rfc3339(now)}});
}

Response Console::review(const Id& id, const Visitor& visitor, ReviewStore& store, Instant now) {
  auto stored = store.find(id);
  if (!stored) return refused(stored.error());
  stored->review.expire(now);
  Json shown = review_to_json(stored->review);
  const Json parameters = shown.contains("parameters") ? shown["parameters"] : Json::object();
  shown.erase("parameters");
  const auto configuration = voting_.document();
  Result<void> may = configuration ? may_vote(stored->review.question(), visitor.reviewer, *configuration)
                                   : Result<void>(fail(Code::unavailable, "no current configuration"));
  return json(200, {{"review", displayed(shown)},
                    {"parameters_text", pretty(parameters)},
                    {"may_vote", may.has_value()},
                    {"why_not", may ? "" : display(may.error().context)},
                    {"now", to_rfc3339(now)}});
}

Response Console::vote(const Id& id, const Request& request, const Visitor& visitor, ReviewStore& store, Instant now) {
  const auto body = parse_json(request.body, {.bytes_max = 16 << 10, .depth_max = 4});
  if (!body) return refused(body.error());
  if (!body->is_object()) return refused(fail(Code::malformed, "the body is not an object"));
  Ballot ballot;
  ballot.review_id = id;
  const auto verdict = verdict_from_name(string_or(*body, "verdict"));
  if (!verdict) return refused(fail(Code::malformed, "verdict is neither approve nor reject"));
  ballot.verdict = *verdict;
  ballot.reason = string_or(*body, "reason");
  if (body->contains("for_s")) {
    const auto terms = terms_from_json({{"kind", "for"}, {"for_s", body->at("for_s")}});
    if (!terms) return refused(terms.error());
    ballot.grant = *terms;
  }
  const auto stored = voting_.cast(store, visitor.reviewer, ballot, "console", now);
  if (!stored) return refused(stored.error());
  return json(200, {{"state", name(stored->review.state())},
                    {"votes", stored->review.approvals()},
                    {"required", stored->review.question().required}});
}

Response Console::from_log(wire::Message question) {
  auto answer = ask_log_(std::move(question));
  if (!answer) return refused(answer.error());
  return json(200, displayed(answer->body));
}

}  // namespace holdpoint::approvals::console
