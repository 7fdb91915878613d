#include "gateway/credentials/provider.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <optional>

#include "gateway/aws/sigv4.hpp"

namespace holdpoint::credentials {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kDuration{3600};  // role chaining allows no more
constexpr Duration kEarly = std::chrono::minutes(5);
constexpr std::size_t kAnswerBytesMax = 64 << 10;

/// One STS call and those who wait for it.
struct Flight {
  explicit Flight(asio::any_io_executor executor) : landed(executor) {
    landed.expires_at(asio::steady_timer::time_point::max());
  }
  asio::steady_timer landed;
  std::optional<Result<CredentialsPtr>> result;
};

struct Entry {
  CredentialsPtr credentials;
  std::shared_ptr<Flight> flight;
};

std::string cache_key(const Want& want) {
  std::string key;
  // Lengths in front, so that no two lists of parts make one key.
  for (const std::string_view part :
       {std::string_view(want.target), std::string_view(want.assume), std::string_view(want.base->access_key_id),
        want.base->secret_access_key.reveal(), std::string_view(want.on_behalf.principal),
        std::string_view(want.on_behalf.session_id), std::string_view(want.on_behalf.review_id)}) {
    key.append(std::to_string(part.size())).append(":").append(part);
  }
  return Bytes(view(sha256(key)));
}

asio::awaitable<Result<CredentialsPtr>> assume(http::UpstreamClient& client, Want want, Instant now) {
  const std::string body = assume_role_body(want.assume, want.on_behalf, kDuration);
  const bool usual_port = want.sts.port == (want.sts.tls ? 443 : 80);
  aws::HttpHead head{"POST",
                     "/",
                     {{"Host", want.sts.host + (usual_port ? "" : ":" + std::to_string(want.sts.port))},
                      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                      {"Content-Length", std::to_string(body.size())},
                      {"Accept-Encoding", "identity"}}};
  const std::string date = aws::amz_date(now).substr(0, 8);
  const aws::SigningIdentity identity{
      want.base->access_key_id, want.base->session_token,
      aws::derive_signing_key(want.base->secret_access_key.reveal(), date, want.sts_region, "sts")};
  auto added = aws::sign(head, identity, {want.sts_region, "sts"}, to_hex(view(sha256(body))), now);
  if (!added) co_return added.error();
  head.headers.insert(head.headers.end(), added->begin(), added->end());
  auto answer = co_await client.send(want.sts, head, body);
  if (!answer) co_return Error{Code::unavailable, "the target's STS: " + answer.error().error.context};
  auto text = co_await (*answer)->read_body(kAnswerBytesMax);
  if (!text) co_return text.error();
  const Secret wiped(std::move(*text));
  co_return read_assume_role((*answer)->head().status, wiped.reveal());
}

}  // namespace

struct Provider::State {
  State(asio::any_io_executor on, http::UpstreamClient& with) : executor(std::move(on)), client(with) {}
  asio::any_io_executor executor;
  http::UpstreamClient& client;
  std::map<std::string, Entry> cache;

  void make_room() {
    if (cache.size() < kCachedMax) return;
    auto victim = cache.end();
    for (auto each = cache.begin(); each != cache.end(); ++each) {
      if (each->second.flight) continue;
      if (victim == cache.end() || each->second.credentials->expires_at < victim->second.credentials->expires_at)
        victim = each;
    }
    if (victim != cache.end()) cache.erase(victim);
  }
};

Provider::Provider(asio::any_io_executor executor, http::UpstreamClient& client)
    : state_(std::make_shared<State>(std::move(executor), client)) {}
Provider::~Provider() = default;

asio::awaitable<Result<CredentialsPtr>> Provider::get(Want want, Instant now) {
  if (!want.base) co_return Error{Code::configuration, "target " + want.target + " has no credentials"};
  if (want.assume.empty()) co_return want.base;
  const auto state = state_;
  const std::string key = cache_key(want);
  if (const auto found = state->cache.find(key); found != state->cache.end()) {
    const Entry& entry = found->second;
    const bool usable = entry.credentials && now < entry.credentials->expires_at;
    // While somebody refreshes early, the others go on with what they have.
    if (usable && (entry.flight || now + kEarly < entry.credentials->expires_at)) co_return entry.credentials;
    if (const auto flight = entry.flight) {
      while (!flight->result) (void)co_await flight->landed.async_wait(asio::as_tuple(asio::use_awaitable));
      co_return *flight->result;
    }
  }
  state->make_room();
  const auto flight = std::make_shared<Flight>(state->executor);
  // Whatever ends this coroutine, those who wait are told and the flight is over.
  struct Landing {
    std::shared_ptr<State> state;
    std::shared_ptr<Flight> flight;
    std::string key;
    ~Landing() {
      if (!flight->result) flight->result = Error{Code::unavailable, "the call to the target's STS was given up"};
      flight->landed.cancel();
      const auto entry = state->cache.find(key);
      if (entry == state->cache.end() || entry->second.flight != flight) return;
      entry->second.flight.reset();
      if (*flight->result) entry->second.credentials = **flight->result;
      if (!entry->second.credentials) state->cache.erase(entry);
    }
  } landing{state, flight, key};
  state->cache[key].flight = flight;
  flight->result = co_await assume(state->client, std::move(want), now);
  co_return *flight->result;
}

}  // namespace holdpoint::credentials
