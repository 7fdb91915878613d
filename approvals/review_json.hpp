// The review as JSON: in from a gateway, out to people, gateways and the record (PROTOCOL.md, "reviews"). Pure.
#pragma once

#include "approvals/review.hpp"

namespace holdpoint::approvals {

/// A digest, principal or group: 1 to 1024 bytes of UTF-8 without control characters (NUL would end it in SQL).
bool is_name(std::string_view text);

/// What the gateway sent as "review". Times are ours: `requested_at` is `now`. Fails with `malformed`, naming the
/// member, or `too_large`.
Result<Question> question_from_json(const Json& review, Instant now);
/// The exact texts that are stored, what is decided by and the details apart, and back. Without its details a question
/// has none, or those that its text holds: both were one text once.
std::string question_to_text(const Question& question);
std::string details_to_text(const Question& question);
Result<Question> question_from_text(std::string_view text, std::string_view details = {});

/// Everything that people may see.
Json review_to_json(const Review& review);
/// {"review_id","state","decision"?}: all that a gateway is told. `announced`: the decision is on record.
Json status_to_json(const ReviewStatus& status);
/// {"required","reviewers","grant"}: what people are asked, for the gateway to hold against its policy.
Json asked_to_json(const Question& question);
Json signed_decision_to_json(const SignedDecision& decision);

/// {"kind":"once"} or {"kind":"for","for_s":n}; fails with `malformed`.
Result<GrantTerms> terms_from_json(const Json& value);
Json terms_to_json(const GrantTerms& terms);

}  // namespace holdpoint::approvals
