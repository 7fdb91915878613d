#include "masker/detect/named_text.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "bus/base/encoding.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/detect/harmless.hpp"
#include "masker/detect/key_cache.hpp"
#include "masker/detect/named_value.hpp"
#include "masker/detect/triggers.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t value_bytes_max = 64 << 10;
constexpr ByteSet line_ends("\r\n");
constexpr ByteSet bare_ends(" \t\x1b");
constexpr ByteSet blanks(" \t");
constexpr ByteSet command_ends("\n\r|");
constexpr ByteSet argument_ends(" \"'\\");

KeyClass known_key(std::string_view name) { return known_keys().facts(name).key; }

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_name_byte(char c) { return in_alphabet(c, '.'); }

/// Where the bytes of a value begin and end, and how it is introduced.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool separated = false;  ///< by ":" or "=", as opposed to a space
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// Terminal colours between a name and its value are part of neither.
  [[nodiscard]] std::size_t skip_escapes(std::size_t at) const {
    while (at + 1 < text_.size() && text_[at] == '\x1b' && text_[at + 1] == '[') {
      std::size_t stop = at + 2;
      while (stop < text_.size() && stop < at + 16 && !in_alphabet(text_[stop], 'a')) ++stop;
      while (stop < text_.size() && stop < at + 16 && text_[stop] >= '0' && text_[stop] <= '9') ++stop;
      while (stop < text_.size() && stop < at + 16 &&
             (text_[stop] == ';' || (text_[stop] >= '0' && text_[stop] <= '9')))
        ++stop;
      if (stop >= text_.size()) return text_.size();
      at = stop + 1;
    }
    return at;
  }

  [[nodiscard]] std::size_t skip_spaces(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

  /// The value behind the name that ends at `at`; nothing when no value follows.
  [[nodiscard]] Place value_behind(std::size_t at, std::size_t name_begin) const {
    Place place;
    at = skip_escapes(at);
    const std::size_t name_end = at;
    // "password": … and \"password\": …
    while (at < text_.size() &&
           (text_[at] == '"' || text_[at] == '\'' || text_[at] == '\\' || text_[at] == ']' || text_[at] == '`'))
      ++at;
    const bool quoted_name = at > name_end;
    at = skip_escapes(skip_spaces(at));
    if (at < text_.size() && text_[at] == ')' && !quoted_name) at = skip_spaces(at + 1);  // "Key (email)=(x)"
    bool colon = false;
    if (at < text_.size() && (text_[at] == '=' || text_[at] == ':')) {
      colon = text_[at] == ':';
      place.separated = true;
      ++at;
      if (at < text_.size() && (text_[at] == '=' || text_[at] == '>')) ++at;
      if (colon && at + 1 < text_.size() && text_[at] == '/' && text_[at + 1] == '/') return {};
    } else if (at + 2 < text_.size() && text_.substr(at, 3) == "%3D") {
      place.separated = true;
      at += 3;
    } else if (quoted_name || at == name_end) {
      return {};
    }
    at = skip_escapes(skip_spaces(at));
    if (at >= text_.size() || text_[at] == '\n' || text_[at] == '\r') return {};
    if (!place.separated && text_.substr(at, 3) == "is ") at = skip_spaces(at + 3);
    return extent(at, place.separated, colon, name_begin);
  }

 private:
  [[nodiscard]] Place extent(std::size_t at, bool separated, bool colon, std::size_t name_begin) const {
    Place place{at, at, separated};
    const std::string_view rest = text_.substr(at, value_bytes_max);
    // \"value\" and "value"
    const std::size_t slashes = std::min(rest.find_first_not_of('\\'), rest.size());
    if (slashes < rest.size() && (rest[slashes] == '"' || rest[slashes] == '\'' || rest[slashes] == '`')) {
      const std::string_view close = rest.substr(0, slashes + 1);
      std::size_t stop = close.size();
      while (true) {
        stop = rest.find(close, stop);
        // Without an escape in front, a backslash before the quote is part of the value.
        if (stop != std::string_view::npos && slashes == 0 && rest[stop - 1] == '\\') {
          ++stop;
          continue;
        }
        break;
      }
      if (stop == std::string_view::npos) stop = std::min(line_ends.find(rest), rest.size());
      place.begin = at + close.size();
      place.end = at + stop;
      return place;
    }
    place.end = at + bare_length(rest, at, separated, colon, name_begin);
    return place;
  }

  /// An unquoted value: to the end of the line when the line is nothing but name and value, else to a delimiter.
  [[nodiscard]] std::size_t bare_length(std::string_view rest, std::size_t /*at*/, bool separated, bool colon,
                                        std::size_t name_begin) const {
    const std::size_t line = std::min(line_ends.find(rest), rest.size());
    const std::string_view whole = rest.substr(0, line);
    for (std::string_view open : {"${{", "{{"}) {
      if (!whole.starts_with(open)) continue;
      if (const std::size_t close = whole.find("}}"); close != std::string_view::npos) return close + 2;
    }
    if (separated && starts_line(name_begin)) {
      const std::size_t space = bare_ends.find(whole);
      const std::size_t comment = whole.find(" #");
      const bool single = space == std::string_view::npos ||
                          blanks.find_other(whole, space) == std::string_view::npos || comment == space;
      if (single) return trim(whole.substr(0, space), !colon);
    }
    const bool in_query = name_begin > 0 && (text_[name_begin - 1] == '?' || text_[name_begin - 1] == '&' ||
                                             text_[name_begin - 1] == ';');
    std::size_t stop = 0;
    while (stop < whole.size()) {
      const char c = whole[stop];
      if (is_space(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\x1b' || c == '|') break;
      if (c == ';' || (c == '\\' && stop + 1 < whole.size() &&
                       (whole[stop + 1] == '"' || whole[stop + 1] == 'n' || whole[stop + 1] == 'r')))
        break;
      if (c == '&' && (in_query || whole.find('=', stop) != std::string_view::npos)) break;
      if (in_query && c == '#') break;
      if ((c == ',' || c == ')' || c == ']' || c == '}') && closes(whole, stop)) break;
      ++stop;
    }
    if (stop > 0 && (stop == whole.size() || !separated) && (whole[stop - 1] == '.' || whole[stop - 1] == ',')) --stop;
    return stop;
  }

  static std::size_t trim(std::string_view value, bool keep_all) {
    if (keep_all) return value.size();
    while (!value.empty() && (value.back() == ',' || value.back() == ';')) value.remove_suffix(1);
    return value.size();
  }

  /// A bracket or comma ends a value only where nothing that belongs to it follows.
  static bool closes(std::string_view whole, std::size_t at) {
    if (whole[at] == ',') return true;
    if (at + 1 >= whole.size()) return true;
    const char next = whole[at + 1];
    return is_space(next) || next == ',' || next == ';' || next == ')' || next == ']' || next == '}' || next == '"' ||
           next == '\'' || next == '.' || next == '\\';
  }

  /// Only indentation, "- ", "export ", "set ", a prompt's "+" or a file and line number stand in front.
  [[nodiscard]] bool starts_line(std::size_t at) const {
    std::size_t begin = at;
    while (begin > 0 && at - begin < 160 && text_[begin - 1] != '\n') --begin;
    std::string_view front = text_.substr(begin, at - begin);
    while (!front.empty() && (is_space(front.back()) || front.back() == '-' || front.back() == '"'))
      front.remove_suffix(1);
    if (front.empty()) return true;
    if (front.ends_with("export") || front.ends_with("set") || front.ends_with("ENV") || front.ends_with("setx"))
      return true;
    return front.back() == ':' || front.back() == 'K';  // grep's "file:12:", in colours too
  }

  std::string_view text_;
};

struct Name {
  std::size_t begin;
  std::size_t end;
};

Name name_around(std::string_view text, std::size_t begin, std::size_t end) {
  const std::size_t earliest = begin > name_bytes_max ? begin - name_bytes_max : 0;
  while (begin > earliest && is_name_byte(text[begin - 1])) --begin;
  // The letter of "\nkey=…" and the "?" of a URL.
  if (begin > 0 && text[begin - 1] == '\\' && begin < end &&
      (text[begin] == 'n' || text[begin] == 't' || text[begin] == 'r'))
    ++begin;
  const std::size_t latest = std::min(text.size(), end + name_bytes_max);
  while (end < latest && is_name_byte(text[end])) ++end;
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  return {begin, end};
}

/// "social security number", "passport no.", "account number": the words before and behind, with single spaces.
struct Phrase {
  Name name;
  KeyClass key;
};

std::size_t next_word_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != ' ') return at;
  std::size_t end = at + 1;
  while (end < text.size() && end - at < 24 && in_alphabet(text[end], 'w')) ++end;
  return end;
}

