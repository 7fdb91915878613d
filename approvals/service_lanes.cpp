// The messages that come in numbers, votes, claims and settlements: read one by one, then answered together, so that a
// burst of them costs a few transactions.
#include <algorithm>
#include <iterator>

#include "approvals/request_fields.hpp"
#include "approvals/review_json.hpp"
#include "approvals/service.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kOutcomeBytesMax = 4096;  // a status and a request id

// `sender` is the gateway whose message this is, by its key.
Result<Claimer> get_claimer(const Json& object, const Claimer& sender) {
  const auto member = object.find("claimer");
  if (member == object.end() || !member->is_object()) return fail(Code::malformed, "claimer is missing");
  auto gateway = get_string(*member, "gateway");
  if (!gateway) return gateway.error();
  if (auto own = check_name(*gateway, sender.gateway); !own) return own.error();
  const auto epoch = get_int(*member, "epoch");
  if (!epoch) return epoch.error();
  if (*epoch < 0) return fail(Code::malformed, "epoch is negative");
  return Claimer{std::move(*gateway), static_cast<std::uint64_t>(*epoch), sender.key_id};
}

// The same for every attempt to claim for one operation, so that recording it again is recognised.
Id claimed_event_id(const Id& operation_id) {
  Id id;
  const Hash hash = sha256("holdpoint-claimed\n" + std::string(operation_id.view()));
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);  // RFC 9562: version 8, made by own rules
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

Result<Claim> get_claim(const Json& item, const Claimer& sender) {
  if (!item.is_object()) return fail(Code::malformed, "a claim is not an object");
  Claim claim;
  const auto operation_id = get_id(item, "operation_id");
  if (!operation_id) return operation_id.error();
  const auto review_id = get_id(item, "review_id");
  if (!review_id) return review_id.error();
  auto claimer = get_claimer(item, sender);
  if (!claimer) return claimer.error();
  claim.operation_id = *operation_id;
  claim.review_id = *review_id;
  claim.digest = string_or(item, "digest");
  claim.principal = string_or(item, "principal");
  if (!is_name(claim.digest) || !is_name(claim.principal)) {
    return fail(Code::malformed, "a claim lacks its digest or principal");
  }
  claim.invocation_id = invocation_id_of(item);
  claim.claimer = std::move(*claimer);
  return claim;
}

Result<Settlement> get_settlement(const Json& item, const Claimer& sender) {
  if (!item.is_object()) return fail(Code::malformed, "a settlement is not an object");
  const auto operation_id = get_id(item, "operation_id");
  if (!operation_id) return operation_id.error();
  const auto review_id = get_id(item, "review_id");
  if (!review_id) return review_id.error();
  auto claimer = get_claimer(item, sender);
  if (!claimer) return claimer.error();
  const auto state = claim_state_from_name(string_or(item, "state"));
  if (!state || *state == ClaimState::claimed) return fail(Code::malformed, "state is none that a claim settles in");
  std::string outcome;
  if (const auto member = item.find("outcome"); member != item.end()) outcome = to_json(*member);
  if (outcome.size() > kOutcomeBytesMax) return fail(Code::too_large, "outcome is larger than 4 KiB");
  return Settlement{*operation_id, *review_id, std::move(*claimer), *state, std::move(outcome)};
}

Json answer_to_json(const ClaimAnswer& answer) {
  Json entry{{"operation_id", to_text(answer.operation_id)}, {"result", name(answer.result)}};
  if (answer.state) entry["state"] = name(*answer.state);
  if (!answer.outcome.empty()) {
    if (auto outcome = parse_json(answer.outcome)) entry["outcome"] = std::move(*outcome);
  }
  return entry;
}

// `read` makes something of each request that may be said, `together` answers all of it in one go or fails as a whole.
// One value that the store cannot hold fails a batch: then each is tried alone, so that it harms its sender only.
template <class Read, class Together>
std::vector<Result<wire::Message>> answer_each(std::span<const wire::Envelope> requests, const Read& read,
                                               const Together& together) {
  using Item = typename decltype(read(requests[0]))::value_type;
  std::vector<Result<wire::Message>> out;
  std::vector<Item> items;
  std::vector<std::size_t> places;
  for (const wire::Envelope& request : requests) {
    out.emplace_back(fail(Code::internal, "not answered"));
    if (auto may = may_say(request); !may) {
      out.back() = may.error();
    } else if (auto item = read(request); !item) {
      out.back() = item.error();
    } else {
      items.push_back(std::move(*item));
      places.push_back(out.size() - 1);
    }
  }
  const auto put = [&](std::size_t first, std::size_t count) {
    auto answers = together(std::span(items).subspan(first, count));
    for (std::size_t i = 0; i < count; ++i) {
      out[places[first + i]] = answers ? std::move((*answers)[i]) : Result<wire::Message>(answers.error());
    }
    return answers || answers.error().code != Code::malformed;
  };
  if (items.empty() || put(0, items.size()) || items.size() == 1) return out;
  for (std::size_t i = 0; i < items.size(); ++i) put(i, 1);
  return out;
}

}  // namespace

