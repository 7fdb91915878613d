// The keys of issuers that the configuration names without a key set: fetched from the issuer, kept for a while,
// fetched anew when a token names a key that is not among them. One per shard, on its thread.
//
//   none --a token that claims to be the issuer's--> fetching --ok--> known --Pace::refresh old, or a key unknown-->
//   fetching
//                                                        \--error--> as before; keys older than Pace::kept_max are none
//
// What a token says about itself decides nothing but whose keys are looked at: an issuer that is not configured is
// never asked, and none is asked more often than once in Pace::again, however many tokens come. The way to the keys is
// the issuer's own: its url's discovery document, which must name it byte for byte, or the configuration's `jwks_uri`;
// https, without redirects (http on loopback alone, and only where the configuration itself says http).
//
// With good keys at hand no login waits: one that finds them old goes on, and run() fetches. A login that waited goes
// on by the configuration of that moment, never by the one that it began with.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gateway/configuration/snapshot.hpp"
#include "gateway/http/upstream_client.hpp"

namespace holdpoint::pipeline {

/// An address that keys are fetched from.
struct KeyUrl {
  http::Endpoint endpoint;
  std::string target;  ///< path and query
};
/// Fails with `configuration` for anything but https://host[:port]/path (http on loopback alone).
Result<KeyUrl> parse_key_url(std::string_view url);

/// URL of the discovery document of OpenID Connect Discovery 1.0, section 4.
std::string discovery_url(std::string_view issuer_url);
/// The document's jwks_uri. Fails with `malformed`, and with `denied` when it is another issuer's or names keys without
/// TLS to an issuer that has it.
Result<std::string> read_discovery(std::string_view text, std::string_view issuer_url);

class IssuerKeys {
 public:
  struct Pace {
    /// Providers rotate in days and publish a key hours before they use it.
    std::chrono::seconds refresh = std::chrono::minutes(10);
    /// A key that its issuer withdrew is trusted no longer than this, whether or not the issuer answers.
    std::chrono::seconds kept_max = std::chrono::minutes(60);
    std::chrono::seconds again{10};
  };
  static constexpr http::UpstreamTimeouts kTimeouts{std::chrono::seconds(5), std::chrono::seconds(5),
                                                    std::chrono::seconds(5), std::chrono::seconds(1)};

  /// The configuration of this moment; null before the first.
  using Current = std::function<configuration::SnapshotPtr()>;
  struct Vouched {
    identity::VerifiedToken token;
    configuration::SnapshotPtr by;  ///< the configuration that it was verified by: what follows is decided by it
  };

  /// `client` outlives this.
  IssuerKeys(boost::asio::any_io_executor executor, http::UpstreamClient& client, Current current, Pace pace);

  /// As TokenVerifier::verify for agents, with keys that were fetched where the configuration has none. Fails with
  /// `unavailable`, naming the issuer, when there are no keys to verify by; why is in the log alone.
  boost::asio::awaitable<Result<Vouched>> verify(Secret token);
  /// Fetches keys that grew old while they were used; run by a task group.
  boost::asio::awaitable<void> run();

 private:
  using Steady = std::chrono::steady_clock;
  /// One fetch and those who wait for it.
  struct Flight {
    explicit Flight(boost::asio::any_io_executor executor)
        : landed(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer landed;
    bool over = false;
  };
  struct Known {
    std::optional<Steady::time_point> fetched;
    std::optional<Steady::time_point> asked;
    Json keys;
    bool wanted = false;  ///< by run()
    std::shared_ptr<Flight> flight;
  };

  void use_current();
  [[nodiscard]] Result<Vouched> vouch(std::string_view token) const;
  void want(Known& known);
  [[nodiscard]] const config::Issuer* next_wanted();
  [[nodiscard]] bool usable(const Known& known) const;
  boost::asio::awaitable<void> refresh(config::Issuer issuer);
  boost::asio::awaitable<Result<Json>> fetch(config::Issuer issuer);
  boost::asio::awaitable<Result<std::string>> get(std::string url);

  boost::asio::any_io_executor executor_;
  http::UpstreamClient& client_;
  Current current_;
  Pace pace_;
  boost::asio::steady_timer wanted_;  ///< cancelled when something is
  configuration::SnapshotPtr snapshot_;
  std::optional<identity::TokenVerifier> verifier_;  ///< of snapshot_, with the keys that were fetched
  std::map<std::string, Known> known_;  ///< by the issuer's url and where its keys are; as many as configured
};

}  // namespace holdpoint::pipeline
