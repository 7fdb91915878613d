#include "gateway/policy/pattern.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "bus/base/encoding.hpp"

namespace holdpoint::policy {
namespace {

// The first character's length; a byte that begins no well-formed character counts as one.
std::size_t character_bytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (length == 1 || text.size() < length) return 1;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  }
  return length;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

constexpr std::size_t kArnParts = 6;

// A glob as a row of symbols: bytes, and two that are none.
constexpr int kStar = -1;
constexpr int kAny = -2;
using Symbols = std::vector<int>;

void append_literal(Symbols& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<unsigned char>(c));
}

bool is_ascii(const Symbols& symbols) {
  return std::ranges::all_of(symbols, [](int symbol) { return symbol < 0x80; });
}

bool agree(int one, int other) { return one == kAny || other == kAny || one == other; }

// Whether `wild`, a glob that begins and ends with a star, fits `text`, which has none: each of its pieces in turn at
// the first place where it can be. A `?` of the text is one character that nothing else decides about.
bool contains_pieces(std::span<const int> wild, std::span<const int> text) {
  while (true) {
    while (!wild.empty() && wild.front() == kStar) wild = wild.subspan(1);
    if (wild.empty()) return true;
    const auto piece = wild.first(static_cast<std::size_t>(std::ranges::find(wild, kStar) - wild.begin()));
    const auto found = std::ranges::search(text, piece, agree);
    if (found.empty()) return false;
    text = {found.end(), text.end()};
    wild = wild.subspan(piece.size());
  }
}

// Whether two globs have a text in common. In time |a| x |b| at worst, and as good as linear for names of resources.
bool intersect(std::span<const int> a, std::span<const int> b) {
  // What both say without a star must agree, from either end.
  while (!a.empty() && !b.empty() && a.front() != kStar && b.front() != kStar) {
    if (!agree(a.front(), b.front())) return false;
    a = a.subspan(1);
    b = b.subspan(1);
  }
  while (!a.empty() && !b.empty() && a.back() != kStar && b.back() != kStar) {
    if (!agree(a.back(), b.back())) return false;
    a = a.first(a.size() - 1);
    b = b.first(b.size() - 1);
  }
  const auto is_star = [](int symbol) { return symbol == kStar; };
  if (a.empty()) return std::ranges::all_of(b, is_star);
  if (b.empty()) return std::ranges::all_of(a, is_star);
  // *X and Y* share YX.
  if (a.front() == kStar && b.back() == kStar) return true;
  if (b.front() == kStar && a.back() == kStar) return true;
  // One has a star at both ends, the other at neither: P*Q takes all of the first into its own star.
  const auto wild = a.front() == kStar ? a : b;
  const auto text = a.front() == kStar ? b : a;
  return std::ranges::any_of(text, is_star) || contains_pieces(wild, text);
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text, Syntax syntax) {
  Pattern out;
  out.text_ = std::string(text);
  out.ignore_case_ = syntax.ignore_case;
  const auto add_literal = [&](std::string_view part) {
    if (out.pieces_.empty() || out.pieces_.back().kind != Kind::literal) out.pieces_.push_back({Kind::literal, {}, {}});
    out.pieces_.back().text += syntax.ignore_case ? to_lower(part) : std::string(part);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (syntax.wildcards && text[i] == '*') {
      if (out.pieces_.empty() || out.pieces_.back().kind != Kind::star) out.pieces_.push_back({Kind::star, {}, {}});
    } else if (syntax.wildcards && text[i] == '?') {
      out.pieces_.push_back({Kind::any, {}, {}});
    } else if (syntax.variables && text.substr(i).starts_with("${")) {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) return fail(Code::malformed, "a variable ${…} is not closed");
      const std::string_view inside = text.substr(i + 2, end - i - 2);
      i = end;
      if (inside == "*" || inside == "?" || inside == "$") {
        add_literal(inside);
        continue;
      }
      const std::size_t comma = inside.find(',');
      const std::string_view key = trim(inside.substr(0, comma));
      if (key.empty() || key.find_first_of(" {$'") != std::string_view::npos) {
        return fail(Code::malformed, "a variable ${…} names no condition key");
      }
      Piece piece{Kind::variable, to_lower(key), {}};
      if (comma != std::string_view::npos) {
        const std::string_view fallback = trim(inside.substr(comma + 1));
        if (fallback.size() < 2 || fallback.front() != '\'' || fallback.back() != '\'') {
          return fail(Code::malformed, "a variable's default must stand in single quotes: ${key, 'default'}");
        }
        piece.fallback = std::string(fallback.substr(1, fallback.size() - 2));
      }
      out.has_variables_ = true;
      out.pieces_.push_back(std::move(piece));
    } else {
      add_literal(text.substr(i, 1));
    }
  }
  return out;
}