// Behind a name they are part of it: "passport no", "social security number".
constexpr auto words_behind =
    std::to_array<std::string_view>({"number", "no", "num", "nr", "id", "of", "birth", "date", "security", "insurance",
                                     "license", "licence", "key", "token", "code"});

Phrase phrase_around(std::string_view text, Name name) {
  Phrase phrase{name, known_key(text.substr(name.begin, name.end - name.begin))};
  // Words behind that only say "number".
  std::size_t end = name.end;
  for (int i = 0; i < 3; ++i) {
    const std::size_t next = next_word_end(text, end);
    if (next == end) break;
    const std::string_view word = text.substr(end + 1, next - end - 1);
    if (std::none_of(words_behind.begin(), words_behind.end(),
                     [&](std::string_view each) { return equal_ignoring_case(each, word); })) {
      break;
    }
    end = next;
  }
  std::size_t begin = name.begin;
  for (int i = 0; i < 2; ++i) {
    if (begin < 2 || text[begin - 1] != ' ' || !in_alphabet(text[begin - 2], 'w')) break;
    std::size_t word = begin - 1;
    while (word > 0 && begin - word < 24 && in_alphabet(text[word - 1], 'w')) --word;
    begin = word;
    const KeyClass longer = known_key(text.substr(begin, end - begin));
    if (longer.hint == Hint::personal && phrase.key.hint == Hint::none) return {{begin, end}, longer};
  }
  if (end > name.end) {
    const KeyClass longer = known_key(text.substr(name.begin, end - name.begin));
    if (longer.hint != Hint::none && longer.hint != Hint::harmless) return {{name.begin, end}, longer};
    if (phrase.key.hint == Hint::personal) return {{name.begin, end}, phrase.key};
  }
  return phrase;
}

