#include "approvals/service.hpp"

#include <algorithm>
#include <array>

#include "approvals/console_access.hpp"
#include "approvals/eligibility.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

using wire::Role;

constexpr std::size_t kInvocationBytesMax = 256;  // SDKs send a UUID
constexpr std::size_t kGatewayBytesMax = 255;     // a name on the bus
constexpr std::size_t kOutcomeBytesMax = 4096;    // a status and a request id
constexpr std::size_t kListedParametersMax = 4096;

Result<Id> get_id(const Json& object, std::string_view member) {
  const auto text = get_string(object, member);
  if (!text) return text.error();
  const auto id = id_from_text(*text);
  if (!id || id->empty()) return fail(Code::malformed, std::string(member) + " is not an identifier");
  return *id;
}

bool is_plain(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// An invocation id is chosen by the agent's client: what is none at all counts as none.
std::string invocation_id_of(const Json& object) {
  std::string id = string_or(object, "invocation_id");
  return is_plain(id, kInvocationBytesMax) ? id : std::string();
}

Result<Claimer> get_claimer(const Json& object, const wire::Sender& sender) {
  const auto member = object.find("claimer");
  if (member == object.end() || !member->is_object()) return fail(Code::malformed, "claimer is missing");
  auto gateway = get_string(*member, "gateway");
  if (!gateway) return gateway.error();
  if (gateway->empty() || !is_plain(*gateway, kGatewayBytesMax)) return fail(Code::malformed, "gateway is not a name");
  const auto epoch = get_int(*member, "epoch");
  if (!epoch) return epoch.error();
  if (*epoch < 0) return fail(Code::malformed, "epoch is negative");
  return Claimer{std::move(*gateway), static_cast<std::uint64_t>(*epoch), sender.key_id};
}

Result<const Json*> get_list(const Json& object, const char* member, std::size_t max) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_array()) return fail(Code::malformed, std::string(member) + " is missing");
  if (found->size() > max) return fail(Code::too_large, std::string(member) + " holds too many");
  return &*found;
}

// Lists are for choosing; what is large is fetched by id.
Json listed(const StoredReview& stored, Instant now) {
  Review review = stored.review;
  review.expire(now);
  Json out = review_to_json(review);
  if (const auto parameters = out.find("parameters");
      parameters != out.end() && to_json(*parameters).size() > kListedParametersMax) {
    *parameters = Json::object();
    out["parameters_note"] = "too large for a list; ask for the review by its id";
  }
  return out;
}

// Whatever is wrong with a token, the reviewer is not known; but keys that are not there yet may come.
Error not_verified(const Error& error) {
  const bool later = error.code == Code::unavailable || error.code == Code::not_found;
  return fail(later ? Code::unavailable : Code::unauthenticated, error.context);
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

Result<Claim> get_claim(const Json& item, const wire::Sender& sender) {
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

Result<Settlement> get_settlement(const Json& item, const wire::Sender& sender) {
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

}  // namespace

Result<wire::Message> ReviewService::handle(const wire::Envelope& request, ReviewStore& store, Instant now) {
  struct Row {
    std::string_view type;
    std::array<Role, 2> roles;
    Answer (ReviewService::*answer)(const wire::Envelope&, ReviewStore&, Instant);
  };
  static constexpr std::array<Row, 9> kRows{{
      {"ReviewRequested", {Role::gateway}, &ReviewService::review_requested},
      {"ReviewStatusRequested", {Role::gateway}, &ReviewService::status_requested},
      {"GrantClaimRequested", {Role::gateway}, &ReviewService::claim_requested},
      {"GrantSettled", {Role::gateway}, &ReviewService::grant_settled},
      {"ClaimsOfGatewayRequested", {Role::gateway}, &ReviewService::claims_of_gateway},
      {"ReviewsRequested", {Role::op, Role::frontend}, &ReviewService::reviews_requested},
      {"ReviewRequestedById", {Role::op, Role::frontend}, &ReviewService::review_by_id},
      {"VoteCast", {Role::op, Role::frontend}, &ReviewService::vote_cast},
      {"ConsoleLinkRequested", {Role::op}, &ReviewService::console_link},
  }};
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return each.type == request.message.type; });
  if (row == kRows.end()) return fail(Code::unsupported, "the service reviews does not know this message");
  const Role role = request.sender.role;
  if (role == Role::none || std::find(row->roles.begin(), row->roles.end(), role) == row->roles.end()) {
    return fail(Code::denied, "a " + std::string(wire::name(role)) + " may not send " + request.message.type);
  }
  return (this->*row->answer)(request, store, now);
}

void ReviewService::tick(ReviewStore& store, Instant now) {
  voting_.expire_overdue(store, now);
  announcer_.catch_up(store, now);
}

