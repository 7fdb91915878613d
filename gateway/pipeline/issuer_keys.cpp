#include "gateway/pipeline/issuer_keys.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "bus/telemetry/log.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;

namespace {

// A hundred RSA keys with their certificates stay below this; so do the providers' discovery documents.
constexpr std::size_t kAnswerBytesMax = 256 << 10;
constexpr std::size_t kUrlBytesMax = 1024;
// A whole answer, however slowly it comes.
constexpr std::chrono::seconds kAnswerTime{10};

bool is_loopback(std::string_view host) { return host == "localhost" || host == "127.0.0.1" || host == "[::1]"; }

bool is_fetched(const config::Issuer& issuer) { return !issuer.embedded && !issuer.jwks.contains("keys"); }

std::string name_of(const config::Issuer& issuer) { return issuer.url + "\n" + issuer.jwks_uri; }

}  // namespace

Result<KeyUrl> parse_key_url(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return fail(Code::configuration, "the address of keys \"" + display(url, 200) + "\" " + std::string(why));
  };
  if (url.size() > kUrlBytesMax) return bad("is too long");
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return bad("is no URL");
  const std::size_t path = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  auto endpoint = http::parse_endpoint(url.substr(0, path));
  if (!endpoint) return bad("has no host that may be asked");
  if (!endpoint->tls && !is_loopback(endpoint->host)) return bad("is not https");
  std::string target(url.substr(path));
  if (target.empty()) target = "/";
  for (const char c : target) {
    if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\') return bad("has characters that no address needs");
  }
  if (target.front() != '/') return bad("has no path");
  return KeyUrl{std::move(*endpoint), std::move(target)};
}

std::string discovery_url(std::string_view issuer_url) {
  while (issuer_url.ends_with('/')) issuer_url.remove_suffix(1);
  return std::string(issuer_url) + "/.well-known/openid-configuration";
}

Result<std::string> read_discovery(std::string_view text, std::string_view issuer_url) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return fail(Code::malformed, "the discovery document is no JSON object");
  if (string_or(*parsed, "issuer") != issuer_url)
    return fail(Code::denied, "the discovery document is that of another issuer");
  auto keys = get_string(*parsed, "jwks_uri");
  if (!keys) return fail(Code::malformed, "the discovery document names no jwks_uri");
  // Whoever answers at a distant address does not choose what the gateway asks beside itself.
  if (!keys->starts_with("https://") && !issuer_url.starts_with("http://"))
    return fail(Code::denied, "the discovery document of an issuer over https names keys without TLS");
  return keys;
}

IssuerKeys::IssuerKeys(asio::any_io_executor executor, http::UpstreamClient& client, Current current, Pace pace)
    : executor_(std::move(executor)),
      client_(client),
      current_(std::move(current)),
      pace_(pace),
      wanted_(executor_, asio::steady_timer::time_point::max()) {}

/// Keys stay while the issuer stays as it was configured. Versions only rise.
void IssuerKeys::use_current() {
  const configuration::SnapshotPtr snapshot = current_();
  if (!snapshot || (snapshot_ && snapshot->document.version <= snapshot_->document.version)) return;
  snapshot_ = snapshot;
  verifier_.emplace(snapshot->document.issuers);
  std::map<std::string, Known> kept;
  for (const config::Issuer& issuer : snapshot->document.issuers) {
    if (!is_fetched(issuer)) continue;
    Known& known = kept[name_of(issuer)] = std::move(known_[name_of(issuer)]);
    if (usable(known)) (void)verifier_->set_keys(issuer.name, known.keys);
  }
  known_ = std::move(kept);
}

bool IssuerKeys::usable(const Known& known) const {
  return known.fetched && Steady::now() < *known.fetched + pace_.kept_max;
}

asio::awaitable<Result<std::string>> IssuerKeys::get(std::string url) {
  auto where = parse_key_url(url);
  if (!where) co_return where.error();
  const bool usual = where->endpoint.port == (where->endpoint.tls ? 443 : 80);
  std::string authority = where->endpoint.host + (usual ? std::string() : ":" + std::to_string(where->endpoint.port));
  aws::Headers headers{{"Host", std::move(authority)}, {"Accept", "application/json"}, {"Accept-Encoding", "identity"}};
  const aws::HttpHead head{"GET", where->target, std::move(headers)};
  const auto until = Steady::now() + kAnswerTime;
  auto answer = co_await client_.send(where->endpoint, head, std::string_view());
  if (!answer) co_return answer.error().error;
  // A redirect would be somebody else's word on where the keys are.
  if ((*answer)->head().status != 200)
    co_return Error{Code::unavailable, where->endpoint.host + " answers " + std::to_string((*answer)->head().status)};
  std::string text;
  for (bool more = true; more;) {
    auto read = co_await (*answer)->read_piece(text);
    if (!read) co_return read.error();
    more = *read;
    if (text.size() > kAnswerBytesMax) co_return Error{Code::too_large, where->endpoint.host + " answers too much"};
    if (Steady::now() > until) co_return Error{Code::timed_out, where->endpoint.host + " answers too slowly"};
  }
  co_return text;
}