/// A value that a space introduces must convince by itself: "password authentication failed" holds none.
bool convinces(std::string_view text, Name name, KeyClass key, std::string_view value) {
  if (key.hint == Hint::personal) return fits(key.kind, value);
  const std::string_view word = text.substr(name.begin, name.end - name.begin);
  const bool flag = name.begin > 0 && text[name.begin - 1] == '-';
  const bool dashed = word.starts_with("--") || word.starts_with("-");
  if (flag || dashed) return value.size() >= 4 && value[0] != '-';
  return key.hint == Hint::password && looks_generated(value) && value.size() >= 6;
}

std::size_t personal_length(Class kind, std::string_view value) {
  // Behind a space a value has no delimiter but its own alphabet.
  std::size_t stop = 0;
  while (stop < value.size()) {
    const char c = value[stop];
    const bool digit = c >= '0' && c <= '9';
    if (digit || (c >= 'A' && c <= 'Z') || c == '-' || c == '/' || c == '.' || c == '+') {
      ++stop;
    } else if (c == ' ' && kind != Class::date_of_birth && stop + 1 < value.size() && value[stop + 1] >= '0' &&
               value[stop + 1] <= '9') {
      ++stop;
    } else {
      break;
    }
  }
  while (stop > 0 && (value[stop - 1] == '.' || value[stop - 1] == '-' || value[stop - 1] == '/')) --stop;
  return stop;
}

