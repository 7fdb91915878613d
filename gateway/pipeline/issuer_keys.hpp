// The keys of issuers that the configuration names without a key set: fetched from the issuer, kept for a while,
// fetched anew when a token names a key that is not among them. One per shard, on its thread.
//
//   none --a token that claims to be the issuer's--> fetching --ok--> known --kRefresh old, or a key unknown-->
//   fetching
//                                                        \--error--> as before; keys older than kKeptMax are none
//
// What a token says about itself decides nothing but whose keys are looked at: an issuer that is not configured is
// never asked, and none is asked more often than once in kAgain, however many tokens come. The way to the keys is the
// issuer's own: its url's discovery document, which must name it byte for byte, or the configuration's `jwks_uri`;
// https, without redirects (http on loopback alone).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
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
/// The document's jwks_uri. Fails with `malformed`, and with `denied` when it is another issuer's.
Result<std::string> read_discovery(std::string_view text, std::string_view issuer_url);

class IssuerKeys {
 public:
  /// Providers rotate in days and publish a key hours before they use it.
  static constexpr std::chrono::minutes kRefresh{10};
  /// A key that its issuer withdrew is trusted no longer than this, whether or not the issuer answers.
  static constexpr std::chrono::minutes kKeptMax{60};
  static constexpr std::chrono::seconds kAgain{10};
  static constexpr http::UpstreamTimeouts kTimeouts{std::chrono::seconds(5), std::chrono::seconds(5),
                                                    std::chrono::seconds(5), std::chrono::seconds(1)};

  /// `client` outlives this.
  IssuerKeys(boost::asio::any_io_executor executor, http::UpstreamClient& client);

  /// As TokenVerifier::verify for agents, with keys that were fetched where the configuration has none. Fails with
  /// `unavailable`, naming the issuer and why, when there are no keys to verify by.
  boost::asio::awaitable<Result<identity::VerifiedToken>> verify(configuration::SnapshotPtr snapshot, Secret token);

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
    std::string why;  ///< the last attempt failed
    std::shared_ptr<Flight> flight;
  };

  void use(const configuration::SnapshotPtr& snapshot);
  [[nodiscard]] bool usable(const Known& known) const;
  boost::asio::awaitable<void> refresh(config::Issuer issuer);
  boost::asio::awaitable<Result<Json>> fetch(config::Issuer issuer);
  boost::asio::awaitable<Result<std::string>> get(std::string url);

  boost::asio::any_io_executor executor_;
  http::UpstreamClient& client_;
  configuration::SnapshotPtr snapshot_;
  std::optional<identity::TokenVerifier> verifier_;  ///< of snapshot_, with the keys that were fetched
  std::map<std::string, Known> known_;  ///< by the issuer's url and where its keys are; as many as configured
};

}  // namespace holdpoint::pipeline
