#include "approvals/service.hpp"

#include <algorithm>
#include <array>

#include "approvals/console_access.hpp"
#include "approvals/eligibility.hpp"
#include "approvals/request_fields.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

using wire::Role;

constexpr std::size_t kListedParametersMax = 4096;

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

}  // namespace

Result<wire::Message> ReviewService::handle(const wire::Envelope& request, ReviewStore& store, Instant now) {
  if (const auto lane = lane_of(request.message.type)) {
    return std::move(handle(*lane, std::span(&request, 1), store, now).front());
  }
  struct Row {
    std::string_view type;
    Answer (ReviewService::*answer)(const wire::Envelope&, ReviewStore&, Instant);
  };
  static constexpr std::array<Row, 6> kRows{{
      {"ReviewRequested", &ReviewService::review_requested},
      {"ReviewStatusRequested", &ReviewService::status_requested},
      {"ClaimsOfGatewayRequested", &ReviewService::claims_of_gateway},
      {"ReviewsRequested", &ReviewService::reviews_requested},
      {"ReviewRequestedById", &ReviewService::review_by_id},
      {"ConsoleLinkRequested", &ReviewService::console_link},
  }};
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return each.type == request.message.type; });
  if (row == kRows.end()) return fail(Code::unsupported, "the service reviews does not know this message");
  if (auto may = may_say(request); !may) return may.error();
  return (this->*row->answer)(request, store, now);
}

Result<std::string> ReviewService::gateway_of(const wire::Sender& sender) const {
  const auto configuration = keys_();
  const config::PeerKey* key = configuration ? configuration->key(sender.key_id) : nullptr;
  // The broker knows the key, this process does not yet: the gateway asks again.
  if (key == nullptr) return fail(Code::unavailable, "the gateway's key is not in the configuration known here");
  if (key->role != Role::gateway || key->revoked) return fail(Code::denied, "the key is no gateway's");
  return key->name;
}

void ReviewService::tick(ReviewStore& store, Instant now) {
  voting_.expire_overdue(store, now);
  announcer_.catch_up(store, now);
}

Result<wire::Message> ReviewService::review_requested(const wire::Envelope& request, ReviewStore& store, Instant now) {
  const Json& body = request.message.body;
  const auto gateway = gateway_of(request.sender);
  if (!gateway) return gateway.error();
  if (auto own = check_name(string_or(body, "gateway"), *gateway); !own) return own.error();
  const auto review = body.find("review");
  if (review == body.end()) return fail(Code::malformed, "review is missing");
  const auto question = question_from_json(*review, now);
  if (!question) return question.error();
  Json data = review_to_json(Review(*question));
  if (string_or(data, "record") == "metadata") data.erase("parameters");  // for reviewers, not for the record
  const auto event = voting_.event(record::type::kReviewRequested, question->review_id, std::move(data), now);
  const auto configuration = voting_.document();
  const std::size_t parked_max =
      (configuration ? configuration->gateway : config::GatewaySettings{}).parked_per_principal_max;
  const auto opened = store.open(*question, invocation_id_of(body), kPendingPerParked * parked_max, event, now);
  if (!opened) return opened.error();
  if (!opened->joined) {
    if (auto announced = announcer_.announce(store, std::span(&event, 1)); !announced) return announced.error();
  }
  Json answer = status_to_json(status_of(opened->stored, now));
  answer["asked"] = asked_to_json(opened->stored.review.question());
  answer["expires_at"] = to_rfc3339(opened->stored.review.question().expires_at());
  return wire::Message{"ReviewOpened", std::move(answer), {}};
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

Result<wire::Message> ReviewService::claims_of_gateway(const wire::Envelope& request, ReviewStore& store, Instant) {
  const auto gateway = gateway_of(request.sender);
  if (!gateway) return gateway.error();
  if (auto own = check_name(string_or(request.message.body, "gateway"), *gateway); !own) return own.error();
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
