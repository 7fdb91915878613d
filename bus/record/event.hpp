// What a process reports: one CloudEvents 1.0 event, as the exact JSON bytes that are journalled, hashed and stored.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

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

/// The data of an event that is being made: members in any order, each written at once into its text, so that there is
/// no tree of values in between. Names are our own words, each given once.
class EventData {
 public:
  EventData() = default;
  /// Of `object`'s members. Implicit: events that are rare are put together as JSON.
  EventData(const Json& object);

  /// As text_json.
  void text(std::string_view name, BytesView value);
  template <std::integral Number>
  void number(std::string_view name, Number value) {
    begin(name);
    written_ += std::to_string(value);
    end();
  }
  void json(std::string_view name, const Json& value);
  /// A list of texts; call it for each of them, then end_list().
  void begin_list(std::string_view name);
  void list_text(BytesView value);
  void end_list();

  /// Compact, keys sorted: what to_json writes of the same object.
  [[nodiscard]] std::string to_json() const;
  /// A member that is a text; empty when there is none.
  [[nodiscard]] std::string text_of(std::string_view name) const;
  /// The same as values, for what is not recorded alone.
  [[nodiscard]] Json values() const;

 private:
  struct Member {
    std::size_t begin;  ///< of `"name":value` in written_
    std::size_t name_bytes;
    std::size_t end;
  };
  void begin(std::string_view name);  ///< then the value's text, then end()
  void end() { members_.back().end = written_.size(); }
  [[nodiscard]] std::string_view name_of(const Member& member) const {
    return std::string_view(written_).substr(member.begin + 1, member.name_bytes);
  }

  std::string written_;
  std::vector<Member> members_;
};

/// {"specversion":"1.0","id","source","type","subject","time","data"}; keys sorted, UTF-8.
std::string event_to_json(const Event& event);
/// With `data`, the text of an object, instead of the event's own.
std::string event_to_json(const Event& event, std::string_view data);
Result<Event> event_from_json(std::string_view text);

}  // namespace holdpoint::record
