// What policy says about one operation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bus/base/time.hpp"

namespace holdpoint::policy {

/// In order of strictness: a deny beats a hold beats an allow beats the implicit deny.
enum class Effect { allow, hold, deny, implicit_deny };

/// What a Hold statement asks of people.
struct ReviewTerms {
  std::vector<std::string> reviewers;  ///< groups of the configuration's `reviewers`; empty = any of them
  unsigned required = 1;               ///< distinct people
  Duration within = std::chrono::minutes(15);
  std::optional<Duration> grant_for;  ///< nullopt = once
  std::string reason;
};

/// A class that one statement leaves unmasked in answers, up to a time.
struct Unmask {
  std::string mask_class;
  Instant until{};
  std::string policy;
  std::string statement;
};

struct Obligations {
  std::vector<std::string> mask;  ///< "default", "off", or classes; empty = what the configuration says
  bool record_full = true;        ///< "Record": "metadata" makes it false
  std::vector<Unmask> unmask;     ///< what every pair of the call leaves; empty = nothing
};

struct Decision {
  Effect effect = Effect::implicit_deny;
  std::string policy;     ///< the policy's name, empty for the implicit deny
  std::string statement;  ///< Sid, or "#3" (counted from 1)
  std::string reason;     ///< for people: which pair, which statement, what to do next
  ReviewTerms review;     ///< when effect is hold
  Obligations obligations;
};

}  // namespace holdpoint::policy
