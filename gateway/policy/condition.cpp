#include "gateway/policy/condition.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "bus/config/suggestion.hpp"

namespace holdpoint::policy {
namespace {

constexpr std::size_t kValuesMax = 1000;  // IAM's whole policy is smaller

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// The forms of W3C's note on ISO 8601 (YYYY, YYYY-MM, YYYY-MM-DD, with hh:mm or hh:mm:ss), or epoch seconds.
std::optional<Instant> parse_date(std::string_view text) {
  const bool digits_only = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits_only && text.size() > 4 && text.size() <= 11) {
    return from_unix_seconds(static_cast<std::int64_t>(*parse_number(text)));
  }
  std::string full(text);
  if (digits_only && text.size() == 4) full += "-01-01T00:00:00Z";
  if (text.size() == 7) full += "-01T00:00:00Z";
  if (text.size() == 10) full += "T00:00:00Z";
  // YYYY-MM-DDThh:mm and then Z or an offset: the seconds are missing.
  if (text.size() > 16 && text[10] == 'T' && text[13] == ':' && text[16] != ':') full.insert(16, ":00");
  return from_rfc3339(full);
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

}  // namespace

bool AddressRange::contains(const AddressRange& address) const {
  if (bytes.size() != address.bytes.size()) return false;
  for (unsigned bit = 0; bit < prefix_bits; bit += 8) {
    const unsigned left = std::min(8u, prefix_bits - bit);
    const auto mask = static_cast<unsigned char>(0xff << (8 - left));
    const auto difference = static_cast<unsigned char>(bytes[bit / 8] ^ address.bytes[bit / 8]);
    if ((difference & mask) != 0) return false;
  }
  return true;
}

std::optional<AddressRange> parse_address(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  AddressRange out;
  out.bytes.resize(16);
  if (host.find('\0') != std::string::npos) return std::nullopt;
  if (::inet_pton(AF_INET, host.c_str(), out.bytes.data()) == 1) {
    out.bytes.resize(4);
  } else if (::inet_pton(AF_INET6, host.c_str(), out.bytes.data()) != 1) {
    return std::nullopt;
  }
  const auto bits_max = static_cast<unsigned>(out.bytes.size() * 8);
  out.prefix_bits = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), out.prefix_bits);
    if (error != std::errc() || end != bits.data() + bits.size() || out.prefix_bits > bits_max) return std::nullopt;
  }
  static const std::string mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (out.bytes.size() == 16 && out.bytes.starts_with(mapped) && out.prefix_bits >= 96) {
    out.bytes.erase(0, 12);
    out.prefix_bits -= 96;
  }
  return out;
}

