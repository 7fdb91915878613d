#include "masker/detect/confirm.hpp"

#include <algorithm>

#include "bus/base/encoding.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/detect/harmless.hpp"
#include "masker/detect/named_value.hpp"

namespace holdpoint::masker {
namespace {

bool is_alphanumeric(char c) { return in_alphabet(c, 'a'); }

bool clear_before(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if (!is_alphanumeric(before)) return true;
  // "\nAKIA…" and "%3Dghp_…": the letter belongs to an escape.
  if (at >= 2 && text[at - 2] == '\\') return true;
  return at >= 3 && text[at - 3] == '%' && in_alphabet(before, 'h') && in_alphabet(text[at - 2], 'h');
}

std::size_t walk(std::string_view text, std::size_t at, char alphabet, std::size_t max) {
  const std::size_t limit = std::min(text.size(), at + max);
  while (at < limit && in_alphabet(text[at], alphabet)) ++at;
  return at;
}

std::size_t walk_back(std::string_view text, std::size_t at, char alphabet, std::size_t max) {
  const std::size_t limit = at > max ? at - max : 0;
  while (at > limit && in_alphabet(text[at - 1], alphabet)) --at;
  return at;
}

constexpr ByteSet digit_bytes("0123456789");
constexpr ByteSet url_ends(" \t\r\n\"'<>`\\|");
constexpr ByteSet authority_ends("/?#");

bool has_digit(std::string_view text) { return digit_bytes.find(text) != std::string_view::npos; }

}  // namespace

Span confirm_token(std::string_view text, std::size_t begin, std::size_t end, const Trigger& trigger) {
  const char alphabet = trigger.alphabet[0];
  const std::size_t stop = walk(text, end, alphabet, static_cast<std::size_t>(trigger.tail_max) + 1);
  const std::size_t tail = stop - end;
  if (tail < trigger.tail_min) return {};
  // A tail of fixed length ends there: one more letter makes it something else.
  if (trigger.tail_min == trigger.tail_max && tail > trigger.tail_max) return {};
  if (!clear_before(text, begin)) return {};
  if (trigger.tail_min == trigger.tail_max && stop < text.size() && is_alphanumeric(text[stop])) return {};
  // Short literals stand in many words; a token holds digits.
  if (trigger.literal.size() < 6 && trigger.action == Action::token && !has_digit(text.substr(end, tail))) return {};
  std::size_t last = stop;
  if (alphabet == '.') {
    while (last > end && text[last - 1] == '.') --last;  // the end of a sentence
  }
  return {begin, last};
}

Span confirm_jwt(std::string_view text, std::size_t begin) {
  if (!clear_before(text, begin)) return {};
  if (begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == '-' || text[begin - 1] == '_')) return {};
  constexpr std::size_t part_bytes_max = 64 << 10;
  const std::size_t header = walk(text, begin, 'u', part_bytes_max);
  if (header - begin < 12 || header >= text.size() || text[header] != '.') return {};
  const std::size_t payload = walk(text, header + 1, 'u', part_bytes_max);
  if (payload == header + 1 && !(payload < text.size() && text[payload] == '.')) return {};
  std::size_t end = payload;
  // The signature, or the three more parts of an encrypted one.
  for (int part = 0; part < 3 && end < text.size() && text[end] == '.'; ++part) {
    const std::size_t next = walk(text, end + 1, 'u', part_bytes_max);
    if (next == end + 1) break;
    end = next;
  }
  return {begin, end};
}

Span confirm_pem(std::string_view text, std::size_t /*begin*/, std::size_t end) {
  constexpr std::size_t label_bytes_max = 48;
  const std::string_view label = text.substr(end, label_bytes_max);
  const std::size_t close = label.find("-----");
  if (close == std::string_view::npos) return {};
  if (label.substr(0, close).find("PRIVATE KEY") == std::string_view::npos) return {};
  std::size_t body = end + close + 5;
  std::size_t stop = text.find("-----END", body);
  if (stop == std::string_view::npos) stop = text.size();
  // Line ends stay, also those written as \n or \r\n in a string.
  const auto skip_breaks = [&] {
    while (body < stop) {
      const char c = text[body];
      if (c == '\n' || c == '\r' || c == ' ') {
        ++body;
      } else if (c == '\\' && body + 1 < stop && (text[body + 1] == 'n' || text[body + 1] == 'r')) {
        body += 2;
      } else {
        return;
      }
    }
  };
  skip_breaks();
  while (stop > body) {
    const char c = text[stop - 1];
    if (c == '\n' || c == '\r' || c == ' ') {
      --stop;
    } else if ((c == 'n' || c == 'r') && stop - 2 >= body && text[stop - 2] == '\\') {
      stop -= 2;
    } else {
      break;
    }
  }
  return {body, stop};
}

