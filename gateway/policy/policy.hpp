// An IAM policy, compiled once: nothing is parsed when a request is decided.
//
// The language is IAM's JSON, read strictly (an unknown member is an error with its place), plus on statements of role
// policies: Effect Hold with Review, the obligations Mask and Record, and Unmask. Limits are not supported yet, and
// refused.
//
// Not here: deciding (engine.hpp), whether the policy makes sense (lint.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"
#include "gateway/policy/condition.hpp"
#include "gateway/policy/decision.hpp"
#include "gateway/policy/pattern.hpp"

namespace holdpoint::policy {

/// Whom a statement of a trust policy is about.
struct PrincipalPattern {
  enum class Kind { anybody, federated, aws } kind = Kind::anybody;
  std::string value;  ///< issuer name, url or provider ARN; role ARN, account root ARN or account id
};

struct Statement {
  std::string name;   ///< Sid, or "#3" (counted from 1)
  std::string place;  ///< JSON pointer: "/Statement/2"
  std::size_t line = 0;
  Effect effect = Effect::deny;  ///< allow, hold or deny
  bool not_actions = false;
  std::vector<Pattern> actions;  ///< compared in lower case
  bool not_resources = false;
  std::vector<Pattern> resources;  ///< empty in trust policies
  std::vector<Condition> conditions;
  std::vector<PrincipalPattern> principals;  ///< of trust policies alone
  ReviewTerms review;
  std::vector<std::string> mask;  ///< empty = nothing said
  bool record_metadata = false;
  std::vector<std::string> unmask;  ///< classes that stay as they are in answers, until `unmask_until`
  Instant unmask_until{};

  [[nodiscard]] Side side() const { return effect == Effect::allow ? Side::permit : Side::restriction; }
  /// `action` in lower case.
  [[nodiscard]] bool covers_action(std::string_view action, const Context& context) const;
  /// Whether it does so by the action's whole name, no wildcard in it.
  [[nodiscard]] bool names_action(std::string_view action) const;
  /// A `resource` with wildcards in its name ("…:table/*") is one that the request leaves open: a permit covers it when
  /// it covers all that it may be, a restriction when it covers any. "*" alone is IAM's own: an action without
  /// resource.
  [[nodiscard]] bool covers_resource(std::string_view resource, const Context& context) const;
  /// Whether a permit would cover it too: false for a restriction that covers only some of what `resource` may be.
  [[nodiscard]] bool covers_whole_resource(std::string_view resource, const Context& context) const;
  [[nodiscard]] bool conditions_hold(const Context& context) const;
};

/// A role's own policy; a session policy (AWS's language alone, no Hold and no obligations, since an agent wrote it); a
/// trust policy (principals instead of resources).
enum class PolicyKind { role, session, trust };

class Policy {
 public:
  /// Fails with `configuration`: "NAME:LINE: /Statement/0/Action: what was expected". At most 256 KiB.
  static Result<Policy> parse(std::string name, std::string_view text, PolicyKind kind = PolicyKind::role);

  [[nodiscard]] const std::string& name() const { return data_->name; }
  [[nodiscard]] const std::vector<Statement>& statements() const { return data_->statements; }
  [[nodiscard]] PolicyKind kind() const { return data_->kind; }
  /// The line (from 1) on which the member at `pointer` stands; 0 when there is none.
  [[nodiscard]] std::size_t line_of(std::string_view pointer) const;

 private:
  struct Data {
    std::string name;
    std::string text;
    PolicyKind kind;
    std::vector<Statement> statements;
  };
  std::shared_ptr<const Data> data_;
};

}  // namespace holdpoint::policy