asio::awaitable<Result<Json>> IssuerKeys::fetch(config::Issuer issuer) {
  std::string url = issuer.jwks_uri;
  if (url.empty()) {
    auto document = co_await get(discovery_url(issuer.url));
    if (!document) co_return document.error();
    auto named = read_discovery(*document, issuer.url);
    if (!named) co_return named.error();
    url = std::move(*named);
  }
  auto text = co_await get(std::move(url));
  if (!text) co_return text.error();
  auto keys = parse_json(*text);
  if (!keys) co_return Error{Code::malformed, "the key set is no JSON"};
  auto set = identity::KeySet::from_jwks(*keys);
  if (!set) co_return set.error();
  if (set->empty()) co_return Error{Code::malformed, "the key set has no key that could be used"};
  co_return std::move(*keys);
}

/// One fetch at a time, and none within pace_.again of the last. What was known stays when it fails.
asio::awaitable<void> IssuerKeys::refresh(config::Issuer issuer) {
  const std::string name = name_of(issuer);
  if (const auto flight = known_[name].flight) {
    while (!flight->over) (void)co_await flight->landed.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return;
  }
  if (const auto asked = known_[name].asked; asked && Steady::now() < *asked + pace_.again) co_return;
  const auto flight = std::make_shared<Flight>(executor_);
  known_[name].asked = Steady::now();
  known_[name].flight = flight;
  // Whatever ends this coroutine, those who wait go on.
  struct Landing {
    IssuerKeys& keys;
    std::shared_ptr<Flight> flight;
    const std::string& name;
    ~Landing() {
      flight->over = true;
      flight->landed.cancel();
      const auto found = keys.known_.find(name);
      if (found != keys.known_.end() && found->second.flight == flight) found->second.flight.reset();
    }
  } landing{*this, flight, name};
  auto fetched = co_await fetch(issuer);
  // To the caller it is no more than a failure: what answers at an address is not told to whoever asks.
  if (!fetched)
    telemetry::log_warning("the keys of an issuer could not be fetched",
                           {{"issuer", issuer.name}, {"why", fetched.error().context}});
  const auto found = known_.find(name);
  // Without this flight the issuer left the configuration meanwhile.
  if (!fetched || found == known_.end() || found->second.flight != flight) co_return;
  found->second.keys = std::move(*fetched);
  found->second.fetched = Steady::now();
  // It may have another name by now.
  for (const config::Issuer& each : snapshot_->document.issuers) {
    if (is_fetched(each) && name_of(each) == name) (void)verifier_->set_keys(each.name, found->second.keys);
  }
}

const config::Issuer* IssuerKeys::next_wanted() {
  if (!snapshot_) return nullptr;
  for (const config::Issuer& issuer : snapshot_->document.issuers) {
    const auto found = known_.find(name_of(issuer));
    if (found != known_.end() && std::exchange(found->second.wanted, false)) return &issuer;
  }
  return nullptr;
}

asio::awaitable<void> IssuerKeys::run() {
  for (;;) {
    if (const config::Issuer* next = next_wanted()) {
      config::Issuer issuer = *next;
      co_await refresh(std::move(issuer));
    } else {
      (void)co_await wanted_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

Result<IssuerKeys::Vouched> IssuerKeys::vouch(std::string_view token) const {
  auto verified = verifier_->verify(token, identity::Purpose::agent, system_now());
  if (!verified) return verified.error();
  return Vouched{std::move(*verified), snapshot_};
}

asio::awaitable<Result<IssuerKeys::Vouched>> IssuerKeys::verify(Secret token) {
  for (bool asked = false;; asked = true) {
    // While the keys came the configuration may have changed, and with it who is an issuer.
    use_current();
    if (!snapshot_) co_return Error{Code::unavailable, "this gateway has no configuration yet"};
    const auto claimed = verifier_->claimed_issuer(token.reveal());
    if (!claimed) co_return claimed.error();
    config::Issuer issuer = **claimed;
    if (!is_fetched(issuer)) co_return vouch(token.reveal());
    Known& known = known_[name_of(issuer)];
    if (usable(known)) {
      auto vouched = vouch(token.reveal());
      if (vouched || vouched.error().code != Code::not_found || asked) {
        if (Steady::now() > *known.fetched + pace_.refresh) want(known);
        co_return vouched;
      }
    } else if (asked) {
      co_return Error{Code::unavailable, "the keys of issuer " + issuer.name + " cannot be fetched"};
    }
    co_await refresh(std::move(issuer));
  }
}

/// Nobody waits for it.
void IssuerKeys::want(Known& known) {
  known.wanted = true;
  wanted_.cancel();
}

}  // namespace holdpoint::pipeline