Result<wire::Message> ReviewService::review_requested(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const Json& body = request.message.body;
  const auto review = body.find("review");
  if (review == body.end()) return fail(Code::malformed, "review is missing");
  const auto question = question_from_json(*review, now);
  if (!question) return question.error();
  const auto event =
      voting_.event(record::type::kReviewRequested, question->review_id, review_to_json(Review(*question)), now);
  const auto configuration = voting_.document();
  const std::size_t parked_max =
      (configuration ? configuration->gateway : config::GatewaySettings{}).parked_per_principal_max;
  const auto opened = store.open(*question, invocation_id_of(body), kPendingPerParked * parked_max, event, now);
  if (!opened) return opened.error();
  if (!opened->joined) {
    if (auto announced = announcer_.announce(store, std::span(&event, 1)); !announced) return announced.error();
  }
  return wire::Message{"ReviewOpened", status_to_json(status_of(opened->stored, now)), {}};
}

Result<wire::Message> ReviewService::status_requested(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const auto list = get_list(request.message.body, "review_ids", kStatusesMax);
  if (!list) return list.error();
  std::vector<Id> ids;
  for (const Json& each : **list) {
    const auto id = each.is_string() ? id_from_text(each.get_ref<const std::string&>()) : std::nullopt;
    if (!id) return fail(Code::malformed, "review_ids holds something that is not an identifier");
    ids.push_back(*id);
  }
  const auto found = store.statuses(ids, now);
  if (!found) return found.error();
  Json reviews = Json::array();
  std::size_t bytes = 0;
  for (const ReviewStatus& each : *found) {
    Json status = status_to_json(each);
    bytes += to_json(status).size() + 1;
    if (bytes > kAnswerBytesMax) break;  // the gateway asks again for those it did not hear about
    reviews.push_back(std::move(status));
  }
  return wire::Message{"ReviewStatusReported", {{"reviews", std::move(reviews)}}, {}};
}

Result<wire::Message> ReviewService::claim_requested(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const auto list = get_list(request.message.body, "claims", kClaimsMax);
  if (!list) return list.error();
  std::vector<Claim> claims;
  std::vector<record::Event> events;
  for (const Json& item : **list) {
    auto claim = get_claim(item, request.sender);
    if (!claim) return claim.error();
    events.push_back(voting_.event(record::type::kGrantClaimed, claim->review_id,
                                   {{"review_id", to_text(claim->review_id)},
                                    {"operation_id", to_text(claim->operation_id)},
                                    {"gateway", claim->claimer.gateway},
                                    {"epoch", claim->claimer.epoch}},
                                   now));
    events.back().id = claimed_event_id(claim->operation_id);
    claims.push_back(std::move(*claim));
  }
  const auto answers = store.claim(claims, events, now);
  if (!answers) return answers.error();
  HOLDPOINT_INVARIANT(answers->size() == claims.size());
  std::vector<record::Event> happened;
  Json out = Json::array();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const ClaimAnswer& answer = (*answers)[i];
    // A claim that is answered again records its event again, in case the first answer was lost before the record.
    if (answer.result == ClaimResult::claimed) happened.push_back(std::move(events[i]));
    Json entry{{"operation_id", to_text(answer.operation_id)}, {"result", name(answer.result)}};
    if (answer.state) entry["state"] = name(*answer.state);
    if (!answer.outcome.empty()) {
      if (auto outcome = parse_json(answer.outcome)) entry["outcome"] = std::move(*outcome);
    }
    out.push_back(std::move(entry));
  }
  if (auto announced = announcer_.announce(store, happened); !announced) return announced.error();
  return wire::Message{"GrantClaimsAnswered", {{"claims", std::move(out)}}, {}};
}

Result<wire::Message> ReviewService::grant_settled(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const auto list = get_list(request.message.body, "settlements", kClaimsMax);
  if (!list) return list.error();
  std::vector<Settlement> settlements;
  std::vector<record::Event> events;
  for (const Json& item : **list) {
    auto settlement = get_settlement(item, request.sender);
    if (!settlement) return settlement.error();
    Json data{{"review_id", to_text(settlement->review_id)},
              {"operation_id", to_text(settlement->operation_id)},
              {"state", name(settlement->state)}};
    if (const auto outcome = item.find("outcome"); outcome != item.end()) data["outcome"] = *outcome;
    events.push_back(voting_.event(record::type::kGrantSettled, settlement->review_id, std::move(data), now));
    settlements.push_back(std::move(*settlement));
  }
  const auto answers = store.settle(settlements, events);
  if (!answers) return answers.error();
  HOLDPOINT_INVARIANT(answers->size() == settlements.size());
  std::vector<record::Event> happened;
  Json refused = Json::array();
  for (std::size_t i = 0; i < settlements.size(); ++i) {
    const Result<bool>& changed = (*answers)[i];
    if (!changed) {
      refused.push_back({{"operation_id", to_text(settlements[i].operation_id)},
                         {"code", name(changed.error().code)},
                         {"message", changed.error().context}});
    } else if (*changed) {
      happened.push_back(std::move(events[i]));
    }
  }
  if (auto announced = announcer_.announce(store, happened); !announced) return announced.error();
  return wire::Message{"GrantSettlementNoted", {{"refused", std::move(refused)}}, {}};
}