struct ReviewService::ClaimBatch {
  std::vector<Claim> claims;
  std::vector<record::Event> events;
};

struct ReviewService::SettlementBatch {
  std::vector<Settlement> settlements;
  std::vector<record::Event> events;
};

std::optional<Lane> lane_of(std::string_view type) {
  if (type == "VoteCast") return Lane::votes;
  if (type == "GrantClaimRequested") return Lane::claims;
  if (type == "GrantSettled") return Lane::settlements;
  return std::nullopt;
}

std::vector<Result<wire::Message>> ReviewService::handle(Lane lane, std::span<const wire::Envelope> requests,
                                                         ReviewStore& store, Instant now) {
  switch (lane) {
    case Lane::votes:
      return answer_each(
          requests, [&](const wire::Envelope& request) { return read_vote(request, now); },
          [&](std::span<Cast> casts) { return count_votes(casts, store, now); });
    case Lane::claims:
      return answer_each(
          requests, [&](const wire::Envelope& request) { return read_claims(request, now); },
          [&](std::span<ClaimBatch> batches) { return claim_grants(batches, store, now); });
    case Lane::settlements:
      break;
  }
  return answer_each(
      requests, [&](const wire::Envelope& request) { return read_settlements(request, now); },
      [&](std::span<SettlementBatch> batches) { return settle_grants(batches, store, now); });
}

// ---- votes ---------------------------------------------------------------------------------------------------------

Result<Cast> ReviewService::read_vote(const wire::Envelope& request, Instant now) const {
  const Json& body = request.message.body;
  const auto token = get_string(body, "token");
  if (!token) return fail(Code::unauthenticated, "a vote needs the reviewer's token");
  auto reviewer = verify_(*token, now);
  if (!reviewer) return not_verified(reviewer.error());
  Ballot ballot;
  const auto id = get_id(body, "review_id");
  if (!id) return id.error();
  ballot.review_id = *id;
  const auto verdict = verdict_from_name(string_or(body, "verdict"));
  if (!verdict) return fail(Code::malformed, "verdict is neither approve nor reject");
  ballot.verdict = *verdict;
  ballot.reason = string_or(body, "reason");
  if (const auto grant = body.find("grant"); grant != body.end()) {
    const auto terms = terms_from_json(*grant);
    if (!terms) return terms.error();
    ballot.grant = *terms;
  }
  return Cast{std::move(*reviewer), std::move(ballot)};
}

Result<std::vector<Result<wire::Message>>> ReviewService::count_votes(std::span<Cast> casts, ReviewStore& store,
                                                                      Instant now) {
  const auto counted = voting_.cast(store, casts, "bus", now);
  if (!counted) return counted.error();
  std::vector<Answer> out;
  for (const Result<StoredReview>& each : *counted) {
    if (!each) {
      out.emplace_back(each.error());
      continue;
    }
    const Review& review = each->review;
    out.emplace_back(wire::Message{"VoteCounted",
                                   {{"review_id", to_text(review.question().review_id)},
                                    {"state", name(review.state())},
                                    {"votes", review.approvals()},
                                    {"required", review.question().required}},
                                   {}});
  }
  return out;
}

// ---- claims --------------------------------------------------------------------------------------------------------

struct ReviewService::GatewayList {
  Claimer sender;
  const Json* items = nullptr;
};

/// What a gateway says of many operations at once.
Result<ReviewService::GatewayList> ReviewService::list_of_gateway(const wire::Envelope& request,
                                                                  const char* member) const {
  auto gateway = gateway_of(request.sender);
  if (!gateway) return gateway.error();
  const auto list = get_list(request.message.body, member, kClaimsMax);
  if (!list) return list.error();
  return GatewayList{{std::move(*gateway), 0, request.sender.key_id}, *list};
}

