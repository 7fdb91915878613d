#include "gateway/review/decision.hpp"

#include "bus/base/json.hpp"

namespace holdpoint::review {
namespace {

using operation::Decided;
using operation::Verdict;

constexpr std::string_view kDomain = "holdpoint-decision-v1\n";

Result<std::string> signed_text(const Json& carried, const config::Document& document) {
  auto text = get_string(carried, "decision");
  if (!text) return text.error();
  const config::PeerKey* key = document.key(string_or(carried, "key_id"));
  if (key == nullptr || key->revoked || key->role != wire::Role::approvals)
    return fail(Code::tampered, "the decision is not signed by a key of an approvals process");
  const auto signature = from_base64(string_or(carried, "signature"));
  if (!signature || !verify_ed25519(key->sign_public, std::string(kDomain) + *text, *signature))
    return fail(Code::tampered, "the decision's signature does not fit");
  return text;
}

Result<Decided> approved(const Json& decision, Instant now) {
  const auto grant = decision.find("grant");
  if (grant == decision.end() || !grant->is_object()) return fail(Code::malformed, "the decision has no grant");
  const auto not_before = from_rfc3339(string_or(*grant, "not_before"));
  const auto expires_at = from_rfc3339(string_or(*grant, "expires_at"));
  const auto count = get_int(*grant, "count");
  const std::string kind = string_or(*grant, "kind");
  if (!not_before || !expires_at || !count || (kind != "once" && kind != "for"))
    return fail(Code::malformed, "the decision's grant is malformed");
  if ((kind == "once" && *count != 1) || (kind == "for" && *count < 0))
    return fail(Code::tampered, "the decision's grant permits nothing");
  if (now >= *expires_at) return Decided{Verdict::expired, "the grant has expired"};
  // Clocks of two machines differ a little; a grant that is not valid yet by a second is.
  if (now + std::chrono::seconds(5) < *not_before) return fail(Code::tampered, "the decision's grant is not valid yet");
  return Decided{Verdict::approved, string_or(decision, "reason")};
}

}  // namespace

Result<Decided> verify_decision(const Json& carried, const config::Document& document, const Expected& expected,
                                Instant now) {
  if (!carried.is_object()) return fail(Code::malformed, "the decision is not an object");
  const auto text = signed_text(carried, document);
  if (!text) return text.error();
  const auto decision = parse_json(*text);
  if (!decision) return decision.error();
  if (string_or(*decision, "deployment") != document.deployment)
    return fail(Code::tampered, "the decision is of another deployment");
  if (string_or(*decision, "review_id") != expected.review_id)
    return fail(Code::tampered, "the decision is of another review");
  if (!constant_time_equal(string_or(*decision, "digest"), expected.digest))
    return fail(Code::tampered, "the decision is about another operation");
  const std::string verdict = string_or(*decision, "verdict");
  if (verdict == "rejected") return Decided{Verdict::rejected, string_or(*decision, "reason")};
  if (verdict == "approved") return approved(*decision, now);
  return fail(Code::malformed, "the decision's verdict is unknown");
}

}  // namespace holdpoint::review
