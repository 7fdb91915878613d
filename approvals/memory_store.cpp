#include "approvals/memory_store.hpp"

#include <algorithm>

namespace holdpoint::approvals {

// Mirrors the queries of the PostgreSQL store, in the same order of preference.
StoredReview* MemoryStore::joinable(const Question& question, const std::string& invocation_id, Instant now) {
  if (!invocation_id.empty()) {
    const auto call = calls_.find({question.principal, question.digest, invocation_id});
    if (call != calls_.end()) {
      StoredReview& stored = reviews_.at(call->second);
      const Claim* claim = live_claim(call->second);
      const bool used_by_another =
          stored.review.state() == ReviewState::consumed && claim != nullptr && claim->invocation_id != invocation_id;
      if (!used_by_another) return &stored;
    }
  }
  StoredReview* best = nullptr;
  for (auto& [id, stored] : reviews_) {
    const Question& asked = stored.review.question();
    if (asked.principal != question.principal || asked.digest != question.digest) continue;
    const ReviewState state = stored.review.state_at(now);
    const Claim* claim = live_claim(id);
    const bool under_way =
        invocation_id.empty() && state == ReviewState::consumed && claim != nullptr && !settled(claim->state);
    const bool open = state == ReviewState::pending || state == ReviewState::approved;
    if (under_way || (open && satisfies(asked, question))) best = &stored;
  }
  return best;
}

Result<Opened> MemoryStore::open(const Question& question, const std::string& invocation_id, std::size_t pending_max,
                                 const record::Event& requested, Instant now) {
  const std::lock_guard lock(mutex_);
  if (StoredReview* stored = joinable(question, invocation_id, now)) {
    if (!invocation_id.empty()) {
      calls_[{question.principal, question.digest, invocation_id}] = stored->review.question().review_id;
    }
    return Opened{*stored, true};
  }
  if (reviews_.contains(question.review_id)) return fail(Code::conflict, "the review id is taken");
  const auto pending = std::count_if(reviews_.begin(), reviews_.end(), [&](const auto& entry) {
    return entry.second.review.question().principal == question.principal &&
           entry.second.review.state() == ReviewState::pending;
  });
  if (static_cast<std::size_t>(pending) >= pending_max) {
    return fail(Code::overloaded, "too many reviews of this principal wait for a decision");
  }
  const auto added = reviews_.emplace(question.review_id, StoredReview{Review(question), false}).first;
  if (!invocation_id.empty()) calls_[{question.principal, question.digest, invocation_id}] = question.review_id;
  outbox_.push_back(requested);
  return Opened{added->second, false};
}

Result<StoredReview> MemoryStore::find(const Id& review_id) {
  const std::lock_guard lock(mutex_);
  const auto found = reviews_.find(review_id);
  if (found == reviews_.end()) return fail(Code::not_found, "no such review");
  return found->second;
}

Result<std::vector<ReviewStatus>> MemoryStore::statuses(std::span<const Id> review_ids, Instant now) {
  const std::lock_guard lock(mutex_);
  std::vector<ReviewStatus> out;
  for (const Id& id : review_ids) {
    if (const auto found = reviews_.find(id); found != reviews_.end()) out.push_back(status_of(found->second, now));
  }
  return out;
}

Result<std::vector<StoredReview>> MemoryStore::list(const ListFilter& filter) {
  const std::lock_guard lock(mutex_);
  const auto asked = [](const StoredReview& each) {
    return std::pair(each.review.question().requested_at, each.review.question().review_id);
  };
  const auto last = filter.before ? reviews_.find(*filter.before) : reviews_.end();
  std::vector<StoredReview> out;
  for (const auto& [id, stored] : reviews_) {
    if (filter.before && (last == reviews_.end() || asked(stored) >= asked(last->second))) continue;
    if (!filter.state || stored.review.state() == *filter.state) out.push_back(stored);
  }
  std::sort(out.begin(), out.end(), [&](const StoredReview& a, const StoredReview& b) {
    const auto ends = [](const StoredReview& each) {
      return std::pair(each.review.question().expires_at(), each.review.question().review_id);
    };
    return filter.order == ListOrder::newest_first ? asked(a) > asked(b) : ends(a) < ends(b);
  });
  if (out.size() > filter.limit) out.erase(out.begin() + static_cast<std::ptrdiff_t>(filter.limit), out.end());
  return out;
}

Result<std::size_t> MemoryStore::pending_count() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(reviews_.begin(), reviews_.end(), [](const auto& entry) {
    return entry.second.review.state() == ReviewState::pending;
  }));
}

Result<std::vector<Result<StoredReview>>> MemoryStore::change_all(std::span<const Edit> edits) {
  const std::lock_guard lock(mutex_);
  std::vector<Result<StoredReview>> out;
  for (const Edit& edit : edits) out.push_back(change_one(edit));
  return out;
}

Result<StoredReview> MemoryStore::change_one(const Edit& edit) {
  const auto found = reviews_.find(edit.review_id);
  if (found == reviews_.end()) return fail(Code::not_found, "no such review");
  Review copy = found->second.review;
  const auto events = edit.change(copy);
  if (!events) return events.error();
  found->second.review = std::move(copy);
  for (const auto& event : *events) outbox_.push_back(event);
  return found->second;
}

Result<std::vector<Id>> MemoryStore::overdue(Instant now, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Id> out;
  for (const auto& [id, stored] : reviews_) {
    if (stored.review.state_at(now) != stored.review.state() && out.size() < limit) out.push_back(id);
  }
  return out;
}

const Claim* MemoryStore::live_claim(const Id& review_id) const {
  for (const auto& [id, claim] : claims_) {
    if (claim.review_id == review_id && claim.state != ClaimState::released) return &claim;
  }
  return nullptr;
}