Span confirm_hash(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t hash_bytes_max = 512;
  if (begin > 0 && is_alphanumeric(text[begin]) && is_alphanumeric(text[begin - 1])) return {};
  if (begin > 0 && text[begin] == '$' && text[begin - 1] == '$') return {};
  std::size_t stop = end;
  const std::size_t limit = std::min(text.size(), end + hash_bytes_max);
  // ":" separates fields in a shadow file, and parts of a SCRAM or werkzeug hash.
  const std::string_view head = text.substr(begin, end - begin);
  const bool colons = head.starts_with("SCRAM") || head.starts_with("pbkdf2:") || head.starts_with("scrypt:");
  while (stop < limit) {
    const char c = text[stop];
    if (is_alphanumeric(c) || c == '.' || c == '/' || c == '$' || c == '=' || c == '+' || c == '-' || c == '_' ||
        c == '}' || (c == ',' && stop + 2 < limit && text[stop + 2] == '=') || (colons && c == ':')) {
      ++stop;
    } else {
      break;
    }
  }
  const std::string_view tail = text.substr(end, stop - end);
  if (tail.size() < 20 || !has_digit(text.substr(begin, stop - begin))) return {};
  return {begin, stop};
}

Span confirm_url(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t authority_bytes_max = 1024;
  if (begin == 0 || !is_alphanumeric(text[begin - 1])) return {};
  const std::string_view rest = text.substr(end, authority_bytes_max);
  const std::size_t stop = url_ends.find(rest);
  const std::string_view url = rest.substr(0, stop);
  const std::string_view authority = url.substr(0, authority_ends.find(url));
  std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos) {
    // A password that holds "/", "?" or "#" unescaped: what follows the colon is no port, and an "@" comes.
    if (colon == std::string_view::npos || colon == 0 || is_number(authority.substr(colon + 1)) ||
        colon + 1 == authority.size())
      return {};
    at = url.find('@', authority.size());
    if (at == std::string_view::npos) return {};
  }
  if (colon == std::string_view::npos || colon > at) {
    // https://TOKEN@host
    const std::string_view user = url.substr(0, at);
    if (user.size() >= 20 && looks_generated(user) && !is_placeholder(user)) return {end, end + at};
    return {};
  }
  const std::string_view password = url.substr(colon + 1, at - colon - 1);
  if (is_placeholder(password)) return {};
  return {end + colon + 1, end + at};
}

Span confirm_email(std::string_view text, std::size_t begin, std::size_t end) {
  const auto local_byte = [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '+' || c == '-' || c == '\'';
  };
  std::size_t start = begin;
  const std::size_t earliest = begin > 64 ? begin - 64 : 0;
  while (start > earliest && (local_byte(text[start - 1]) || static_cast<unsigned char>(text[start - 1]) >= 128))
    --start;
  while (start < begin && (text[start] == '.' || text[start] == '\'' || text[start] == '-')) ++start;
  // The letter of an escape ("\nuser@…" inside a string) is not part of the address.
  if (start > 0 && start < begin && text[start - 1] == '\\' &&
      (text[start] == 'n' || text[start] == 't' || text[start] == 'r'))
    ++start;
  if (start == begin) return {};
  if (text.substr(start, begin - start) == "git") return {};
  if (start >= 4 && text.substr(start - 4, 4) == "ssh ") return {};
  if (start >= 3 && text.substr(start - 3, 3) == "://") return {};
  std::size_t stop = end;
  std::size_t dot = 0;
  const std::size_t limit = std::min(text.size(), end + 253);
  while (stop < limit && (is_alphanumeric(text[stop]) || text[stop] == '.' || text[stop] == '-')) {
    if (text[stop] == '.') {
      if (stop == end || text[stop - 1] == '.' || stop + 1 >= limit || !is_alphanumeric(text[stop + 1])) break;
      dot = stop;
    }
    ++stop;
  }
  while (stop > end && (text[stop - 1] == '-' || text[stop - 1] == '.')) --stop;
  if (dot == 0) return {};
  const std::string_view top = text.substr(dot + 1, stop - dot - 1);
  if (top.size() < 2 || top.size() > 24 ||
      !std::all_of(top.begin(), top.end(), [](char c) { return is_alphanumeric(c) && !(c >= '0' && c <= '9'); })) {
    return {};
  }
  // Hosts that no mail reaches, files and systemd's units (user@348.service).
  for (std::string_view inside :
       {"internal", "local", "localdomain", "lan",     "localhost", "cluster",  "svc",   "png",
        "jpg",      "js",    "css",         "service", "mount",     "socket",   "timer", "target",
        "slice",    "scope", "path",        "device",  "swap",      "automount"}) {
    if (top == inside) return {};
  }
  return {start, stop};
}

