#include "approvals/eligibility.hpp"

#include <algorithm>

#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

bool contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool is_member(const identity::Principal& principal, const config::ReviewerGroup& group) {
  return contains(group.subjects, principal.name()) ||
         std::any_of(principal.groups.begin(), principal.groups.end(),
                     [&](const std::string& name) { return contains(group.groups, name); });
}

}  // namespace

bool is_reviewer(const identity::Principal& principal, const config::Document& document,
                 const std::vector<std::string>& names) {
  return std::any_of(document.reviewers.begin(), document.reviewers.end(), [&](const auto& entry) {
    return (names.empty() || contains(names, entry.first)) && is_member(principal, entry.second);
  });
}

bool is_revoked(const std::string& principal, const config::Document& document) {
  return contains(document.revoked.principals, principal);
}

Result<void> may_vote(const Question& question, const identity::Principal& reviewer, const config::Document& document) {
  if (reviewer.issuer.empty() || reviewer.subject.empty() || !is_name(reviewer.name())) {
    return fail(Code::unauthenticated, "a vote needs a verified reviewer");
  }
  if (reviewer.name() == question.principal) return fail(Code::denied, "nobody decides on their own request");
  if (is_revoked(reviewer.name(), document)) {
    return fail(Code::revoked, "the reviewer's access has been revoked");
  }
  if (!is_reviewer(reviewer, document, question.reviewers)) {
    return fail(Code::denied, reviewer.name() + " is in none of the groups that may decide on this review");
  }
  return {};
}

}  // namespace holdpoint::approvals