Result<ReviewService::ClaimBatch> ReviewService::read_claims(const wire::Envelope& request, Instant now) const {
  const auto list = list_of_gateway(request, "claims");
  if (!list) return list.error();
  ClaimBatch batch;
  for (const Json& item : *list->items) {
    auto claim = get_claim(item, list->sender);
    if (!claim) return claim.error();
    batch.events.push_back(voting_.event(record::type::kGrantClaimed, claim->review_id,
                                         {{"review_id", to_text(claim->review_id)},
                                          {"operation_id", to_text(claim->operation_id)},
                                          {"gateway", claim->claimer.gateway},
                                          {"epoch", claim->claimer.epoch}},
                                         now));
    batch.events.back().id = claimed_event_id(claim->operation_id);
    batch.claims.push_back(std::move(*claim));
  }
  return batch;
}

Result<std::vector<Result<wire::Message>>> ReviewService::claim_grants(std::span<ClaimBatch> batches,
                                                                       ReviewStore& store, Instant now) {
  std::vector<Claim> claims;
  std::vector<record::Event> events;
  for (ClaimBatch& batch : batches) {
    std::copy(batch.claims.begin(), batch.claims.end(), std::back_inserter(claims));
    std::copy(batch.events.begin(), batch.events.end(), std::back_inserter(events));
  }
  const auto answers = store.claim(claims, events, now);
  if (!answers) return answers.error();
  HOLDPOINT_INVARIANT(answers->size() == claims.size());
  std::vector<record::Event> happened;
  std::vector<Answer> out;
  std::size_t i = 0;
  for (const ClaimBatch& batch : batches) {
    Json entries = Json::array();
    for (const std::size_t end = i + batch.claims.size(); i < end; ++i) {
      const ClaimAnswer& answer = (*answers)[i];
      // A claim that is answered again records its event again, in case the first answer was lost before the record.
      if (answer.result == ClaimResult::claimed) happened.push_back(std::move(events[i]));
      entries.push_back(answer_to_json(answer));
    }
    out.emplace_back(wire::Message{"GrantClaimsAnswered", {{"claims", std::move(entries)}}, {}});
  }
  if (auto announced = announcer_.announce(store, happened); !announced) return announced.error();
  return out;
}

// ---- settlements ---------------------------------------------------------------------------------------------------

Result<ReviewService::SettlementBatch> ReviewService::read_settlements(const wire::Envelope& request,
                                                                       Instant now) const {
  const auto list = list_of_gateway(request, "settlements");
  if (!list) return list.error();
  SettlementBatch batch;
  for (const Json& item : *list->items) {
    auto settlement = get_settlement(item, list->sender);
    if (!settlement) return settlement.error();
    Json data{{"review_id", to_text(settlement->review_id)},
              {"operation_id", to_text(settlement->operation_id)},
              {"state", name(settlement->state)}};
    if (const auto outcome = item.find("outcome"); outcome != item.end()) data["outcome"] = *outcome;
    batch.events.push_back(voting_.event(record::type::kGrantSettled, settlement->review_id, std::move(data), now));
    batch.settlements.push_back(std::move(*settlement));
  }
  return batch;
}

Result<std::vector<Result<wire::Message>>> ReviewService::settle_grants(std::span<SettlementBatch> batches,
                                                                        ReviewStore& store, Instant) {
  std::vector<Settlement> settlements;
  std::vector<record::Event> events;
  for (SettlementBatch& batch : batches) {
    std::copy(batch.settlements.begin(), batch.settlements.end(), std::back_inserter(settlements));
    std::copy(batch.events.begin(), batch.events.end(), std::back_inserter(events));
  }
  const auto answers = store.settle(settlements, events);
  if (!answers) return answers.error();
  HOLDPOINT_INVARIANT(answers->size() == settlements.size());
  std::vector<record::Event> happened;
  std::vector<Answer> out;
  std::size_t i = 0;
  for (const SettlementBatch& batch : batches) {
    Json refused = Json::array();
    for (const std::size_t end = i + batch.settlements.size(); i < end; ++i) {
      const Result<bool>& changed = (*answers)[i];
      if (!changed) {
        refused.push_back({{"operation_id", to_text(settlements[i].operation_id)},
                           {"code", name(changed.error().code)},
                           {"message", changed.error().context}});
      } else if (*changed) {
        happened.push_back(std::move(events[i]));
      }
    }
    out.emplace_back(wire::Message{"GrantSettlementNoted", {{"refused", std::move(refused)}}, {}});
  }
  if (auto announced = announcer_.announce(store, happened); !announced) return announced.error();
  return out;
}

}  // namespace holdpoint::approvals
