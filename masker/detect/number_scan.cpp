#include "masker/detect/number_scan.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "masker/detect/ascii.hpp"
#include "masker/detect/key_cache.hpp"
#include "masker/detect/numbers.hpp"

namespace holdpoint::masker {
namespace {

enum : std::uint8_t { other = 0, digit_byte = 1, letter_byte = 2 };
constexpr auto kinds = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = digit_byte;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = letter_byte;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = letter_byte;
  for (std::size_t c = 128; c < 256; ++c) table[c] = letter_byte;  // UTF-8 letters
  table['_'] = letter_byte;
  return table;
}();
std::uint8_t kind_of(char c) { return kinds[static_cast<unsigned char>(c)]; }

/// Most bytes are letters and punctuation: eight are looked at together.
std::size_t next_digit(std::string_view text, std::size_t at) {
  constexpr std::uint64_t each = 0x0101010101010101U;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, sizeof eight);
    const std::uint64_t from_zero = eight ^ each * '0';  // a digit is below 10 now
    const std::uint64_t others = (((from_zero & each * 0x7f) + each * (0x80 - 10)) | from_zero) & each * 0x80;
    if (others != each * 0x80) break;
  }
  while (at < text.size() && kind_of(text[at]) != digit_byte) ++at;
  return at;
}

// The longest shape is an IBAN of 34 in groups of four.
constexpr std::size_t group_bytes_max = 44;

/// Digits with single separators between them, from `begin` on.
struct Group {
  std::array<char, group_bytes_max> digits{};
  std::size_t count = 0;                   ///< digits
  std::array<std::uint8_t, 12> runs{};     ///< lengths of the runs of digits
  std::array<std::size_t, 12> run_ends{};  ///< offset behind each run
  std::size_t run_count = 0;
  char separator = 0;  ///< 0: none; 'm': mixed
  std::size_t end = 0;
};

bool is_separator(char c) { return c == ' ' || c == '-' || c == '.'; }

Group read_group(std::string_view text, std::size_t begin) {
  Group group;
  std::size_t at = begin;
  while (at < text.size() && group.run_count < group.runs.size()) {
    std::uint8_t run = 0;
    while (at < text.size() && is_digit(text[at])) {
      if (group.count < group_bytes_max) group.digits[group.count] = text[at];
      if (group.count < 255) ++group.count;
      if (run < 255) ++run;
      ++at;
    }
    group.runs[group.run_count] = run;
    group.run_ends[group.run_count++] = at;
    group.end = at;
    if (at + 1 >= text.size() || !is_separator(text[at]) || !is_digit(text[at + 1])) break;
    if (group.separator == 0) group.separator = text[at];
    if (group.separator != text[at]) group.separator = 'm';
    ++at;
  }
  return group;
}

class Scanner {
 public:
  Scanner(std::string_view text, NumberOptions options, Candidates& out) : text_(text), options_(options), out_(out) {}

  void run() {
    std::size_t at = 0;
    while (at < text_.size()) {
      at = next_digit(text_, at);
      if (at >= text_.size()) return;
      at = number(at);
    }
  }

 private:
  /// The first offset that has not been judged.
  std::size_t number(std::size_t begin) {
    if (begin >= 2 && is_upper(text_[begin - 1]) && is_upper(text_[begin - 2]) && boundary(begin - 2)) {
      if (const std::size_t end = iban(begin - 2); end != 0) return end;
      if (const std::size_t end = nino(begin - 2); end != 0) return end;
    }
    if (begin > 0 && kind_of(text_[begin - 1]) == letter_byte) return skip_word(begin);
    if (const std::size_t end = short_number(begin); end != 0) return end;
    const Group group = read_group(text_, begin);
    if (group.count < 9) {
      if (group.count == 3 && begin > 0 && text_[begin - 1] == '(') return area_code(begin);
      return group.end;
    }
    if (!boundary(begin) || !closed(group.end)) return judge_tail(group, begin);
    if (judge(group, begin)) return group.end;
    return judge_tail(group, begin);
  }