bool Pattern::resolve(const Context& context, std::vector<std::string>& storage, std::vector<Token>& tokens) const {
  tokens.reserve(pieces_.size());
  storage.reserve(pieces_.size());  // views into it must survive its growth
  for (const auto& piece : pieces_) {
    if (piece.kind != Kind::variable) {
      tokens.push_back({piece.kind, piece.text});
      continue;
    }
    if (context.knowledge(piece.text) == Context::Knowledge::unknown) return false;
    auto values = context.values(piece.text);
    if (values.size() > 1 || (values.empty() && !piece.fallback)) return false;
    std::string value = values.empty() ? *piece.fallback : std::move(values.front());
    storage.push_back(ignore_case_ ? to_lower(value) : std::move(value));
    tokens.push_back({Kind::literal, storage.back()});
  }
  return true;
}

bool Pattern::glob(const Token* tokens, std::size_t count, std::string_view text) {
  std::size_t token = 0;
  std::size_t position = 0;
  // Where to go on after the last star when what follows it does not fit: only the last one ever needs to grow.
  std::size_t star_token = count;
  std::size_t star_position = 0;
  bool has_star = false;
  while (true) {
    if (token == count && position == text.size()) return true;
    if (token < count) {
      const Token& current = tokens[token];
      if (current.kind == Kind::star) {
        has_star = true;
        star_token = ++token;
        star_position = position;
        if (token == count) return true;
        continue;
      }
      const std::string_view rest = text.substr(position);
      if (current.kind == Kind::any && !rest.empty()) {
        position += character_bytes(rest);
        ++token;
        continue;
      }
      if (current.kind == Kind::literal && rest.starts_with(current.literal)) {
        position += current.literal.size();
        ++token;
        continue;
      }
    }
    if (!has_star || star_position >= text.size()) return false;
    star_position += character_bytes(text.substr(star_position));
    position = star_position;
    token = star_token;
  }
}

Pattern::Match Pattern::match(std::string_view text, const Context& context) const {
  std::vector<std::string> storage;
  std::vector<Token> tokens;
  if (!resolve(context, storage, tokens)) return Match::unresolved;
  return glob(tokens.data(), tokens.size(), text) ? Match::yes : Match::no;
}

bool Pattern::may_match(std::string_view wild, const Context& context) const {
  std::vector<std::string> storage;
  std::vector<Token> tokens;
  if (!resolve(context, storage, tokens)) return true;
  Symbols mine;
  for (const Token& token : tokens) {
    if (token.kind == Kind::literal) {
      append_literal(mine, token.literal);
    } else {
      mine.push_back(token.kind == Kind::star ? kStar : kAny);
    }
  }
  Symbols theirs;
  append_literal(theirs, wild);
  std::ranges::replace(theirs, int{'*'}, kStar);
  std::ranges::replace(theirs, int{'?'}, kAny);
  if (!is_ascii(mine) || !is_ascii(theirs)) {
    std::ranges::replace(mine, kAny, kStar);
    std::ranges::replace(theirs, kAny, kStar);
  }
  return intersect(mine, theirs);
}

Pattern::Match Pattern::match_arn(std::string_view arn, const Context& context) const {
  std::vector<std::string> storage;
  std::vector<Token> tokens;
  if (!resolve(context, storage, tokens)) return Match::unresolved;
  // The pattern's parts: literals are cut at the first five colons.
  std::array<std::vector<Token>, kArnParts> parts;
  std::size_t part = 0;
  for (const Token& token : tokens) {
    std::string_view rest = token.literal;
    if (token.kind != Kind::literal) {
      parts[part].push_back(token);
      continue;
    }
    for (std::size_t colon = 0; part + 1 < kArnParts && (colon = rest.find(':')) != std::string_view::npos; ++part) {
      parts[part].push_back({Kind::literal, rest.substr(0, colon)});
      rest.remove_prefix(colon + 1);
    }
    parts[part].push_back({Kind::literal, rest});
  }
  if (part + 1 < kArnParts) return matches_everything() ? Match::yes : Match::no;
  for (std::size_t i = 0; i < kArnParts; ++i) {
    const std::size_t colon = i + 1 < kArnParts ? arn.find(':') : arn.size();
    if (colon == std::string_view::npos) return Match::no;
    if (!glob(parts[i].data(), parts[i].size(), arn.substr(0, colon))) return Match::no;
    arn.remove_prefix(std::min(colon + 1, arn.size()));
  }
  return Match::yes;
}

bool Pattern::has_wildcards() const {
  return std::ranges::any_of(pieces_, [](const Piece& p) { return p.kind == Kind::star || p.kind == Kind::any; });
}

bool Pattern::matches_everything() const { return pieces_.size() == 1 && pieces_[0].kind == Kind::star; }

std::string_view Pattern::literal_prefix() const {
  return pieces_.empty() || pieces_[0].kind != Kind::literal ? std::string_view() : std::string_view(pieces_[0].text);
}

bool Pattern::needs_unknown(const Context& context) const {
  return has_variables_ && std::ranges::any_of(pieces_, [&](const Piece& piece) {
           return piece.kind == Kind::variable && context.knowledge(piece.text) == Context::Knowledge::unknown;
         });
}

std::vector<std::string> Pattern::variables() const {
  std::vector<std::string> out;
  for (const auto& piece : pieces_) {
    if (piece.kind == Kind::variable) out.push_back(piece.text);
  }
  return out;
}

}  // namespace holdpoint::policy
