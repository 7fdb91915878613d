#include "approvals/announcer.hpp"

#include <initializer_list>

namespace holdpoint::approvals {
namespace {

constexpr Duration kUndoneAfter = std::chrono::seconds(5);  // far longer than a journal's commit takes
constexpr std::size_t kTellMax = 500;                       // events on record, that the store is not told of yet
constexpr std::size_t kCatchUpMax = 200;                    // of one tick; the next one goes on

// What the store needs to know of an event that is on record.
record::Event reminder(const record::Event& event) {
  record::Event out;
  out.id = event.id;
  out.type = event.type;
  out.subject = event.subject;
  return out;
}

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
  if (auto told = tell(store, events); !told) return told;
  for (const auto& event : events) publish_fact(publisher_, event);
  return {};
}

Result<void> Announcer::tell(ReviewStore& store, std::span<const record::Event> events) {
  std::vector<record::Event> now;
  bool decided = false;
  {
    const std::lock_guard lock(mutex_);
    for (const record::Event& event : events) {
      decided = decided || event.type == record::type::kReviewDecided;
      recorded_.push_back(reminder(event));
    }
    if (!decided && !events.empty() && recorded_.size() < kTellMax) return {};
    now.swap(recorded_);
  }
  if (now.empty()) return {};
  // What fails here is found in the outbox, and recorded once more, by catch_up().
  return store.recorded(now);
}

void Announcer::catch_up(ReviewStore& store, Instant now) {
  if (!tell(store, {})) return;
  const auto events = store.unrecorded(now - kUndoneAfter, kCatchUpMax);
  if (!events || events->empty()) return;
  // A failure here is met again by the next tick; until then nothing has been told to anybody.
  if (announce(store, *events)) static_cast<void>(tell(store, {}));
}

}  // namespace holdpoint::approvals
