// IAM's condition operators, compiled once: strings, numbers, dates, booleans, binary, addresses, ARNs and Null, with
// `IfExists`, `ForAllValues:` and `ForAnyValue:`.
//
// Semantics are IAM's. Where IAM leaves a case open, the stricter reading for the statement's effect is taken: a permit
// does not apply, a restriction (Deny, Hold) does. That concerns a value of the request that is no number, date or
// address where one is compared; a key with several values under an operator without a set qualifier, or with more
// values than it really has; a negated comparison with a variable that cannot be resolved; and every key that only the
// target knows (a resource's tags), whatever the operator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/encoding.hpp"
#include "bus/base/time.hpp"
#include "gateway/policy/pattern.hpp"

namespace holdpoint::policy {

/// Which way doubt falls.
enum class Side { permit, restriction };

struct AddressRange {
  std::string bytes;  ///< 4 or 16
  unsigned prefix_bits = 0;
  [[nodiscard]] bool contains(const AddressRange& address) const;
};
/// An IPv4 or IPv6 address, with or without /bits; IPv4 within IPv6 (::ffff:…) counts as IPv4.
std::optional<AddressRange> parse_address(std::string_view text);

class Condition {
 public:
  /// `operator_name` as written ("ForAnyValue:StringLikeIfExists"); fails with `malformed`, suggesting the nearest.
  /// `variables`: whether the policy's version has them.
  static Result<Condition> parse(std::string_view operator_name, std::string_view key,
                                 const std::vector<std::string>& values, bool variables);

  [[nodiscard]] bool holds(const Context& context, Side side) const;

  [[nodiscard]] const std::string& key() const { return key_; }  ///< lower case
  [[nodiscard]] const std::string& operator_name() const { return operator_name_; }
  [[nodiscard]] const std::vector<Pattern>& patterns() const { return patterns_; }
  [[nodiscard]] bool is_null_test() const { return kind_ == Kind::null; }
  /// For a Null test: whether the key must be absent.
  [[nodiscard]] bool must_be_absent() const { return flag_; }
  /// Whether it can hold when the key is absent.
  [[nodiscard]] bool holds_when_absent() const;
  [[nodiscard]] bool has_set_qualifier() const { return set_ != Set::none; }
  [[nodiscard]] std::string to_text() const;

 private:
  enum class Kind { string, arn, number, date, boolean, binary, address, null };
  enum class Relation { equal, less, less_equal, greater, greater_equal };
  enum class Set { none, all, any };
  enum class Outcome { no, yes, unresolved, malformed };

  Result<void> read_values(const std::vector<std::string>& values, bool wildcards, bool ignore_case, bool variables);
  [[nodiscard]] Outcome compare(const std::string& value, const Context& context) const;
  [[nodiscard]] Outcome compare_patterns(const std::string& value, const Context& context) const;
  [[nodiscard]] bool satisfied(const std::string& value, const Context& context, Side side) const;
  template <class Number>
  [[nodiscard]] bool related(Number value, Number bound) const;

  std::string operator_name_;
  std::string key_;
  Kind kind_ = Kind::string;
  Relation relation_ = Relation::equal;
  Set set_ = Set::none;
  bool negated_ = false;
  bool if_exists_ = false;
  bool flag_ = false;  // of Bool and Null
  bool ignore_case_ = false;
  std::vector<Pattern> patterns_;
  std::vector<double> numbers_;
  std::vector<Instant> instants_;
  std::vector<Bytes> blobs_;
  std::vector<AddressRange> ranges_;
};

}  // namespace holdpoint::policy
