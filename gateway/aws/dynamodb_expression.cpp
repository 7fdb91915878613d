#include "gateway/aws/dynamodb_expression.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kExpressionBytesMax = std::size_t{16} << 10;  // DynamoDB takes 4 KB

struct Token {
  enum class Kind { name, placeholder, value, number, symbol };
  Kind kind;
  std::string_view text;  ///< a placeholder's with "#", a value's with ":"
};
using Tokens = std::vector<Token>;

bool is_decimal(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_decimal(c); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The token at the front; empty text where there is none that DynamoDB knows.
Token next_token(std::string_view text) {
  const char first = text.front();
  const auto with_word = [&](std::size_t from, Token::Kind kind) {
    std::size_t end = from;
    while (end < text.size() && is_name_part(text[end])) ++end;
    return Token{kind, end == from ? std::string_view() : text.substr(0, end)};
  };
  if (is_name_start(first)) return with_word(0, Token::Kind::name);
  if (first == '#') return with_word(1, Token::Kind::placeholder);
  if (first == ':') return with_word(1, Token::Kind::value);
  if (is_decimal(first)) {
    const Token number = with_word(0, Token::Kind::number);
    return std::ranges::all_of(number.text, is_decimal) ? number : Token{Token::Kind::number, {}};
  }
  for (const std::string_view two : {"<=", ">=", "<>"}) {
    if (text.starts_with(two)) return {Token::Kind::symbol, text.substr(0, 2)};
  }
  constexpr std::string_view kSymbols = "=<>(),+-.[]";
  return {Token::Kind::symbol, kSymbols.find(first) == std::string_view::npos ? std::string_view() : text.substr(0, 1)};
}

std::optional<Tokens> tokens_of(std::string_view text) {
  if (text.size() > kExpressionBytesMax) return std::nullopt;
  Tokens tokens;
  while (true) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    if (text.empty()) return tokens;
    tokens.push_back(next_token(text));
    if (tokens.back().text.empty()) return std::nullopt;
    text.remove_prefix(tokens.back().text.size());
  }
}

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::ranges::any_of(words, [&](std::string_view word) { return equal_ignoring_case(word, text); });
}

// Words that DynamoDB reserves: no attribute can stand in an expression under one of these names.
constexpr std::array<std::string_view, 9> kKeywords{"and", "or",     "not", "between", "in",
                                                    "set", "remove", "add", "delete"};
constexpr std::array<std::string_view, 8> kFunctions{
    "size",           "contains",      "begins_with", "attribute_exists", "attribute_not_exists",
    "attribute_type", "if_not_exists", "list_append"};

}  // namespace

std::optional<std::vector<std::string>> expression_attributes(std::string_view expression, const Json& names) {
  const auto tokens = tokens_of(expression);
  if (!tokens) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const Token& token = (*tokens)[i];
    if (token.kind != Token::Kind::name && token.kind != Token::Kind::placeholder) continue;
    if (i > 0 && (*tokens)[i - 1].text == ".") continue;  // below the first level
    std::string name(token.text);
    if (token.kind == Token::Kind::placeholder) {
      const auto found = names.is_object() ? names.find(name) : names.end();
      if (found == names.end() || !found->is_string()) return std::nullopt;
      name = found->get<std::string>();
    } else if (is_among(kKeywords, name)) {
      continue;
    } else if (i + 1 < tokens->size() && (*tokens)[i + 1].text == "(") {
      if (!is_among(kFunctions, name)) return std::nullopt;
      continue;
    }
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

std::optional<std::vector<Json>> expression_equalities(std::string_view expression, const Json& values) {
  const auto tokens = tokens_of(expression);
  if (!tokens) return std::nullopt;
  std::vector<Json> out;
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    if ((*tokens)[i].text != "=") continue;
    const Token* value = nullptr;
    if (i > 0 && (*tokens)[i - 1].kind == Token::Kind::value) value = &(*tokens)[i - 1];
    if (i + 1 < tokens->size() && (*tokens)[i + 1].kind == Token::Kind::value) value = &(*tokens)[i + 1];
    if (value == nullptr || !values.is_object()) return std::nullopt;
    const auto found = values.find(std::string(value->text));
    if (found == values.end()) return std::nullopt;
    out.push_back(*found);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

}  // namespace holdpoint::aws