  /// Behind a number that is too short for anything and goes on with nothing; 0 for others. Most are of this kind.
  [[nodiscard]] std::size_t short_number(std::size_t begin) const {
    std::size_t end = begin;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    if (end - begin >= 9 || (end - begin == 3 && begin > 0 && text_[begin - 1] == '(')) return 0;
    const bool goes_on = end + 1 < text_.size() && is_separator(text_[end]) && is_digit(text_[end + 1]);
    return goes_on ? 0 : end;
  }

  /// "(212) 555-0123", from the digit behind the parenthesis.
  std::size_t area_code(std::size_t begin) {
    constexpr std::string_view shape = "ddd) ddd-dddd";
    std::size_t at = begin;
    for (std::size_t i = 0; i < shape.size(); ++i, ++at) {
      if (shape[i] == ' ' && at < text_.size() && text_[at] != ' ') {
        --at;  // "(212)555-0123"
        continue;
      }
      if (at >= text_.size()) return begin + 3;
      if (shape[i] == 'd'
              ? !is_digit(text_[at])
              : (shape[i] == '-' ? text_[at] != '-' && text_[at] != ' ' && text_[at] != '.' : text_[at] != shape[i])) {
        return begin + 3;
      }
    }
    if (!options_.phones || !closed(at)) return begin + 3;
    add(begin - 1, at, Class::phone, "phone");
    return at;
  }

  /// "12 4111 1111 1111 1111": an unrelated number in front is left out.
  std::size_t judge_tail(const Group& group, std::size_t begin) {
    if (group.run_count < 2) return skip_word(group.end);
    const std::size_t next = group.run_ends[0] + 1;
    return next > begin ? next : group.end;
  }

  std::size_t skip_word(std::size_t at) const {
    while (at < text_.size() && kind_of(text_[at]) != other) ++at;
    return at;
  }

  /// Nothing before `at` makes it the inside of a longer token.
  [[nodiscard]] bool boundary(std::size_t at) const {
    if (at == 0) return true;
    const char before = text_[at - 1];
    if (kind_of(before) != other) return false;
    if (before == '-' || before == '.' || before == '/' || before == '#' || before == '$') {
      return at < 2 || (kind_of(text_[at - 2]) == other && before == '-');
    }
    if (before == '%' || before == '\\') return false;
    return true;
  }
  [[nodiscard]] bool closed(std::size_t end) const {
    if (end >= text_.size()) return true;
    const char next = text_[end];
    if (kind_of(next) != other) return false;
    if (next == '.' || next == '-' || next == '/') return end + 1 >= text_.size() || kind_of(text_[end + 1]) == other;
    return next != '%' || end + 2 >= text_.size();
  }

  bool judge(const Group& group, std::size_t begin) {
    const std::string_view digits(group.digits.data(), group.count < group_bytes_max ? group.count : group_bytes_max);
    if (group.separator == '-' && group.run_count == 3 && group.runs[0] == 3 && group.runs[1] == 2 &&
        group.runs[2] == 4) {
      if (is_ssn(digits) && !context_harmless(begin)) return add(begin, group.end, Class::ssn, "ssn");
      return true;
    }
    if (card_grouping(group) && is_card(digits) && !(group.separator == 0 && harmless(begin))) {
      return add(begin, group.end, Class::card, "card");
    }
    if (group.count == 11 && group.run_count == 4 && group.runs[0] == 3 && group.runs[1] == 3 && group.runs[2] == 3 &&
        is_cpf(digits)) {
      return add(begin, group.end, Class::national_id, "cpf");
    }
    if (group.count == 12 && group.run_count == 3 && group.runs[0] == 4 && group.runs[1] == 4 &&
        group.separator != '.' && is_aadhaar(digits)) {
      return add(begin, group.end, Class::national_id, "aadhaar");
    }
    return options_.phones && phone(group, begin, digits);
  }

