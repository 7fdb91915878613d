#include "bus/base/json_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "bus/base/text.hpp"

namespace holdpoint {
namespace {

// Bytes that stand for themselves in a string.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = plain_bytes();

// Length of the well-formed sequence at the front (Unicode table 3-7), 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool good = continues(1) && (first != 0xe0 || second >= 0xa0) && (first != 0xed || second <= 0x9f);
    return good && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool good = continues(1) && (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second <= 0x8f);
    return good && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void append_utf8(unsigned point, std::string& out) {
  const auto put = [&out](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      put(0xe0 | (point >> 12));
    } else {
      put(0xf0 | (point >> 18));
      put(0x80 | ((point >> 12) & 0x3f));
    }
    put(0x80 | ((point >> 6) & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Seventeen digits tell every double from its neighbours; SDKs write no more. Zeros at either end say nothing.
bool fits_double(std::string_view number) {
  constexpr std::size_t kDigitsMax = 17;
  std::string digits;
  for (const char c : number.substr(0, number.find_first_of("eE"))) {
    if (is_digit(c) && (c != '0' || !digits.empty())) digits.push_back(c);
  }
  return digits.find_last_not_of('0') + 1 <= kDigitsMax;
}

bool is_zero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_not_of("-0.") == std::string_view::npos;
}

}  // namespace

Result<Json> JsonReader::read() {
  Json root;
  skip_space();
  if (!value(root)) return std::move(error_);
  skip_space();
  if (at_ != text_.size()) {
    invalid();
    return std::move(error_);
  }
  return root;
}

bool JsonReader::invalid() {
  error_ = fail(Code::malformed, "invalid JSON at byte " + std::to_string(at_ + 1));
  return false;
}

void JsonReader::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
}

bool JsonReader::take(char wanted) {
  if (peek() != wanted) return invalid();
  ++at_;
  return true;
}

bool JsonReader::open() {
  if (depth_ == limits_.depth_max) {
    error_ = fail(Code::too_large, "JSON nested deeper than " + std::to_string(limits_.depth_max));
    return false;
  }
  ++depth_;
  ++at_;
  skip_space();
  return true;
}

bool JsonReader::value(Json& out) {
  switch (peek()) {
    case '{':
      return object(out);
    case '[':
      return array(out);
    case '"': {
      std::string read;
      if (!text(read)) return false;
      out = std::move(read);
      return true;
    }
    case 't':
      out = true;
      return word("true");
    case 'f':
      out = false;
      return word("false");
    case 'n':
      out = nullptr;
      return word("null");
    default:
      return number(out);
  }
}

bool JsonReader::object(Json& out) {
  if (!open()) return false;
  out = Json::object();
  auto& members = out.get_ref<Json::object_t&>();
  if (peek() == '}') {
    ++at_;
    --depth_;
    return true;
  }
  for (;;) {
    std::string name;
    if (peek() != '"') return invalid();
    if (!text(name)) return false;
    const auto [place, inserted] = members.try_emplace(std::move(name));
    if (!inserted) {
      error_ = fail(Code::malformed, "duplicate key \"" + display(place->first, 80) + "\"");
      return false;
    }
    skip_space();
    if (!take(':')) return false;
    skip_space();
    if (!value(place->second)) return false;
    skip_space();
    if (peek() != ',') break;
    ++at_;
    skip_space();
  }
  --depth_;
  return take('}');
}

bool JsonReader::array(Json& out) {
  if (!open()) return false;
  out = Json::array();
  auto& elements = out.get_ref<Json::array_t&>();
  if (peek() == ']') {
    ++at_;
    --depth_;
    return true;
  }
  for (;;) {
    if (!value(elements.emplace_back())) return false;
    skip_space();
    if (peek() != ',') break;
    ++at_;
    skip_space();
  }
  --depth_;
  return take(']');
}

bool JsonReader::word(std::string_view rest) {
  for (const char c : rest) {
    if (!take(c)) return false;
  }
  return true;
}

// Whole numbers stay whole while they fit 64 bits; everything else is a double, as long as it is finite.
bool JsonReader::number(Json& out) {
  const std::size_t begin = at_;
  const auto digits = [this] {
    if (!is_digit(peek())) return invalid();
    while (is_digit(peek())) ++at_;
    return true;
  };
  const bool negative = peek() == '-';
  if (negative) ++at_;
  if (peek() == '0') {
    ++at_;
  } else if (!digits()) {
    return false;
  }
  bool whole = true;
  if (peek() == '.') {
    whole = false;
    ++at_;
    if (!digits()) return false;
  }
  if (peek() == 'e' || peek() == 'E') {
    whole = false;
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!digits()) return false;
  }
  const char* const first = text_.data() + begin;
  const char* const last = text_.data() + at_;
  if (whole && negative) {
    std::int64_t number = 0;
    if (std::from_chars(first, last, number).ec == std::errc()) {
      out = number;
      return true;
    }
  } else if (whole) {
    std::uint64_t number = 0;
    if (std::from_chars(first, last, number).ec == std::errc()) {
      out = number;
      return true;
    }
  }
  double real = 0;
  // Out of range is said of numbers too small as well; those are zero or nearly so.
  if (std::from_chars(first, last, real).ec != std::errc())
    real = std::strtod(std::string(first, last).c_str(), nullptr);
  if (!std::isfinite(real)) {
    error_ = fail(Code::malformed, "number out of range at byte " + std::to_string(at_));
    return false;
  }
  if (limits_.exact_numbers && (!fits_double({first, last}) || (real == 0 && !is_zero({first, last})))) {
    error_ = fail(Code::malformed, "number with more digits than a double holds at byte " + std::to_string(at_));
    return false;
  }
  out = real;
  return true;
}

bool JsonReader::text(std::string& out) {
  ++at_;
  for (;;) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
    out.append(text_, begin, at_ - begin);
    const char c = peek();
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      ++at_;
      if (!escape(out)) return false;
      continue;
    }
    const std::size_t length = utf8_length(text_.substr(at_));
    if (length == 0) return invalid();
    out.append(text_, at_, length);
    at_ += length;
  }
}

bool JsonReader::escape(std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = peek();
  if (const std::size_t known = c == '\0' ? std::string_view::npos : kNames.find(c); known != std::string_view::npos) {
    ++at_;
    out.push_back(kMeanings[known]);
    return true;
  }
  unsigned point = 0;
  if (!take('u') || !code_unit(point)) return false;
  if (point >= 0xdc00 && point <= 0xdfff) return invalid();
  if (point >= 0xd800 && point <= 0xdbff) {
    unsigned low = 0;
    if (!take('\\') || !take('u') || !code_unit(low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return invalid();
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(point, out);
  return true;
}

bool JsonReader::code_unit(unsigned& out) {
  const std::size_t begin = at_;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = peek();
    if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return invalid();
  }
  std::from_chars(text_.data() + begin, text_.data() + at_, out, 16);
  return true;
}

}  // namespace holdpoint
