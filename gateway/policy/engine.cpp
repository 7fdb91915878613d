#include "gateway/policy/engine.hpp"

#include <algorithm>

#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"

namespace holdpoint::policy {
namespace {

struct Match {
  const Policy* policy;
  const Statement* statement;
  bool lifts = true;  // may take masks off: a Hold that only restricts may not
};

// What the policies say about one (action, resource) pair.
struct PairResult {
  const aws::Requirement* requirement = nullptr;
  Effect effect = Effect::implicit_deny;
  Match decided{nullptr, nullptr};  // null for what no statement decided
  std::vector<Match> holds;
  std::vector<Match> permits;  // holds and allows: their obligations count
  std::vector<Match> unmasks;  // permits that leave classes unmasked, on all of the resource, and still do
  bool by_session_policy = false;
  bool outside = false;  // held because the role holds what it does not allow
};

int strictness(Effect effect) {
  switch (effect) {
    case Effect::allow:
      return 0;
    case Effect::hold:
      return 1;
    case Effect::implicit_deny:
      return 2;
    case Effect::deny:
      return 3;
  }
  return 3;
}

// A restriction reaches what the resource may be as well. A permit goes by the name that the call gives, but one by
// NotResource must not reach what it leaves out.
bool covers(const Statement& statement, const aws::Requirement& requirement, const Context& context) {
  const bool named = statement.covers_resource(requirement.resource, context);
  if (requirement.may_be.empty()) return named;
  if (statement.side() == Side::restriction) return named || statement.covers_resource(requirement.may_be, context);
  return named && (!statement.not_resources || statement.covers_resource(requirement.may_be, context));
}

// Whether a permit would cover all of it; of what it may be as well too, where `also` says so.
bool covers_whole(const Statement& statement, const aws::Requirement& requirement, bool also, const Context& context) {
  if (!statement.covers_whole_resource(requirement.resource, context)) return false;
  const bool narrow = requirement.may_be.empty() || (!also && !statement.not_resources);
  return narrow || statement.covers_whole_resource(requirement.may_be, context);
}

bool applies(const Statement& statement, std::string_view action, const aws::Requirement& requirement,
             const Context& context) {
  return statement.covers_action(action, context) && covers(statement, requirement, context) &&
         statement.conditions_hold(context);
}

// What hands out credentials is permitted by name alone: whoever wrote "ecr:*" or "*" did not mean these.
bool permits(const Statement& statement, std::string_view action, aws::HandsOut hands_out) {
  return hands_out != aws::HandsOut::named || statement.names_action(action);
}

// Whether every condition holds as an Allow's would: what is unresolved or malformed does not.
bool conditions_permit(const Statement& statement, const Context& context) {
  return std::ranges::all_of(statement.conditions,
                             [&](const Condition& condition) { return condition.holds(context, Side::permit); });
}

PairResult decide_pair(std::span<const Policy> policies, const Request& request, const aws::Requirement& requirement) {
  const RequestContext context(request, &requirement);
  const std::string action = to_lower(requirement.action);
  PairResult out;
  out.requirement = &requirement;
  Match allow{nullptr, nullptr};
  // A Hold that covers only some of what an open resource may be, or names what hands out credentials by wildcards
  // alone, restricts, but does not permit.
  bool permitted = false;
  for (const auto& policy : policies) {
    for (const auto& statement : policy.statements()) {
      if (!applies(statement, action, requirement, context)) continue;
      Match match{&policy, &statement};
      if (statement.effect == Effect::deny) {
        out.effect = Effect::deny;
        out.decided = match;
        return out;
      }
      const bool named = permits(statement, action, request.operation->hands_out);
      if (!named && statement.effect == Effect::allow) continue;
      const bool whole = covers_whole(statement, requirement, false, context);
      match.lifts =
          named && covers_whole(statement, requirement, true, context) && conditions_permit(statement, context);
      out.permits.push_back(match);
      if (match.lifts && !statement.unmask.empty() && request.now < statement.unmask_until)
        out.unmasks.push_back(match);
      if (statement.effect == Effect::hold) {
        out.holds.push_back(match);
        permitted |= whole && named;
      }
      if (statement.effect == Effect::allow && allow.statement == nullptr) allow = match;
    }
  }
  if (!out.holds.empty() && (permitted || allow.statement != nullptr)) {
    out.effect = Effect::hold;
    out.decided = out.holds.front();
  } else if (allow.statement != nullptr) {
    out.effect = Effect::allow;
    out.decided = allow;
  } else if (request.outside_hold && request.operation->hands_out != aws::HandsOut::named) {
    out.effect = Effect::hold;
    out.outside = true;
  }
  return out;
}

std::string describe(const aws::Requirement& requirement) {
  return display(requirement.action, 128) +
         (requirement.resource == "*" ? std::string() : " on " + display(requirement.resource, 512));
}

std::string describe(const Match& match) {
  return "statement \"" + display(match.statement->name, 128) + "\" of " + display(match.policy->name(), 256);
}

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// Makes `terms` no weaker than `other`. False when there is no group that both name.
bool tighten(ReviewTerms& terms, const ReviewTerms& other) {
  terms.required = std::max(terms.required, other.required);
  terms.within = std::min(terms.within, other.within);
  if (!other.grant_for) {
    terms.grant_for.reset();
  } else if (terms.grant_for) {
    terms.grant_for = std::min(*terms.grant_for, *other.grant_for);
  }
  if (terms.reason.empty()) terms.reason = other.reason;
  if (other.reviewers.empty()) return true;  // anybody
  if (terms.reviewers.empty()) {
    terms.reviewers = other.reviewers;
    return true;
  }
  std::erase_if(terms.reviewers, [&](const std::string& group) {
    return std::ranges::find(other.reviewers, group) == other.reviewers.end();
  });
  return !terms.reviewers.empty();
}

void deny(Decision& decision, const Match& match, std::string reason) {
  decision = Decision{};
  decision.effect = Effect::deny;
  if (match.statement != nullptr) {
    decision.policy = match.policy->name();
    decision.statement = match.statement->name;
  }
  decision.reason = std::move(reason);
}

// The terms of all that holds any pair of the call, in `decision`; a deny where they contradict each other.
void merge_reviews(const std::vector<PairResult>& pairs, Decision& decision) {
  const Match* first = nullptr;
  bool any_outside = false;
  for (const auto& pair : pairs) {
    any_outside |= pair.outside;
    for (const auto& hold : pair.holds) {
      if (first == nullptr) {
        first = &hold;
        decision.review = hold.statement->review;
      } else if (!tighten(decision.review, hold.statement->review)) {
        return deny(decision, hold,
                    describe(*first) + " and " + describe(hold) +
                        " hold this call for different reviewers, so nobody can approve it: ask the policies' owner to "
                        "name a group that both accept");
      }
    }
  }
  if (any_outside) {
    const ReviewTerms outside{.reason = "outside the role's scope"};
    if (first == nullptr) {
      decision.review = outside;
    } else {
      tighten(decision.review, outside);
    }
  }
}

// Masks: within a pair what its statements name together ("off" only when nothing else is named); over several pairs
// the union, where a pair that says nothing stands for the configuration's default.
void merge_obligations(const std::vector<PairResult>& pairs, Obligations& out) {
  bool all_off = true;
  bool any_silent = false;
  for (const auto& pair : pairs) {
    std::vector<std::string> named;
    bool off = false;
    for (const auto& permit : pair.permits) {
      if (permit.statement->record_metadata) out.record_full = false;
      for (const auto& mask : permit.statement->mask) {
        if (mask == "off") {
          off |= permit.lifts;
        } else {
          named.push_back(mask);
        }
      }
    }
    if (!named.empty() || !off) all_off = false;
    any_silent |= named.empty() && !off;
    for (auto& mask : named) {
      if (std::ranges::find(out.mask, mask) == out.mask.end()) out.mask.push_back(std::move(mask));
    }
  }
  if (all_off) {
    out.mask = {"off"};
  } else if (any_silent && !out.mask.empty() && std::ranges::find(out.mask, "default") == out.mask.end()) {
    out.mask.push_back("default");
  }
}

// What one pair leaves unmasked. A statement that asks for masks takes the word of the others.
std::vector<Unmask> unmasks_of(const PairResult& pair) {
  std::vector<Unmask> out;
  const bool asked = std::ranges::any_of(pair.permits, [](const Match& permit) {
    return !permit.statement->mask.empty() && permit.statement->mask.front() != "off" &&
           permit.statement->unmask.empty();
  });
  if (asked) return out;
  for (const auto& [policy, statement, lifts] : pair.unmasks) {
    for (const auto& name : statement->unmask) {
      const auto same = std::ranges::find(out, name, &Unmask::mask_class);
      if (same == out.end()) {
        out.push_back({name, statement->unmask_until, policy->name(), statement->name});
      } else if (same->until < statement->unmask_until) {
        *same = {name, statement->unmask_until, policy->name(), statement->name};
      }
    }
  }
  return out;
}

// Only what every pair leaves, up to the earliest end.
void merge_unmasks(const std::vector<PairResult>& pairs, Obligations& out) {
  out.unmask = unmasks_of(pairs.front());
  for (const auto& pair : std::span(pairs).subspan(1)) {
    const auto others = unmasks_of(pair);
    std::erase_if(out.unmask, [&](Unmask& each) {
      const auto same = std::ranges::find(others, each.mask_class, &Unmask::mask_class);
      if (same != others.end() && same->until < each.until) each = *same;
      return same == others.end();
    });
  }
}

std::string reason_of(const PairResult& pair, const Request& request, const ReviewTerms& terms) {
  const std::string what = describe(*pair.requirement);
  const std::string role = display(request.role_arn, 256);
  switch (pair.effect) {
    case Effect::allow:
      return what + " is allowed by " + describe(pair.decided);
    case Effect::deny:
      return what + " is denied by " + describe(pair.decided) +
             (pair.by_session_policy ? ": it is this session's own policy; start a session without it"
                                     : "; no approval overrides it: ask the owner of that policy for an exception");
    case Effect::hold: {
      const std::string who = terms.reviewers.empty() ? "a reviewer" : list(terms.reviewers);
      const std::string count = terms.required == 1 ? "" : " (" + std::to_string(terms.required) + " people)";
      const std::string why = terms.reason.empty() ? "" : ": " + display(terms.reason, 500);
      if (pair.outside) return what + " is outside the scope of role " + role + " and waits for " + who + count;
      return what + " is held by " + describe(pair.decided) + " for " + who + count + why;
    }
    case Effect::implicit_deny:
      break;
  }
  if (pair.by_session_policy)
    return what + " is not allowed by this session's own policy; start a session that allows it";
  if (request.operation->hands_out == aws::HandsOut::named)
    return what + " would hand out credentials or signed URLs of the target, and no statement of role " + role +
           " names this action in full, without wildcards; even then they come masked";
  return what + " is allowed by no statement of role " + role +
         "; ask its owner for an Allow (or Hold) of this action on this resource";
}

std::vector<PairResult> decide_pairs(std::span<const Policy> policies, const Policy* session_policy,
                                     const Request& request) {
  std::vector<PairResult> pairs;
  pairs.reserve(request.operation->requirements.size());
  Request narrow;
  if (session_policy != nullptr) {
    narrow = request;
    narrow.outside_hold = false;
  }
  for (const auto& requirement : request.operation->requirements) {
    PairResult pair = decide_pair(policies, request, requirement);
    if (session_policy != nullptr) {
      PairResult own = decide_pair({session_policy, 1}, narrow, requirement);
      own.by_session_policy = true;
      if (own.effect != Effect::allow && strictness(own.effect) > strictness(pair.effect)) pair = std::move(own);
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

const char* name_of(Effect effect) {
  switch (effect) {
    case Effect::allow:
      return "Allow";
    case Effect::hold:
      return "Hold";
    case Effect::deny:
      return "Deny";
    case Effect::implicit_deny:
      return "implicit deny";
  }
  return "";
}

// Why a statement did not take part, or that it did.
std::string participation(const Statement& statement, const aws::Requirement& requirement, const Context& context,
                          aws::HandsOut hands_out) {
  if (!statement.covers_action(to_lower(requirement.action), context)) return "other actions";
  if (!covers(statement, requirement, context)) return "other resources";
  for (const auto& condition : statement.conditions) {
    if (!condition.holds(context, statement.side())) {
      std::string found;
      for (const auto& value : context.values(condition.key()))
        found += (found.empty() ? "" : ", ") + display(value, 128);
      const bool unknown = context.knowledge(condition.key()) == Context::Knowledge::unknown;
      const char* const nothing = unknown ? "only the target knows it" : "absent";
      return "condition " + condition.to_text() + " does not hold (" + (found.empty() ? nothing : found) + ")";
    }
  }
  if (statement.effect != Effect::deny && !permits(statement, to_lower(requirement.action), hands_out)) {
    return std::string(statement.effect == Effect::hold ? "applies, but permits nothing: " : "") +
           "hands out credentials: only a statement that names the action in full permits it";
  }
  return "applies";
}

}  // namespace

Decision evaluate(std::span<const Policy> policies, const Policy* session_policy, const Request& request) {
  Decision decision;
  if (request.operation->requirements.empty()) {
    decision.reason = "the call could not be understood as IAM actions on resources, so no policy can allow it";
    return decision;
  }
  const auto pairs = decide_pairs(policies, session_policy, request);
  const auto& strictest = *std::ranges::max_element(
      pairs, [](const PairResult& a, const PairResult& b) { return strictness(a.effect) < strictness(b.effect); });
  decision.effect = strictest.effect;
  if (strictest.decided.statement != nullptr) {
    decision.policy = strictest.decided.policy->name();
    decision.statement = strictest.decided.statement->name;
  }
  if (decision.effect == Effect::hold) merge_reviews(pairs, decision);
  if (decision.effect == Effect::hold || decision.effect == Effect::allow) {
    merge_obligations(pairs, decision.obligations);
    merge_unmasks(pairs, decision.obligations);
  }
  // merge_reviews may have turned the hold into a deny with a reason of its own.
  if (decision.reason.empty()) decision.reason = reason_of(strictest, request, decision.review);
  return decision;
}

std::string explain(std::span<const Policy> policies, const Policy* session_policy, const Request& request) {
  const Decision decision = evaluate(policies, session_policy, request);
  std::string out = std::string(name_of(decision.effect)) + ": " + decision.reason + "\n";
  for (const auto& requirement : request.operation->requirements) {
    const RequestContext context(request, &requirement);
    out += "\n" + describe(requirement) + "\n";
    const auto show = [&](const Policy& policy) {
      for (const auto& statement : policy.statements()) {
        out += "  " + display(policy.name(), 256) + ":" + std::to_string(statement.line) + "  " +
               name_of(statement.effect) + " \"" + display(statement.name, 128) +
               "\": " + participation(statement, requirement, context, request.operation->hands_out) + "\n";
      }
    };
    for (const auto& policy : policies) show(policy);
    if (session_policy != nullptr) show(*session_policy);
  }
  return out;
}

}  // namespace holdpoint::policy