  static bool card_grouping(const Group& group) {
    if (group.count < 13 || group.count > 19) return false;
    if (group.separator == 0) return true;
    if (group.separator == '.' || group.separator == 'm') return false;
    // 4-4-4-4, 4-6-5, 4-6-4 and the like: three to five groups of at least three.
    if (group.run_count < 3 || group.run_count > 5) return false;
    for (std::size_t i = 0; i < group.run_count; ++i) {
      if (group.runs[i] < 3 || group.runs[i] > 7) return false;
    }
    return true;
  }

  bool phone(const Group& group, std::size_t begin, std::string_view digits) {
    std::size_t first = begin;
    const bool plus = begin > 0 && text_[begin - 1] == '+';
    if (plus) {
      if (begin >= 2 && kind_of(text_[begin - 2]) != other) return false;
      --first;
      if (digits[0] == '0' || group.count < 9 || group.count > 15) return false;
      return add(first, group.end, Class::phone, "phone");
    }
    // North American: 212-555-0123, 212.555.0123, 1-212-555-0123, 212 555 0123.
    const std::size_t skip = group.run_count == 4 && group.runs[0] == 1 && digits[0] == '1' ? 1 : 0;
    if (group.run_count == skip + 3 && group.runs[skip] == 3 && group.runs[skip + 1] == 3 &&
        group.runs[skip + 2] == 4 && digits[skip] >= '2' && !options_.harmless && !context_harmless(begin)) {
      return add(first, group.end, Class::phone, "phone");
    }
    return false;
  }

  /// From the country code on; the offset behind it, 0 when it is none.
  std::size_t iban(std::size_t begin) {
    const unsigned length = iban_length(text_.substr(begin, 2));
    if (length == 0) return 0;
    std::array<char, 34> compact{};
    unsigned count = 0;
    std::size_t at = begin;
    while (at < text_.size() && count < length) {
      const char c = text_[at];
      if (is_digit(c) || is_upper(c)) {
        compact[count++] = c;
      } else if (!((c == ' ' || c == '-') && count % 4 == 0)) {
        return 0;
      }
      ++at;
    }
    if (count != length || (at < text_.size() && kind_of(text_[at]) != other)) return 0;
    if (!is_iban({compact.data(), count})) return 0;
    add(begin, at, Class::iban, "iban");
    return at;
  }

  std::size_t nino(std::size_t begin) {
    std::array<char, 9> compact{};
    std::size_t count = 0;
    std::size_t at = begin;
    while (at < text_.size() && count < 9) {
      if (kind_of(text_[at]) != other) {
        compact[count++] = text_[at];
      } else if (text_[at] != ' ' || count < 2 || count % 2 != 0) {
        return 0;
      }
      ++at;
    }
    if (count != 9 || !closed(at) || !is_nino({compact.data(), 9}) || harmless(begin)) return 0;
    add(begin, at, Class::national_id, "nino");
    return at;
  }

  /// By the enclosing name, or by the word in front: "order=…", "ref …".
  [[nodiscard]] bool harmless(std::size_t begin) const { return options_.harmless || context_harmless(begin); }

  [[nodiscard]] bool context_harmless(std::size_t begin) const {
    std::size_t end = begin;
    while (end > 0 && begin - end < 4 && kind_of(text_[end - 1]) == other && text_[end - 1] != '\n') --end;
    std::size_t start = end;
    while (start > 0 && end - start < 32 && (kind_of(text_[start - 1]) != other || text_[start - 1] == '-')) --start;
    return start < end && known_keys().facts(text_.substr(start, end - start)).key.hint == Hint::harmless;
  }

  bool add(std::size_t begin, std::size_t end, Class kind, std::string_view rule) {
    out_.push_back({begin, end, kind, rule});
    return true;
  }

  std::string_view text_;
  NumberOptions options_;
  Candidates& out_;
};

}  // namespace

void scan_numbers(std::string_view text, NumberOptions options, Candidates& out) { Scanner(text, options, out).run(); }

}  // namespace holdpoint::masker