Span confirm_special(std::string_view text, std::size_t begin, std::size_t end, std::string_view literal) {
  if (literal == "hooks.slack.com/" || literal == "webhook.office.com/" || literal == "/api/webhooks/") {
    std::size_t stop = end;
    while (stop < text.size() && stop - end < 400 &&
           (in_alphabet(text[stop], 'u') || text[stop] == '/' || text[stop] == '@' || text[stop] == '%'))
      ++stop;
    if (stop - end < 24) return {};
    return {end, stop};
  }
  if (literal == ":AA") {  // Telegram: 8 to 10 digits, ":AA", 33
    const std::size_t start = walk_back(text, begin, 'a', 11);
    const std::size_t stop = walk(text, end, 'u', 40);
    const std::string_view id = text.substr(start, begin - start);
    if (id.size() < 8 || id.size() > 10 || !is_number(id) || stop - end < 31 || stop - end > 36) return {};
    return {start, stop};
  }
  if (literal == "Q~") {  // Azure AD client secret: 3 characters, digit, "Q~", 31 to 34
    if (begin < 4 || text[begin - 1] < '0' || text[begin - 1] > '9') return {};
    std::size_t stop = end;
    while (stop < text.size() && stop - end < 40 && (in_alphabet(text[stop], '.') || text[stop] == '~')) ++stop;
    while (stop > end && text[stop - 1] == '.' && stop - end > 34) --stop;
    if (stop - end < 30) return {};
    return {begin - 4, stop};
  }
  if (literal == "atlasv1.") {  // Terraform Cloud: 14, ".atlasv1.", 60 and more
    if (begin < 15 || text[begin - 1] != '.') return {};
    const std::size_t start = walk_back(text, begin - 1, 'a', 14);
    const std::size_t stop = walk(text, end, 'u', 90);
    if (begin - 1 - start != 14 || stop - end < 50) return {};
    return {start, stop};
  }
  if (literal.ends_with("32:") || literal.ends_with("33:")) {  // .pgpass: host:port:database:user:password
    std::size_t line = begin;
    while (line > 0 && begin - line < 256 && text[line - 1] != '\n' && text[line - 1] != ' ' && text[line - 1] != ':')
      --line;
    if (line > 0 && text[line - 1] != '\n') return {};
    const std::string_view rest = text.substr(end, 512).substr(0, text.substr(end, 512).find_first_of("\r\n"));
    const std::size_t database = rest.find(':');
    const std::size_t user = database == std::string_view::npos ? database : rest.find(':', database + 1);
    if (user == std::string_view::npos || rest.find_first_of(" /\"") < user || user + 1 >= rest.size()) return {};
    if (is_placeholder(rest.substr(user + 1))) return {};
    return {end + user + 1, end + rest.size()};
  }
  if (literal == "pat") {  // Airtable: "pat", 14, ".", 64 hexadecimal
    const std::size_t dot = walk(text, end, 'a', 15);
    if (dot - end != 14 || dot >= text.size() || text[dot] != '.' || !clear_before(text, begin)) return {};
    const std::size_t stop = walk(text, dot + 1, 'h', 65);
    if (stop - dot - 1 != 64) return {};
    return {begin, stop};
  }
  return {};
}

Span find_secret_near(std::string_view text, Span access_key) {
  // "id,secret", "id secret", two lines of a form: what stands between is short.
  constexpr std::size_t gap_bytes_max = 48;
  constexpr std::size_t secret_bytes = 40;
  const auto secret_byte = [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; };
  const std::size_t from =
      access_key.begin > gap_bytes_max + secret_bytes ? access_key.begin - gap_bytes_max - secret_bytes : 0;
  const std::size_t to = std::min(text.size(), access_key.end + gap_bytes_max + secret_bytes + 1);
  std::size_t at = from;
  while (at < to) {
    if (!secret_byte(text[at]) ||
        (at > 0 && (secret_byte(text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '-'))) {
      ++at;
      continue;
    }
    std::size_t stop = at;
    bool upper = false;
    bool lower = false;
    bool digit = false;
    while (stop < text.size() && stop - at <= secret_bytes && secret_byte(text[stop])) {
      upper |= text[stop] >= 'A' && text[stop] <= 'Z';
      lower |= text[stop] >= 'a' && text[stop] <= 'z';
      digit |= text[stop] >= '0' && text[stop] <= '9';
      ++stop;
    }
    const bool closed =
        stop >= text.size() || (text[stop] != '_' && text[stop] != '-' && text[stop] != '=' && text[stop] != '.');
    if (stop - at == secret_bytes && upper && lower && digit && closed) return {at, stop};
    at = stop + 1;
  }
  return {};
}

}  // namespace holdpoint::masker
