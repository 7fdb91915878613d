#include "approvals/announcer.hpp"

#include <initializer_list>

namespace holdpoint::approvals {
namespace {

constexpr Duration kUndoneAfter = std::chrono::seconds(5);  // far longer than a journal's commit takes
constexpr std::size_t kCatchUpMax = 200;                    // of one tick; the next one goes on

// Publications carry what a list shows; everything else is asked for by id.
Json pick(const Json& data, std::initializer_list<const char*> members) {
  Json out = Json::object();
  for (const char* member : members) {
    if (const auto found = data.find(member); found != data.end()) out[member] = *found;
  }
  return out;
}

void publish_fact(Publisher& publisher, const record::Event& event) {
  if (event.type == record::type::kReviewRequested) {
    publisher.publish("review.requested",
                      {"ReviewRequested",
                       pick(event.data, {"review_id", "principal", "target", "service", "operation", "region", "access",
                                         "reviewers", "required", "expires_at"}),
                       {}});
  } else if (event.type == record::type::kReviewVoted) {
    publisher.publish("review.voted", {"ReviewVoted", pick(event.data, {"review_id", "reviewer", "verdict"}), {}});
  } else if (event.type == record::type::kReviewDecided) {
    Json body{{"review_id", event.subject}, {"state", string_or(event.data, "verdict")}};
    if (event.data.contains("decision")) body["decision"] = pick(event.data, {"decision", "key_id", "signature"});
    publisher.publish("review.decided", {"ReviewDecided", std::move(body), {}});
  }
}

}  // namespace

Result<void> Announcer::announce(ReviewStore& store, std::span<const record::Event> events) {
  if (events.empty()) return {};
  if (auto durable = sink_.record(events); !durable) return durable;
  if (auto noted = store.recorded(events); !noted) return noted;
  for (const auto& event : events) publish_fact(publisher_, event);
  return {};
}

void Announcer::catch_up(ReviewStore& store, Instant now) {
  const auto events = store.unrecorded(now - kUndoneAfter, kCatchUpMax);
  // A failure here is met again by the next tick; until then nothing has been told to anybody.
  if (events && !events->empty()) static_cast<void>(announce(store, *events));
}

}  // namespace holdpoint::approvals
