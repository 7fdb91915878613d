// What an operator looks for beside the detectors: literals and bounded expressions, compiled once for many documents.
// Every match is masked as it stands, without a confirming look; overlapping matches of one rule are one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"
#include "masker/detect/candidate.hpp"

namespace holdpoint::masker {

struct PatternRule {
  bool is_literal = false;
  std::string text;  ///< the literal's bytes, or the expression (PCRE's syntax without look-around and back-references)
  Class kind = Class::secret;
  std::string name;  ///< the finding's rule
};

class Patterns {
 public:
  /// Fails with `malformed` on an expression that does not compile, that fits less than 4 bytes (it would mask
  /// everything) or more than 256 (a value is found whole or not at all).
  static Result<std::shared_ptr<const Patterns>> compile(std::vector<PatternRule> rules);
  /// The same; remembers the newest sets of this thread, since an operator's rules come with every request.
  static Result<std::shared_ptr<const Patterns>> compiled(const std::vector<PatternRule>& rules);

  /// Appends in no order; false when the scan failed (then nothing may pass). The candidates' rules live as long as
  /// this.
  bool find(std::string_view text, Candidates& out) const;

  ~Patterns();
  Patterns(const Patterns&) = delete;
  Patterns& operator=(const Patterns&) = delete;

 private:
  struct Database;
  explicit Patterns(std::vector<PatternRule> rules);

  std::vector<PatternRule> rules_;
  std::unique_ptr<Database> database_;
};

}  // namespace holdpoint::masker