/// arn:aws:secretsmanager:…:secret:name holds names, no values.
bool inside_arn(std::string_view text, std::size_t begin) {
  if (begin == 0 || (text[begin - 1] != ':' && text[begin - 1] != '/')) return false;
  constexpr std::size_t arn_bytes_max = 256;
  std::size_t start = begin;
  while (
      start > 0 && begin - start < arn_bytes_max &&
      (is_name_byte(text[start - 1]) || text[start - 1] == ':' || text[start - 1] == '/' || text[start - 1] == '*')) {
    --start;
  }
  return text.substr(start, begin - start).find("arn:") != std::string_view::npos;
}

}  // namespace

std::size_t confirm_keyword(std::string_view text, std::size_t begin, std::size_t end, bool personal, Candidates& out) {
  while (end > begin && !is_name_byte(text[end - 1])) --end;  // a trigger may include the separator
  Phrase phrase = phrase_around(text, name_around(text, begin, end));
  if (inside_arn(text, phrase.name.begin)) return phrase.name.end;
  // https://x-access-token:…@host is a URL's affair.
  if (phrase.name.begin >= 3 && text.substr(phrase.name.begin - 3, 3) == "://") return phrase.name.end;
  const std::size_t resume = phrase.name.end;
  const KeyClass key = phrase.key;
  if (key.hint == Hint::none || key.hint == Hint::harmless || key.hint == Hint::generic) return resume;
  if (key.hint == Hint::personal && !personal) return resume;
  Place place = Reader(text).value_behind(phrase.name.end, phrase.name.begin);
  if (place.end <= place.begin) return resume;
  std::string_view value = text.substr(place.begin, place.end - place.begin);
  if (key.hint == Hint::personal && !fits(key.kind, value)) {
    // Groups with spaces, or a value in running text.
    const std::string_view line = text.substr(place.begin, 48);
    value = line.substr(0, personal_length(key.kind, line));
    place.end = place.begin + value.size();
  }
  if (!place.separated && !convinces(text, phrase.name, key, value)) return resume;
  if (key.kind == Class::token &&
      (value.starts_with("Bearer ") || value.starts_with("Basic ") || equal_ignoring_case(value, "bearer") ||
       equal_ignoring_case(value, "basic") || equal_ignoring_case(value, "token"))) {
    // "Authorization: token X" names its scheme; the schemes have their own trigger.
    const std::size_t space = text.find(' ', place.begin);
    if (space != std::string_view::npos && space <= place.end) confirm_scheme(text, space, out);
    return resume;
  }
  const Class kind = judge_named(key, value);
  if (kind != Class::none) out.push_back({place.begin, place.end, kind, "name"});
  return resume;
}

void confirm_scheme(std::string_view text, std::size_t end, Candidates& out) {
  std::size_t at = end;
  while (at < text.size() && at - end < 4 && (is_space(text[at]) || text[at] == ':' || text[at] == '"')) ++at;
  if (at == end && (end == 0 || text[end - 1] != ' ')) return;
  std::size_t stop = at;
  while (stop < text.size() && (in_alphabet(text[stop], 'b') || text[stop] == '.' || text[stop] == '~') &&
         text[stop] != '%')
    ++stop;
  const std::string_view value = text.substr(at, stop - at);
  if (value.size() < 8 || is_placeholder(value) || !looks_generated(value)) return;
  out.push_back({at, stop, Class::token, "scheme"});
}

