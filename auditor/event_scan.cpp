#include "auditor/event_scan.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bus/record/event_limits.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::size_t kMembersMax = 48;  // of one object: each name is compared with all others
constexpr std::size_t kDigitsMax = 18;   // fit 64 bits
constexpr std::size_t kTokenBytesMax = 64;
constexpr std::string_view kEscapes = "\"\\/bfnrt";
constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";

enum class Byte : std::uint8_t { plain, ends, refused, wide };
constexpr auto kBytes = [] {
  std::array<Byte, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = Byte::refused;
  for (std::size_t c = 0x80; c < 256; ++c) table[c] = Byte::wide;
  table['"'] = Byte::ends;
  table['\\'] = Byte::ends;
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Length and first bytes: unlike keys are unlike names.
std::uint64_t key_of(std::string_view name) {
  std::uint64_t key = 0;
  std::memcpy(&key, name.data(), std::min<std::size_t>(name.size(), 7));
  return key << 8 | (name.size() & 0xff);
}

class EventScanner {
 public:
  EventScanner(BytesView text, std::vector<EventMember>& out) : text_(text), out_(out) {}

  bool run() {
    if (text_.size() > record::kEventLimits.bytes_max) return false;
    skip_space();
    if (peek() != '{' || !object(Level::event)) return false;
    skip_space();
    return at_ == text_.size();
  }

 private:
  enum class Level { event, data, deeper };

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  bool value(EventMember& member, bool is_data) {
    switch (peek()) {
      case '{':
        return object(is_data ? Level::data : Level::deeper);
      case '[':
        member.kind = EventMember::Kind::list;
        return array(member.size);
      case '"':
        member.kind = EventMember::Kind::text;
        return string(member.text, member.escaped);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(member);
    }
  }

  bool object(Level level) {
    if (++depth_ > record::kEventLimits.depth_max) return false;
    ++at_;
    skip_space();
    const std::size_t first = names_.size();
    if (peek() != '}') {
      do {
        skip_space();
        EventMember member;
        bool escaped = false;
        if (peek() != '"' || !string(member.name, escaped) || escaped || !is_new(member.name, first)) return false;
        skip_space();
        if (!take(':')) return false;
        skip_space();
        if (!value(member, level == Level::event && member.name == "data")) return false;
        if (level != Level::deeper) {
          member.of_data = level == Level::data;
          out_.push_back(member);
        }
        skip_space();
      } while (take(','));
    }
    names_.resize(first);
    --depth_;
    return take('}');
  }

  bool is_new(std::string_view name, std::size_t first) {
    if (names_.size() - first == kMembersMax) return false;
    const std::uint64_t key = key_of(name);
    for (std::size_t i = first; i < names_.size(); ++i) {
      if (names_[i].key == key && names_[i].name == name) return false;
    }
    names_.push_back({key, name});
    return true;
  }

  bool array(std::size_t& size) {
    if (++depth_ > record::kEventLimits.depth_max) return false;
    ++at_;
    skip_space();
    if (peek() != ']') {
      do {
        skip_space();
        EventMember element;
        if (!value(element, false)) return false;
        ++size;
        skip_space();
      } while (take(','));
    }
    --depth_;
    return take(']');
  }

  bool string(std::string_view& inside, bool& escaped) {
    const std::size_t begin = ++at_;
    bool ascii = true;
    while (true) {
      while (at_ < text_.size() && kBytes[static_cast<unsigned char>(text_[at_])] == Byte::plain) ++at_;
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') break;
      if (kBytes[static_cast<unsigned char>(c)] == Byte::refused) return false;
      if (c == '\\') {
        if (++at_ >= text_.size() || kEscapes.find(text_[at_]) == std::string_view::npos) return false;
        escaped = true;
      } else {
        ascii = false;
      }
      ++at_;
    }
    inside = text_.substr(begin, at_++ - begin);
    return ascii || is_utf8(inside);
  }

  bool word(std::string_view rest) {
    if (text_.substr(at_, rest.size()) != rest) return false;
    at_ += rest.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number(EventMember& member) {
    const std::size_t begin = at_;
    if (peek() == '-') ++at_;
    const std::size_t first = at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (at_ - first > kDigitsMax) return false;
    if (peek() == '.') {
      ++at_;
      if (!digits() || at_ - begin > kTokenBytesMax) return false;
    } else {
      member.kind = EventMember::Kind::integer;
      member.text = text_.substr(begin, at_ - begin);
    }
    return peek() != 'e' && peek() != 'E';
  }

  struct Name {
    std::uint64_t key;
    std::string_view name;
  };
  BytesView text_;
  std::vector<EventMember>& out_;
  std::vector<Name> names_;  ///< of the objects that are open
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

bool scan_event(BytesView entry, std::vector<EventMember>& out) {
  out.clear();
  return EventScanner(entry, out).run();
}

std::string event_text(const EventMember& member) {
  if (!member.escaped) return std::string(member.text);
  std::string text;
  text.reserve(member.text.size());
  for (std::size_t at = 0; at < member.text.size(); ++at) {
    const char c = member.text[at];
    text.push_back(c == '\\' ? kMeanings[kEscapes.find(member.text[++at])] : c);
  }
  return text;
}

}  // namespace holdpoint::auditor
