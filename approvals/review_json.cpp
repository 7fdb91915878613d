#include "approvals/review_json.hpp"

#include <algorithm>
#include <array>

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kReviewBytesMax = 512 << 10;  // half of a bus message, so that one can be reported whole
constexpr std::size_t kNameBytesMax = 1024;         // digests, principals, group names
constexpr std::size_t kReviewersMax = 64;
// What the gateway may not say itself, or what Question has members for.
constexpr std::array<std::string_view, 13> kOwnMembers{
    "review_id",      "digest",       "principal",  "reviewers", "required", "within_s", "grant",
    "policy_version", "requested_at", "expires_at", "state",     "votes",    "decision"};

Result<std::string> get_name(const Json& object, std::string_view member) {
  auto text = get_string(object, member);
  if (text && !is_name(*text)) return fail(Code::malformed, std::string(member) + " is not a name");
  return text;
}

Result<Duration> get_seconds(const Json& object, std::string_view member, Duration max) {
  const auto seconds = get_int(object, member);
  if (!seconds) return seconds.error();
  if (*seconds <= 0 || *seconds > std::chrono::duration_cast<std::chrono::seconds>(max).count()) {
    return fail(Code::malformed, std::string(member) + " is out of bounds");
  }
  return Duration(std::chrono::seconds(*seconds));
}

std::int64_t to_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

Result<std::vector<std::string>> get_reviewers(const Json& review) {
  std::vector<std::string> names;
  const auto member = review.find("reviewers");
  if (member == review.end()) return names;
  if (!member->is_array() || member->size() > kReviewersMax) return fail(Code::malformed, "reviewers is not a list");
  for (const Json& each : *member) {
    if (!each.is_string() || !is_name(each.get_ref<const std::string&>())) {
      return fail(Code::malformed, "reviewers holds something that is not a name");
    }
    names.push_back(each.get<std::string>());
  }
  return names;
}

// Members that both the gateway's message and the stored text have.
Result<Question> read_question(const Json& review) {
  Question question;
  auto digest = get_name(review, "digest");
  if (!digest) return digest.error();
  auto principal = get_name(review, "principal");
  if (!principal) return principal.error();
  auto reviewers = get_reviewers(review);
  if (!reviewers) return reviewers.error();
  const auto required = get_int(review, "required");
  if (!required) return required.error();
  if (*required < 1 || *required > kRequiredMax) return fail(Code::malformed, "required is out of bounds");
  const auto within = get_seconds(review, "within_s", kWithinMax);
  if (!within) return within.error();
  const auto grant = review.find("grant");
  if (grant == review.end()) return fail(Code::malformed, "grant is missing");
  const auto terms = terms_from_json(*grant);
  if (!terms) return terms.error();
  const auto version = get_int(review, "policy_version");
  if (!version) return version.error();
  if (*version < 0) return fail(Code::malformed, "policy_version is negative");
  question.digest = std::move(*digest);
  question.principal = std::move(*principal);
  question.reviewers = std::move(*reviewers);
  question.required = static_cast<unsigned>(*required);
  question.within = *within;
  question.terms = *terms;
  question.policy_version = static_cast<std::uint64_t>(*version);
  question.details = review;
  for (const auto member : kOwnMembers) question.details.erase(std::string(member));
  return question;
}

/// `out` has the details, or nothing.
Json question_to_json(const Question& question, Json out) {
  out["review_id"] = to_text(question.review_id);
  out["digest"] = question.digest;
  out["principal"] = question.principal;
  out["reviewers"] = question.reviewers;
  out["required"] = question.required;
  out["within_s"] = to_seconds(question.within);
  out["grant"] = terms_to_json(question.terms);
  out["policy_version"] = question.policy_version;
  out["requested_at"] = to_rfc3339(question.requested_at);
  return out;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<GrantTerms> terms_from_json(const Json& value) {
  if (!value.is_object()) return fail(Code::malformed, "grant is not an object");
  const auto kind = get_string(value, "kind");
  if (!kind) return kind.error();
  if (*kind == "once") return GrantTerms{};
  if (*kind != "for") return fail(Code::malformed, "grant.kind is neither once nor for");
  const auto window = get_seconds(value, "for_s", kWindowMax);
  if (!window) return window.error();
  return GrantTerms{*window};
}

Json terms_to_json(const GrantTerms& terms) {
  if (terms.once()) return {{"kind", "once"}};
  return {{"kind", "for"}, {"for_s", to_seconds(*terms.window)}};
}

Result<Question> question_from_json(const Json& review, Instant now) {
  if (!review.is_object()) return fail(Code::malformed, "review is not an object");
  auto question = read_question(review);
  if (!question) return question;
  const auto id = id_from_text(string_or(review, "review_id"));
  if (!id || id->empty()) return fail(Code::malformed, "review_id is not an identifier");
  question->review_id = *id;
  question->requested_at = now;
  if (question_to_text(*question).size() + details_to_text(*question).size() > kReviewBytesMax) {
    return fail(Code::too_large, "the review is larger than 512 KiB");
  }
  return question;
}

std::string question_to_text(const Question& question) { return to_json(question_to_json(question, Json::object())); }

std::string details_to_text(const Question& question) { return to_json(question.details); }

Result<Question> question_from_text(std::string_view text, std::string_view details) {
  const auto json = parse_json(text);
  if (!json) return json.error();
  auto question = read_question(*json);
  if (!question) return question;
  const auto id = id_from_text(string_or(*json, "review_id"));
  const auto requested_at = from_rfc3339(string_or(*json, "requested_at"));
  if (!id || !requested_at) return fail(Code::malformed, "a stored review lacks its id or time");
  question->review_id = *id;
  question->requested_at = *requested_at;
  if (!details.empty()) {
    auto parsed = parse_json(details);
    if (!parsed) return parsed.error();
    question->details = std::move(*parsed);
  }
  return question;
}

Json signed_decision_to_json(const SignedDecision& decision) {
  return {{"decision", decision.text}, {"key_id", decision.key_id}, {"signature", to_base64(decision.signature)}};
}

Json review_to_json(const Review& review) {
  Json out = question_to_json(review.question(), review.question().details);
  out["state"] = name(review.state());
  out["expires_at"] = to_rfc3339(review.question().expires_at());
  Json votes = Json::array();
  for (const Vote& vote : review.votes()) {
    Json entry{{"reviewer", vote.reviewer},
               {"verdict", name(vote.verdict)},
               {"reason", vote.reason},
               {"at", to_rfc3339(vote.at)}};
    if (vote.verdict == Verdict::approve) entry["grant"] = terms_to_json(vote.grant);
    votes.push_back(std::move(entry));
  }
  out["votes"] = std::move(votes);
  if (review.grant()) out["grant_expires_at"] = to_rfc3339(review.grant()->expires_at);
  if (review.decision()) out["decision"] = signed_decision_to_json(*review.decision());
  return out;
}

Json asked_to_json(const Question& question) {
  return {{"required", question.required}, {"reviewers", question.reviewers}, {"grant", terms_to_json(question.terms)}};
}

Json status_to_json(const ReviewStatus& status) {
  // Before the decision is on record it is nobody's to act on, so the review still looks pending.
  const bool hidden = status.decision.has_value() && !status.announced;
  Json out{{"review_id", to_text(status.review_id)}, {"state", name(hidden ? ReviewState::pending : status.state)}};
  if (status.decision && !hidden) out["decision"] = signed_decision_to_json(*status.decision);
  return out;
}

}  // namespace holdpoint::approvals
