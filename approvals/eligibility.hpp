// Who may vote on a review: members of the reviewers' groups that the policy names, never the requester. Pure.
#pragma once

#include "approvals/review.hpp"
#include "bus/base/result.hpp"
#include "bus/config/document.hpp"
#include "bus/identity/principal.hpp"

namespace holdpoint::approvals {

/// Fails with `denied` (own request; in none of the groups; a group that the configuration no longer has counts as
/// empty) or `revoked`.
Result<void> may_vote(const Question& question, const identity::Principal& reviewer, const config::Document& document);

/// True for a member of any reviewers' group, or of one of `names`: whom the console lets in.
bool is_reviewer(const identity::Principal& principal, const config::Document& document,
                 const std::vector<std::string>& names = {});

bool is_revoked(const std::string& principal, const config::Document& document);

}  // namespace holdpoint::approvals
