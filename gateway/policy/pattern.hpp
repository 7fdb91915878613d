// One text of a policy that is compared with what a request brings: literals, the wildcards `*` and `?`, and policy
// variables. What a variable is replaced with is always literal: a `*` in a user's name matches a `*` alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"

namespace holdpoint::policy {

/// Where conditions and variables find what they ask for.
class Context {
 public:
  virtual ~Context() = default;
  /// The values of a condition key, its name in lower case; empty = the key is not in the request.
  [[nodiscard]] virtual std::vector<std::string> values(std::string_view key) const = 0;

  /// What `values` is worth: all that the key has; more than that, with the key's own among them; or nothing, because
  /// only the target knows.
  enum class Knowledge { exact, among, unknown };
  [[nodiscard]] virtual Knowledge knowledge(std::string_view) const { return Knowledge::exact; }
};

class Pattern {
 public:
  struct Syntax {
    bool wildcards = true;
    bool variables = true;     ///< `${key}`, `${key, 'default'}`, `${*}`, `${?}`, `${$}`; policies of 2012-10-17
    bool ignore_case = false;  ///< ASCII letters
  };
  /// Fails with `malformed` for a variable that is not closed, has no key or a default without quotes.
  static Result<Pattern> parse(std::string_view text, Syntax syntax);

  /// `unresolved`: a variable's key is absent (and has no default) or has several values, so nothing can match.
  enum class Match { no, yes, unresolved };

  /// The whole of `text`; a `?` is one character of UTF-8. With ignore_case `text` must come in lower case.
  [[nodiscard]] Match match(std::string_view text, const Context& context) const;
  /// Whether some text fits both this pattern and `wild`, whose own `*` and `?` stand for what the request leaves open
  /// ("…:table/*"). An unresolved variable may match. Errs towards true where characters beyond ASCII meet a `?`.
  [[nodiscard]] bool may_match(std::string_view wild, const Context& context) const;
  /// As ARN operators compare: each of the six parts by itself, so that a wildcard never reaches across a colon.
  [[nodiscard]] Match match_arn(std::string_view arn, const Context& context) const;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool has_variables() const { return has_variables_; }
  [[nodiscard]] bool has_wildcards() const;
  /// "*" (or "**").
  [[nodiscard]] bool matches_everything() const;
  /// The literal text in front of the first wildcard or variable.
  [[nodiscard]] std::string_view literal_prefix() const;
  /// Whether a variable's value is one that only the target knows.
  [[nodiscard]] bool needs_unknown(const Context& context) const;
  /// Keys of its variables, in lower case.
  [[nodiscard]] std::vector<std::string> variables() const;

 private:
  enum class Kind { literal, star, any, variable };
  struct Piece {
    Kind kind;
    std::string text;                     // of a literal; of a variable its key
    std::optional<std::string> fallback;  // of a variable
  };
  struct Token {
    Kind kind;
    std::string_view literal;
  };
  [[nodiscard]] bool resolve(const Context& context, std::vector<std::string>& storage,
                             std::vector<Token>& tokens) const;
  static bool glob(const Token* tokens, std::size_t count, std::string_view text);

  std::string text_;
  std::vector<Piece> pieces_;
  bool ignore_case_ = false;
  bool has_variables_ = false;
};

}  // namespace holdpoint::policy