Result<Condition> Condition::parse(std::string_view operator_name, std::string_view key,
                                   const std::vector<std::string>& values, bool variables) {
  struct Operator {
    std::string_view name;
    Kind kind;
    Relation relation = Relation::equal;
    bool negated = false;
    bool wildcards = false;
    bool ignore_case = false;
  };
  static constexpr std::array<Operator, 27> kOperators = {{
      {"StringEquals", Kind::string},
      {"StringNotEquals", Kind::string, Relation::equal, true},
      {"StringEqualsIgnoreCase", Kind::string, Relation::equal, false, false, true},
      {"StringNotEqualsIgnoreCase", Kind::string, Relation::equal, true, false, true},
      {"StringLike", Kind::string, Relation::equal, false, true},
      {"StringNotLike", Kind::string, Relation::equal, true, true},
      {"NumericEquals", Kind::number},
      {"NumericNotEquals", Kind::number, Relation::equal, true},
      {"NumericLessThan", Kind::number, Relation::less},
      {"NumericLessThanEquals", Kind::number, Relation::less_equal},
      {"NumericGreaterThan", Kind::number, Relation::greater},
      {"NumericGreaterThanEquals", Kind::number, Relation::greater_equal},
      {"DateEquals", Kind::date},
      {"DateNotEquals", Kind::date, Relation::equal, true},
      {"DateLessThan", Kind::date, Relation::less},
      {"DateLessThanEquals", Kind::date, Relation::less_equal},
      {"DateGreaterThan", Kind::date, Relation::greater},
      {"DateGreaterThanEquals", Kind::date, Relation::greater_equal},
      {"Bool", Kind::boolean},
      {"BinaryEquals", Kind::binary},
      {"IpAddress", Kind::address},
      {"NotIpAddress", Kind::address, Relation::equal, true},
      {"ArnEquals", Kind::arn, Relation::equal, false, true},
      {"ArnLike", Kind::arn, Relation::equal, false, true},
      {"ArnNotEquals", Kind::arn, Relation::equal, true, true},
      {"ArnNotLike", Kind::arn, Relation::equal, true, true},
      {"Null", Kind::null},
  }};
  Condition out;
  out.operator_name_ = std::string(operator_name);
  out.key_ = to_lower(key);
  std::string_view base = operator_name;
  const auto take_prefix = [&](std::string_view prefix) {
    if (base.size() < prefix.size() || !equal_ignoring_case(base.substr(0, prefix.size()), prefix)) return false;
    base.remove_prefix(prefix.size());
    return true;
  };
  if (take_prefix("ForAllValues:")) {
    out.set_ = Set::all;
  } else if (take_prefix("ForAnyValue:")) {
    out.set_ = Set::any;
  }
  constexpr std::string_view kIfExists = "IfExists";
  if (base.size() > kIfExists.size() && equal_ignoring_case(base.substr(base.size() - kIfExists.size()), kIfExists)) {
    out.if_exists_ = true;
    base.remove_suffix(kIfExists.size());
  }
  const auto* found =
      std::ranges::find_if(kOperators, [&](const Operator& o) { return equal_ignoring_case(o.name, base); });
  if (found == kOperators.end()) {
    std::vector<std::string_view> names;
    for (const auto& known : kOperators) names.push_back(known.name);
    return fail(Code::malformed, "unknown condition operator \"" + display(operator_name, 80) + "\"" +
                                     config::did_you_mean(base, names));
  }
  out.kind_ = found->kind;
  out.relation_ = found->relation;
  out.negated_ = found->negated;
  out.ignore_case_ = found->ignore_case;
  if (out.kind_ == Kind::null && (out.if_exists_ || out.set_ != Set::none)) {
    return fail(Code::malformed, "Null takes neither IfExists nor a set qualifier");
  }
  const bool known_shape = !out.key_.empty() && out.key_.find(':') != std::string::npos;
  if (!known_shape) return fail(Code::malformed, "\"" + display(key, 80) + "\" is no condition key (prefix:Name)");
  if (const auto read = out.read_values(values, found->wildcards, found->ignore_case, variables); !read) {
    return read.error();
  }
  return out;
}

Result<void> Condition::read_values(const std::vector<std::string>& values, bool wildcards, bool ignore_case,
                                    bool variables) {
  if (values.empty()) return fail(Code::malformed, "a condition needs at least one value");
  if (values.size() > kValuesMax) return fail(Code::malformed, "a condition has more than 1000 values");
  const auto wrong = [&](const std::string& value, const char* expected) {
    return fail(Code::malformed,
                "\"" + display(value, 80) + "\" is no " + expected + ", which " + operator_name_ + " compares with");
  };
  for (const auto& value : values) {
    switch (kind_) {
      case Kind::string:
      case Kind::arn: {
        auto pattern = Pattern::parse(value, {wildcards, variables, ignore_case});
        if (!pattern) return pattern.error();
        const bool is_arn = value.starts_with("arn:") && std::ranges::count(value, ':') >= 5;
        if (kind_ == Kind::arn && !is_arn && !pattern->has_variables() && !pattern->matches_everything()) {
          return wrong(value, "ARN");
        }
        patterns_.push_back(std::move(*pattern));
        break;
      }
      case Kind::number: {
        const auto number = parse_number(value);
        if (!number) return wrong(value, "number");
        numbers_.push_back(*number);
        break;
      }
      case Kind::date: {
        const auto instant = parse_date(value);
        if (!instant) return wrong(value, "date (ISO 8601 or epoch seconds)");
        instants_.push_back(*instant);
        break;
      }
      case Kind::boolean:
      case Kind::null: {
        const auto flag = parse_boolean(value);
        if (!flag) return wrong(value, "true or false");
        if (values.size() > 1) return fail(Code::malformed, operator_name_ + " takes one value");
        flag_ = *flag;
        break;
      }
      case Kind::binary: {
        auto blob = from_base64(value);
        if (!blob) return wrong(value, "base64");
        blobs_.push_back(std::move(*blob));
        break;
      }
      case Kind::address: {
        const auto range = parse_address(value);
        if (!range) return wrong(value, "address or CIDR range");
        ranges_.push_back(*range);
        break;
      }
    }
  }
  return {};
}

