#include "gateway/configuration/configuration.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bus/telemetry/log.hpp"

namespace holdpoint::configuration {
namespace {

namespace asio = boost::asio;

std::int64_t milliseconds(Configuration::Steady::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<config::SignedDocument> signed_document(const Json& body) {
  auto text = get_string(body, "document");
  if (!text) return text.error();
  auto signature = from_base64(string_or(body, "signature"));
  if (!signature) return fail(Code::malformed, "the configuration's signature is not base64");
  return config::SignedDocument{std::move(*text), std::move(*signature)};
}

}  // namespace

Configuration::Configuration(const config::PeerIdentity& identity, std::vector<std::string> listen,
                             std::filesystem::path newest, std::function<void(SnapshotPtr)> changed)
    : identity_(identity), listen_(std::move(listen)), floor_(std::move(newest)), changed_(std::move(changed)) {}

SnapshotPtr Configuration::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

/// The one before, if nobody holds it any more, ends with `next`: after the lock.
void Configuration::put(SnapshotPtr next) {
  const std::lock_guard lock(mutex_);
  current_.swap(next);
}

std::uint64_t Configuration::version() const {
  const SnapshotPtr snapshot = current();
  return snapshot ? snapshot->document.version : 0;
}

bool Configuration::lease_held(Steady::time_point now) const {
  const std::int64_t at = milliseconds(now);
  const std::int64_t behind = behind_since_ms_.load(std::memory_order_acquire);
  return at - heard_ms_.load(std::memory_order_acquire) <= kLeaseTime.count() &&
         (behind == 0 || at - behind <= kBehindMax.count());
}

void Configuration::heard(std::uint64_t announced, Steady::time_point now) {
  announced_.store(std::max(announced, announced_.load()));
  if (!behind()) {
    behind_since_ms_.store(0, std::memory_order_release);
  } else if (behind_since_ms_.load() == 0) {
    behind_since_ms_.store(milliseconds(now), std::memory_order_release);
  }
  heard_ms_.store(milliseconds(now), std::memory_order_release);
}

Result<void> Configuration::apply(const config::SignedDocument& signed_one) {
  auto document = config::open_document(signed_one, identity_.operator_public);
  if (!document) return document.error();
  if (document->deployment != identity_.deployment)
    return fail(Code::tampered, "the configuration is of another deployment");
  if (document->version <= version()) return fail(Code::stale, "the configuration is not newer");
  auto snapshot = make_snapshot(std::move(*document), identity_, listen_);
  if (!snapshot) return snapshot.error();
  if (auto admitted = floor_.admit((*snapshot)->document.version); !admitted) return admitted;
  put(*snapshot);
  if (!behind()) behind_since_ms_.store(0, std::memory_order_release);
  changed_(*snapshot);
  return {};
}

void Configuration::listen(socket::Port& port) {
  port.subscribe("configuration.heartbeat", [this](const wire::Envelope& heartbeat) {
    if (heartbeat.sender.role != wire::Role::broker) return;
    const auto version = get_int(heartbeat.message.body, "version");
    if (version && *version >= 0) heard(static_cast<std::uint64_t>(*version), Steady::now());
  });
  port.subscribe("configuration.changed", [this](const wire::Envelope& changed) {
    if (auto document = signed_document(changed.message.body)) {
      if (auto applied = apply(*document); !applied && applied.error().code != Code::stale)
        telemetry::log_error("a configuration was refused", {{"why", applied.error().context}});
    }
  });
}

asio::awaitable<void> Configuration::run(socket::Port& port) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  std::string last_error;
  for (;;) {
    if (!current() || behind()) {
      wire::Message question{"ConfigurationRequested", Json::object(), {}};
      auto reported =
          co_await port.request("configuration", std::move(question), system_now() + std::chrono::seconds(2));
      Result<void> applied;
      if (!reported) {
        applied = reported.error();
      } else if (auto document = signed_document(reported->body); !document) {
        applied = document.error();
      } else {
        applied = apply(*document);
      }
      if (!applied && applied.error().code != Code::stale && applied.error().context != last_error) {
        last_error = applied.error().context;
        telemetry::log_warning("no configuration yet", {{"why", last_error}});
      }
    }
    pause.expires_after(std::chrono::milliseconds(200));
    (void)co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace holdpoint::configuration