Result<wire::Message> ReviewService::claims_of_gateway(const wire::Envelope& request, ReviewStore& store, Instant) {
  const auto gateway = get_string(request.message.body, "gateway");
  if (!gateway) return gateway.error();
  if (!is_plain(*gateway, kGatewayBytesMax)) return fail(Code::malformed, "gateway is not a name");
  const auto claims = store.claims_of(*gateway);
  if (!claims) return claims.error();
  Json out = Json::array();
  for (const Claim& claim : *claims) {
    out.push_back({{"operation_id", to_text(claim.operation_id)},
                   {"review_id", to_text(claim.review_id)},
                   {"epoch", claim.claimer.epoch},
                   {"state", name(claim.state)}});
  }
  return wire::Message{"ClaimsReported", {{"claims", std::move(out)}}, {}};
}

Result<wire::Message> ReviewService::reviews_requested(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const Json& body = request.message.body;
  ListFilter filter;
  if (body.contains("state")) {
    filter.state = review_state_from_name(string_or(body, "state"));
    if (!filter.state) return fail(Code::malformed, "state is none that a review has");
  }
  if (body.contains("limit")) {
    const auto limit = get_int(body, "limit");
    if (!limit) return limit.error();
    filter.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(*limit, 1, kListMax));
  }
  if (body.contains("before")) {
    const auto last = get_id(body, "before");
    if (!last) return last.error();
    filter.before = *last;
  }
  const std::size_t page = filter.limit;
  filter.limit = page + 1;  // one more, to know whether there are more
  const auto found = store.list(filter);
  if (!found) return found.error();
  const auto pending = store.pending_count();
  if (!pending) return pending.error();
  Json reviews = Json::array();
  std::size_t bytes = 0;
  for (const StoredReview& stored : *found) {
    Json review = listed(stored, now);
    bytes += to_json(review).size() + 1;
    if (reviews.size() == page || bytes > kAnswerBytesMax) break;
    reviews.push_back(std::move(review));
  }
  const bool more = reviews.size() < found->size();
  return wire::Message{"ReviewsReported", {{"reviews", std::move(reviews)}, {"more", more}, {"pending", *pending}}, {}};
}

Result<wire::Message> ReviewService::review_by_id(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const auto id = get_id(request.message.body, "review_id");
  if (!id) return id.error();
  auto stored = store.find(*id);
  if (!stored) return stored.error();
  stored->review.expire(now);
  return wire::Message{"ReviewReported", {{"review", review_to_json(stored->review)}}, {}};
}

Result<wire::Message> ReviewService::vote_cast(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const Json& body = request.message.body;
  const auto token = get_string(body, "token");
  if (!token) return fail(Code::unauthenticated, "a vote needs the reviewer's token");
  const auto reviewer = verify_(*token, now);
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
  const auto stored = voting_.cast(store, *reviewer, ballot, "bus", now);
  if (!stored) return stored.error();
  return wire::Message{"VoteCounted",
                       {{"review_id", to_text(*id)},
                        {"state", name(stored->review.state())},
                        {"votes", stored->review.approvals()},
                        {"required", stored->review.question().required}},
                       {}};
}

Result<wire::Message> ReviewService::console_link(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const Json& body = request.message.body;
  const auto token = get_string(body, "token");
  if (!token) return fail(Code::unauthenticated, "a link to the console needs the reviewer's token");
  const auto reviewer = verify_(*token, now);
  if (!reviewer) return not_verified(reviewer.error());
  const auto configuration = voting_.document();
  if (!configuration) return fail(Code::unavailable, "no configuration has arrived yet");
  if (!is_reviewer(*reviewer, *configuration)) {
    return fail(Code::denied, reviewer->name() + " is in none of the configuration's groups of reviewers");
  }
  Duration ttl = kLinkDefault;
  if (body.contains("ttl_s")) {
    const auto seconds = get_int(body, "ttl_s");
    if (!seconds) return seconds.error();
    if (*seconds <= 0) return fail(Code::malformed, "ttl_s is not positive");
    ttl = std::chrono::seconds(std::min<std::int64_t>(*seconds, 3600));
  }
  auto path = make_link(store, *reviewer, ttl, now);
  if (!path) return path.error();
  return wire::Message{"ConsoleLinkReported", {{"path", std::move(*path)}}, {}};
}

}  // namespace holdpoint::approvals
