// What a process reports: one CloudEvents 1.0 event, as the exact JSON bytes that are journalled, hashed and stored.
#pragma once

#include <string>

#include "bus/base/id.hpp"
#include "bus/base/json.hpp"
#include "bus/base/time.hpp"

namespace holdpoint::record {

/// Types in use; PROTOCOL.md, "Events", lists the members of each one's data.
namespace type {
constexpr std::string_view kSessionStarted = "holdpoint.session.started";
constexpr std::string_view kSessionRefused = "holdpoint.session.refused";
constexpr std::string_view kOperationRefused = "holdpoint.operation.refused";  ///< denied, unclassifiable, bad input
constexpr std::string_view kOperationParked = "holdpoint.operation.parked";
constexpr std::string_view kOperationIntended =
    "holdpoint.operation.intended";  ///< gate 1: durable before the first byte
constexpr std::string_view kOperationContinued =
    "holdpoint.operation.continued";  ///< said anew by what runs for long, when its intent is about to be forgotten
constexpr std::string_view kOperationAnswered = "holdpoint.operation.answered";  ///< a streamed answer's head
constexpr std::string_view kOperationCompleted =
    "holdpoint.operation.completed";  ///< gate 2: durable before the answer
constexpr std::string_view kReviewRequested = "holdpoint.review.requested";
constexpr std::string_view kReviewVoted = "holdpoint.review.voted";
constexpr std::string_view kReviewDecided = "holdpoint.review.decided";
constexpr std::string_view kGrantClaimed = "holdpoint.grant.claimed";
constexpr std::string_view kGrantSettled = "holdpoint.grant.settled";
constexpr std::string_view kPeerRefused = "holdpoint.peer.refused";  ///< a peer said what it may not
constexpr std::string_view kProcessStarted = "holdpoint.process.started";
constexpr std::string_view kConfigurationApplied = "holdpoint.configuration.applied";
}  // namespace type

struct Event {
  Id id;
  std::string source;  ///< the process's name in the deployment, e.g. "gateway-1"
  std::string type;
  std::string subject;  ///< operation id, review id or session id
  Instant time{};
  Json data = Json::object();
};

/// {"specversion":"1.0","id","source","type","subject","time","data"}; keys sorted, UTF-8.
std::string event_to_json(const Event& event);
Result<Event> event_from_json(std::string_view text);

}  // namespace holdpoint::record
