#include "gateway/policy/place.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "bus/base/json.hpp"

namespace holdpoint::policy {
namespace {

// Walks over JSON that is known to be valid; every step is bounds-checked all the same.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}
  [[nodiscard]] std::size_t position() const { return position_; }
  char peek() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool take(char expected) {
    if (peek() != expected) return false;
    ++position_;
    return true;
  }
  std::string_view string() {  // with its quotes
    peek();
    const std::size_t start = position_++;
    while (position_ < text_.size() && text_[position_] != '"') position_ += text_[position_] == '\\' ? 2 : 1;
    position_ = std::min(position_ + 1, text_.size());
    return text_.substr(start, position_ - start);
  }
  void value() {
    int depth = 0;
    do {
      const char next = peek();
      if (next == '\0') return;
      if (next == '"') {
        string();
        continue;
      }
      if (next == '{' || next == '[') ++depth;
      if (next == '}' || next == ']') --depth;
      ++position_;
      if (std::string_view("{}[],:").find(next) == std::string_view::npos) {
        position_ = std::min(text_.find_first_of(" \t\r\n{}[],:\"", position_), text_.size());
      }
    } while (depth > 0);
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

// Moves to the member or element `token` of the value ahead.
bool descend(Walker& walker, const std::string& token) {
  if (walker.take('{')) {
    while (walker.peek() == '"') {
      const auto key = parse_json(walker.string());
      if (!key || !walker.take(':')) return false;
      if (key->is_string() && key->get<std::string>() == token) return true;
      walker.value();
      if (!walker.take(',')) return false;
    }
    return false;
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || end != token.data() + token.size() || !walker.take('[')) return false;
  for (; index > 0; --index) {
    walker.value();
    if (!walker.take(',')) return false;
  }
  return true;
}

std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const std::string_view pair = token.substr(i, 2);
    if (pair == "~1" || pair == "~0") {
      out += pair == "~1" ? '/' : '~';
      ++i;
    } else {
      out += token[i];
    }
  }
  return out;
}

}  // namespace

std::size_t line_of_byte(std::string_view text, std::size_t position) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, position), '\n'));
}

std::size_t line_of_pointer(std::string_view text, std::string_view pointer) {
  Walker walker(text);
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (!descend(walker, unescape(token))) return 0;
  }
  walker.peek();
  return line_of_byte(text, walker.position());
}

}  // namespace holdpoint::policy
