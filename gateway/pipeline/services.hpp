// What one shard lends to the calls that it serves. All of it is the shard's own but the parts marked shared.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "bus/base/id.hpp"
#include "bus/journal/recorder.hpp"
#include "gateway/configuration/configuration.hpp"
#include "gateway/credentials/provider.hpp"
#include "gateway/pipeline/admission.hpp"
#include "gateway/pipeline/issuer_keys.hpp"
#include "gateway/pipeline/strangers.hpp"
#include "gateway/policy/policy.hpp"
#include "gateway/review/claims.hpp"
#include "gateway/review/decision_board.hpp"
#include "gateway/review/parking.hpp"

namespace holdpoint::pipeline {

class Call;

/// Sessions that were opened (identity::SessionSeal), so that a session's every call need not be: bounded, cleared when
/// full, and with each new configuration, whose keys may be others. What a configuration revokes is asked of each call.
class OpenedSessions {
 public:
  using Opened = std::shared_ptr<const identity::OpenedSession>;
  /// Fails as SessionSeal::open does.
  Result<Opened> open(const configuration::SnapshotPtr& snapshot, const std::string& access_key_id,
                      const std::string& session_token, Instant now);

 private:
  static constexpr std::size_t kSessionsMax = 2000;
  struct Kept {
    std::string token;
    Opened opened;
  };
  configuration::SnapshotPtr snapshot_;
  std::unordered_map<std::string, Kept> sessions_;  ///< by access key id
};

/// Signing keys of agents' sessions, derived once a day, region and service; bounded, cleared when full.
class SigningKeys {
 public:
  /// The key for one access key and scope. A key that was made from another secret is made anew: an operator may have
  /// mended the secret under the same access key id.
  BytesView get(const std::string& access_key_id, BytesView secret, const std::string& date, const std::string& region,
                const std::string& service);

 private:
  static constexpr std::size_t kKeysMax = 20000;
  struct Kept {
    Secret secret;
    Secret key;
  };
  std::map<std::string, Kept> keys_;
};

/// Session policies that agents brought with them, compiled once; bounded, cleared when full. The text itself is the
/// name: two policies are never taken for one another.
class SessionPolicies {
 public:
  /// Fails as Policy::parse does.
  Result<policy::Policy> get(const std::string& text);

 private:
  /// Some 20 KiB each, compiled from at most 2 KiB: 10 MiB a shard.
  static constexpr std::size_t kPoliciesMax = 500;
  std::map<std::string, policy::Policy> policies_;
};

struct Services {
  boost::asio::any_io_executor executor;
  configuration::Configuration& configuration;  ///< shared
  review::Parking& parking;                     ///< shared
  Admission& admission;                         ///< shared
  journal::Recorder::Seat record;
  review::Request bus;
  http::UpstreamClient& upstream;
  credentials::Provider& credentials;
  IssuerKeys& issuer_keys;
  review::Claims& claims;
  review::DecisionBoard& board;
  std::string gateway;       ///< this process's name
  std::list<Call*> running;  ///< for the kill switch
  OpenedSessions opened_sessions;
  SigningKeys signing_keys;
  SessionPolicies session_policies;
  Strangers strangers;
  RandomIdSource ids;
  std::atomic<std::size_t> calls{0};  ///< running.size(), for other threads to read
};

/// Records that somebody who is not known was refused, or counts it (Strangers).
boost::asio::awaitable<Result<void>> record_stranger(Services& services, std::string_view type, std::string subject,
                                                     record::EventData data);

}  // namespace holdpoint::pipeline