void confirm_cookie(std::string_view text, std::size_t end, Candidates& out) {
  std::size_t at = end;
  while (at < text.size() && (text[at] == '"' || text[at] == 's' || text[at] == 'S' || text[at] == '\\')) ++at;
  if (at >= text.size() || (text[at] != ':' && text[at] != '=')) return;
  ++at;
  constexpr std::size_t pairs_max = 64;
  for (std::size_t pair = 0; pair < pairs_max && at < text.size(); ++pair) {
    while (at < text.size() && (is_space(text[at]) || text[at] == '"')) ++at;
    const std::size_t name_begin = at;
    while (at < text.size() && is_name_byte(text[at])) ++at;
    if (at == name_begin || at >= text.size()) return;
    const std::string_view name = text.substr(name_begin, at - name_begin);
    if (text[at] == '=') {
      const std::size_t value_begin = ++at;
      while (at < text.size() && text[at] != ';' && text[at] != ' ' && text[at] != '\n' && text[at] != '\r' &&
             text[at] != '"' && text[at] != '\\' && text[at] != '\'' && text[at] != ',' && text[at] != '<') {
        ++at;
      }
      const std::string_view value = text.substr(value_begin, at - value_begin);
      const KeyClass key = known_key(name);
      // A long opaque cookie is a session, whatever it is called.
      const bool opaque = value.size() >= 20 && looks_generated(value);
      const bool named =
          value.size() >= 8 && (key.hint == Hint::secret || key.hint == Hint::password ||
                                to_lower(name).find("sess") != std::string::npos || equal_ignoring_case(name, "sid"));
      if ((opaque || named) && !is_placeholder(value) && !is_timestamp(value))
        out.push_back({value_begin, at, Class::cookie, "cookie"});
    }
    if (at >= text.size() || text[at] != ';') return;
    ++at;
  }
}

void confirm_command(std::string_view text, std::size_t begin, std::size_t end, Candidates& out) {
  constexpr std::size_t command_bytes_max = 1024;
  std::string_view command = text.substr(begin, command_bytes_max);
  command = command.substr(0, command_ends.find(command));
  const std::string_view program = text.substr(begin, end - begin);
  const bool attached = program == "mysql" || program == "sshpass" || program == "mongo";
  struct Flag {
    std::string_view text;
    bool pair;  ///< user:password
  };
  std::array<Flag, 2> flags{};
  if (program == "curl " || program == "wget ") {
    flags = {{{" -u", true}, {" --user", true}}};
  } else if (program == "redis-cli") {
    flags = {{{" -a", false}, {" --pass", false}}};
  } else if (program == "ldapsearch") {
    flags = {{{" -w", false}, {" -W", false}}};
  } else {
    flags = {{{" -p", false}, {" --password", false}}};
  }
  for (const Flag& flag : flags) {
    std::size_t at = command.find(flag.text);
    if (at == std::string_view::npos) continue;
    at += flag.text.size();
    const bool spaced = at < command.size() && (command[at] == ' ' || command[at] == '=');
    // "mysql -p database" asks; "mysql -psecret" tells.
    if (!spaced && !attached && flag.text.size() == 3 && !flag.pair) continue;
    if (spaced && program == "mysql" && flag.text == " -p") continue;
    if (spaced) ++at;
    char quote = 0;
    if (at < command.size() && (command[at] == '"' || command[at] == '\'')) quote = command[at++];
    std::size_t stop = quote != 0 ? command.find(quote, at) : argument_ends.find(command, at);
    if (stop == std::string_view::npos) stop = command.size();
    if (flag.pair) {
      const std::size_t colon = command.find(':', at);
      if (colon == std::string_view::npos || colon >= stop) continue;
      at = colon + 1;
    }
    const std::string_view value = command.substr(at, stop - at);
    // Another flag follows; behind a user's name and a colon a dash is a letter of the password.
    const bool flag_follows = !flag.pair && !value.empty() && value[0] == '-';
    if (value.size() < 3 || flag_follows || is_placeholder(value)) continue;
    out.push_back({begin + at, begin + stop, Class::password, "command"});
  }
}

}  // namespace holdpoint::masker