template <class Number>
bool Condition::related(Number value, Number bound) const {
  switch (relation_) {
    case Relation::equal:
      return value == bound;
    case Relation::less:
      return value < bound;
    case Relation::less_equal:
      return value <= bound;
    case Relation::greater:
      return value > bound;
    case Relation::greater_equal:
      return value >= bound;
  }
  return false;
}

Condition::Outcome Condition::compare_patterns(const std::string& value, const Context& context) const {
  Outcome outcome = Outcome::no;
  const std::string& text = ignore_case_ ? to_lower(value) : value;
  for (const auto& pattern : patterns_) {
    const auto match = kind_ == Kind::arn ? pattern.match_arn(text, context) : pattern.match(text, context);
    if (match == Pattern::Match::yes) return Outcome::yes;
    if (match == Pattern::Match::unresolved) outcome = Outcome::unresolved;
  }
  return outcome;
}

Condition::Outcome Condition::compare(const std::string& value, const Context& context) const {
  const auto any = [](bool found) { return found ? Outcome::yes : Outcome::no; };
  switch (kind_) {
    case Kind::string:
    case Kind::arn:
      return compare_patterns(value, context);
    case Kind::number: {
      const auto number = parse_number(value);
      if (!number) return Outcome::malformed;
      return any(std::ranges::any_of(numbers_, [&](double bound) { return related(*number, bound); }));
    }
    case Kind::date: {
      const auto instant = parse_date(value);
      if (!instant) return Outcome::malformed;
      return any(std::ranges::any_of(instants_, [&](Instant bound) { return related(*instant, bound); }));
    }
    case Kind::boolean: {
      const auto flag = parse_boolean(value);
      return flag ? any(*flag == flag_) : Outcome::malformed;
    }
    case Kind::binary: {
      const auto blob = from_base64(value);
      return blob ? any(std::ranges::find(blobs_, *blob) != blobs_.end()) : Outcome::malformed;
    }
    case Kind::address: {
      const auto address = parse_address(value);
      if (!address) return Outcome::malformed;
      return any(std::ranges::any_of(ranges_, [&](const AddressRange& range) { return range.contains(*address); }));
    }
    case Kind::null:
      break;
  }
  return Outcome::no;
}

bool Condition::satisfied(const std::string& value, const Context& context, Side side) const {
  switch (compare(value, context)) {
    case Outcome::yes:
      return !negated_;
    case Outcome::no:
      return negated_;
    case Outcome::unresolved:
      return negated_ && side == Side::restriction;
    case Outcome::malformed:
      return side == Side::restriction;
  }
  return false;
}

bool Condition::holds_when_absent() const {
  if (kind_ == Kind::null) return flag_;
  if (if_exists_ || set_ == Set::all) return true;
  return negated_ && set_ == Set::none;
}

bool Condition::holds(const Context& context, Side side) const {
  const auto knowledge = context.knowledge(key_);
  const bool unknown =
      knowledge == Context::Knowledge::unknown ||
      std::ranges::any_of(patterns_, [&](const Pattern& pattern) { return pattern.needs_unknown(context); });
  if (unknown) return side == Side::restriction;
  const auto values = context.values(key_);
  if (kind_ == Kind::null) return values.empty() == flag_;
  if (values.empty()) return holds_when_absent();
  const auto fits = [&](const std::string& value) { return satisfied(value, context, side); };
  const bool plain = set_ == Set::none || knowledge == Context::Knowledge::among;
  const bool every = plain ? side == Side::permit : set_ == Set::all;
  return every ? std::ranges::all_of(values, fits) : std::ranges::any_of(values, fits);
}

std::string Condition::to_text() const { return operator_name_ + " " + key_; }

}  // namespace holdpoint::policy