const Claim* MemoryStore::obstacle(const Claim& wanted, const Review& review) const {
  for (const auto& [id, claim] : claims_) {
    if (claim.review_id != wanted.review_id || claim.state == ClaimState::released) continue;
    const bool same_call = !wanted.invocation_id.empty() && claim.invocation_id == wanted.invocation_id;
    if (same_call || (review.grant() && review.grant()->once)) return &claim;
  }
  return nullptr;
}

ClaimAnswer MemoryStore::claim_one(const Claim& wanted, const record::Event& event, Instant now) {
  if (const auto own = claims_.find(wanted.operation_id); own != claims_.end()) {
    return answer_claim(wanted, &own->second, nullptr);
  }
  const auto found = reviews_.find(wanted.review_id);
  if (found == reviews_.end()) return answer_claim(wanted, nullptr, nullptr);
  Review& review = found->second.review;
  if (const Claim* other = obstacle(wanted, review)) return answer_claim(wanted, nullptr, other);
  const bool bound = review.question().digest == wanted.digest && review.question().principal == wanted.principal;
  if (!bound || !found->second.announced || review.state() != ReviewState::approved || !review.grant()->holds(now)) {
    return answer_claim(wanted, nullptr, nullptr);
  }
  if (review.grant()->once && !review.consume(now)) return answer_claim(wanted, nullptr, nullptr);
  Claim& claim = claims_[wanted.operation_id] = wanted;
  claim.state = ClaimState::claimed;
  claim.claimed_at = now;
  outbox_.push_back(event);
  return answer_claim(wanted, &claim, nullptr);
}

Result<std::vector<ClaimAnswer>> MemoryStore::claim(std::span<const Claim> claims,
                                                    std::span<const record::Event> claimed, Instant now) {
  HOLDPOINT_INVARIANT(claims.size() == claimed.size());
  const std::lock_guard lock(mutex_);
  std::vector<ClaimAnswer> out;
  for (std::size_t i = 0; i < claims.size(); ++i) out.push_back(claim_one(claims[i], claimed[i], now));
  return out;
}

Result<bool> MemoryStore::settle_one(const Settlement& settlement, const record::Event& settled) {
  const auto found = claims_.find(settlement.operation_id);
  const auto review = reviews_.find(settlement.review_id);
  if (found == claims_.end() && settlement.state == ClaimState::released && review != reviews_.end()) {
    const Question& asked = review->second.review.question();
    claims_[settlement.operation_id] = {settlement.operation_id,
                                        settlement.review_id,
                                        asked.digest,
                                        asked.principal,
                                        "",
                                        settlement.by,
                                        ClaimState::released,
                                        "",
                                        {}};
    return false;
  }
  if (found == claims_.end() || found->second.review_id != settlement.review_id)
    return fail(Code::not_found, "no such claim");
  const auto changed = approvals::settle(found->second, settlement);
  if (!changed || !*changed) return changed;
  if (settlement.state == ClaimState::released) reviews_.at(settlement.review_id).review.give_back();
  outbox_.push_back(settled);
  return true;
}

Result<std::vector<Result<bool>>> MemoryStore::settle(std::span<const Settlement> settlements,
                                                      std::span<const record::Event> settled) {
  HOLDPOINT_INVARIANT(settlements.size() == settled.size());
  const std::lock_guard lock(mutex_);
  std::vector<Result<bool>> out;
  for (std::size_t i = 0; i < settlements.size(); ++i) out.push_back(settle_one(settlements[i], settled[i]));
  return out;
}

Result<std::vector<Claim>> MemoryStore::claims_of(const std::string& gateway) {
  const std::lock_guard lock(mutex_);
  std::vector<Claim> out;
  for (const auto& [id, claim] : claims_) {
    const bool open = claim.state == ClaimState::claimed || claim.state == ClaimState::sent;
    if (open && claim.claimer.gateway == gateway && out.size() < 1000) out.push_back(claim);
  }
  return out;
}

Result<std::vector<record::Event>> MemoryStore::unrecorded(Instant before, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<record::Event> out;
  for (const auto& event : outbox_) {
    if (event.time < before && out.size() < limit) out.push_back(event);
  }
  return out;
}

Result<void> MemoryStore::recorded(std::span<const record::Event> events) {
  const std::lock_guard lock(mutex_);
  for (const auto& event : events) {
    std::erase_if(outbox_, [&](const record::Event& each) { return each.id == event.id; });
    if (event.type != record::type::kReviewDecided) continue;
    const auto id = id_from_text(event.subject);
    if (const auto found = id ? reviews_.find(*id) : reviews_.end(); found != reviews_.end()) {
      found->second.announced = true;
    }
  }
  return {};
}

Result<void> MemoryStore::add_link(const Hash& code, const std::string& reviewer, Instant expires_at) {
  const std::lock_guard lock(mutex_);
  links_[code] = {reviewer, expires_at};
  return {};
}

Result<std::string> MemoryStore::use_link(const Hash& code, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto link = links_.extract(code);
  if (link.empty() || link.mapped().expires_at <= now) return fail(Code::not_found, "the link is used or too old");
  return link.mapped().reviewer;
}

Result<void> MemoryStore::add_session(const Hash& cookie, const ConsoleSession& session) {
  const std::lock_guard lock(mutex_);
  sessions_[cookie] = session;
  return {};
}

Result<ConsoleSession> MemoryStore::session(const Hash& cookie, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(cookie);
  if (found == sessions_.end() || found->second.expires_at <= now) return fail(Code::not_found, "no such session");
  return found->second;
}

Result<void> MemoryStore::remove_session(const Hash& cookie) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(cookie);
  return {};
}

}  // namespace holdpoint::approvals
