#include "tests/sim/operation_checker.hpp"

#include <algorithm>

namespace holdpoint::sim {
namespace {

constexpr const char* kIntended = "holdpoint.operation.intended";
constexpr const char* kAnswered = "holdpoint.operation.answered";
constexpr const char* kCompleted = "holdpoint.operation.completed";
constexpr const char* kRequested = "holdpoint.review.requested";
constexpr const char* kVoted = "holdpoint.review.voted";
constexpr const char* kDecided = "holdpoint.review.decided";
constexpr std::size_t kTypeWithinBytes = 160;  // of the subject: only the time stands between

bool holds_event(const Bytes& content, const std::string& subject, const std::string& type) {
  const std::string wanted = "\"subject\":\"" + subject + "\"";
  for (std::size_t at = content.find(wanted); at != Bytes::npos; at = content.find(wanted, at + 1)) {
    if (BytesView(content).substr(at, kTypeWithinBytes).find("\"" + type + "\"") != BytesView::npos) return true;
  }
  return false;
}

}  // namespace

// Looks at the bytes that a power cut would leave, in any process's journal.
bool OperationChecker::durable(const std::string& operation_id, const std::string& type) const {
  for (const auto& [name, disk] : journals_.disks) {
    for (const auto& [file, inode] : disk.durable_names) {
      if (holds_event(inode->durable, operation_id, type)) return true;
    }
  }
  return lost_.contains({type, operation_id});
}

void OperationChecker::journal_lost(const std::string& name) {
  losers_.insert(name);
  take_lost(name);
}

void OperationChecker::take_lost(const std::string& name) {
  for (const Bytes& entry : entries_on(journals_.disks[name])) {
    auto event = parse_json(entry);
    if (!event) continue;
    const std::string type = string_or(*event, "type");
    const std::string subject = string_or(*event, "subject");
    lost_.emplace(type, subject);
    if (type == kIntended) lost_intents_[subject] = {type, subject, name, std::move((*event)["data"])};
  }
}

void OperationChecker::effect(const Effect& effect) {
  if (!durable(effect.operation_id, kIntended)) violation("effect of " + effect.operation_id + " without an intent");
  const auto same = [&](const Effect& other) { return other.operation_id == effect.operation_id; };
  if (std::any_of(effects_.begin(), effects_.end(), same)) violation(effect.operation_id + " was sent twice");
  effects_.push_back(effect);
}

void OperationChecker::ended(int call, bool good, bool must_be_good) {
  if (open_calls_.erase(call) == 0) violation("call " + std::to_string(call) + " ended twice");
  if (must_be_good && !good) violation("call " + std::to_string(call) + " failed in good weather");
}

void OperationChecker::answered(const std::string& operation_id, const std::string& body, bool must_be_masked) {
  if (!durable(operation_id, kCompleted)) violation(operation_id + " was answered before its outcome was durable");
  if (must_be_masked && body.find(kSecret) != std::string::npos)
    violation(operation_id + " leaked what must be masked");
  if (must_be_masked) world_.saw("masked answer reached its client");
  answered_.insert(operation_id);
}

void OperationChecker::streamed(const std::string& operation_id, const std::string& part, bool last) {
  if (!durable(operation_id, last ? kCompleted : kAnswered)) {
    violation(operation_id + ": its stream's " + (last ? "end" : "head") + " left before the record was durable");
  }
  if (part.find(kSecret) != std::string::npos) violation(operation_id + " leaked in a stream");
  if (last) answered_.insert(operation_id);
}

void OperationChecker::cast(const std::string& review_id, const std::string& person, bool approves) {
  if (approves) approvals_cast_.emplace(review_id, person);
}

void OperationChecker::counted(const std::string& review_id, const std::string& person, bool is_reviewer) {
  if (!is_reviewer) violation("the vote of " + person + ", who is no reviewer, was counted");
  counted_.emplace(review_id, person);
}

void OperationChecker::bounded(const std::string& what, std::size_t value, std::size_t max) {
  if (value > max) violation(what + ": " + std::to_string(value) + " is beyond " + std::to_string(max));
}

void OperationChecker::finish() {
  for (const int call : open_calls_) violation("call " + std::to_string(call) + " never ended");
  for (const std::string& fault : faults_of(log_)) violation(fault);
  for (const std::string& name : losers_) take_lost(name);
  const Events events = events_of(log_);
  check_decisions(events);
  check_effects(events);
  check_acknowledged(events);
  check_durable_is_logged();
}

void OperationChecker::check_decisions(const Events& events) {
  for (const LoggedEvent& event : events) {
    if (event.type == kRequested) reviews_[event.subject] = event.data;
    if (event.type != kDecided) continue;
    // A replica that finishes another's work records the same event again, byte for byte the same decision.
    const auto [place, fresh] = decisions_.emplace(event.subject, event.data);
    if (!fresh && place->second != event.data) violation("review " + event.subject + " was decided twice, differently");
    if (!fresh) world_.saw("decision recorded by a second replica");
  }
  for (const auto& [review_id, decision] : decisions_) {
    const std::string verdict = string_or(decision, "verdict");
    world_.saw("review " + verdict);
    if (verdict != "approved") continue;
    const Json& review = reviews_[review_id];
    if (!review.is_object()) {
      violation("review " + review_id + " was decided and never asked for");
      continue;
    }
    const auto people = decision.at("reviewers").get<std::vector<std::string>>();
    const std::set<std::string> distinct(people.begin(), people.end());
    if (distinct.size() != people.size() || distinct.size() < review.at("required").get<std::size_t>()) {
      violation("review " + review_id + " was approved by too few people");
    }
    if (distinct.contains(string_or(review, "principal")))
      violation("review " + review_id + " was approved by its requester");
    for (const std::string& person : distinct) {
      if (!approvals_cast_.contains({review_id, person})) violation(person + " never approved review " + review_id);
    }
  }
}

void OperationChecker::check_effects(const Events& events) {
  std::map<std::string, const LoggedEvent*> intents;
  std::map<std::string, int> outcomes;
  for (const LoggedEvent& event : events) {
    if (event.type == kIntended && !intents.emplace(event.subject, &event).second) {
      violation(event.subject + " has two intents in the log");
    }
    if (event.type == kCompleted && ++outcomes[event.subject] > 1)
      violation(event.subject + " has two outcomes in the log");
  }
  check_pairs(intents, outcomes);
  for (const auto& [operation_id, intent] : lost_intents_) intents.emplace(operation_id, &intent);
  for (const Effect& effect : effects_) {
    const auto intent = intents.find(effect.operation_id);
    if (intent == intents.end()) {
      violation("the effect of " + effect.operation_id + " is not in the log");
    } else if (effect.must_be_reviewed) {
      check_reviewed(effect, *intent->second);
    }
  }
}

void OperationChecker::check_pairs(const std::map<std::string, const LoggedEvent*>& intents,
                                   const std::map<std::string, int>& outcomes) {
  for (const auto& [operation_id, count] : outcomes) {
    if (!intents.contains(operation_id)) violation(operation_id + " has an outcome and no intent in the log");
  }
  for (const auto& [operation_id, intent] : intents) {
    if (!outcomes.contains(operation_id) && !losers_.contains(intent->source))
      violation(operation_id + " has an intent and no outcome in the log");
  }
}

void OperationChecker::check_reviewed(const Effect& effect, const LoggedEvent& intent) {
  const std::string review_id = string_or(intent.data, "review_id");
  const auto decision = decisions_.find(review_id);
  if (decision == decisions_.end() || string_or(decision->second, "verdict") != "approved") {
    return violation(effect.operation_id + " had an effect without an approved review");
  }
  const Json& review = reviews_[review_id];
  if (string_or(review, "principal") != effect.principal || string_or(review, "operation") != effect.kind ||
      string_or(review["parameters"], "item") != effect.item) {
    violation(effect.operation_id + " used the approval of something else");
  }
  const auto signed_text = parse_json(string_or(decision->second, "decision"));
  const bool once = !signed_text || string_or((*signed_text)["grant"], "kind") != "for";
  const int effects = ++effects_of_review_[review_id];
  if (once && effects > 1) violation("the grant for once of review " + review_id + " had two effects");
  if (!once && effects > 1) world_.saw("grant for a time used again");
}

void OperationChecker::check_acknowledged(const Events& events) {
  std::set<std::string> completed;
  std::set<std::pair<std::string, std::string>> votes;
  for (const LoggedEvent& event : events) {
    if (event.type == kCompleted) completed.insert(event.subject);
    if (event.type == kVoted) votes.emplace(event.subject, string_or(event.data, "reviewer"));
  }
  for (const std::string& operation_id : answered_) {
    if (!completed.contains(operation_id) && !lost_intents_.contains(operation_id))
      violation("the outcome of " + operation_id + " was answered and is not in the log");
  }
  for (const auto& vote : counted_) {
    if (!votes.contains(vote)) violation("a vote of " + vote.second + " was counted and is not in the log");
  }
}

void OperationChecker::check_durable_is_logged() {
  std::set<std::pair<std::string, Bytes>> logged;
  for (const auditor::Row& row : log_.rows) logged.emplace(row.source, row.bytes);
  for (auto& [name, disk] : journals_.disks) {
    disk.crash(testing::Disk::Keep::synced);
    if (journals_.behind.contains(name)) continue;  // the log takes nothing from it any more
    for (const Bytes& entry : entries_on(disk)) {
      if (!logged.contains({name, entry})) violation("a durable entry of " + name + " is not in the log");
    }
  }
}

}  // namespace holdpoint::sim
