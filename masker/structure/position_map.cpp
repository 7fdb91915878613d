#include "masker/structure/position_map.hpp"

#include <algorithm>
#include <numeric>

#include "masker/detect/byte_set.hpp"

namespace holdpoint::masker {
namespace {

constexpr ByteSet markup_bytes("&<");

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hexadecimal digits at `at`; -1 when they are not.
int hex4(std::string_view raw, std::size_t at) {
  if (at + 4 > raw.size()) return -1;
  int code = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(raw[at + i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

/// The code point of "&…;" (without the ampersand and semicolon); -1 for one that is not known.
long entity(std::string_view name) {
  if (name == "amp") return '&';
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  if (name.size() < 2 || name[0] != '#') return -1;
  const bool hex = name[1] == 'x' || name[1] == 'X';
  name.remove_prefix(hex ? 2 : 1);
  if (name.empty() || name.size() > 8) return -1;
  long code = 0;
  for (char c : name) {
    const int digit = hex_digit(c);
    if (digit < 0 || (!hex && digit > 9)) return -1;
    code = code * (hex ? 16 : 10) + digit;
  }
  return code <= 0x10ffff ? code : -1;
}

}  // namespace

void MappedText::put_run(std::string_view raw, std::size_t begin, std::size_t end) {
  text.append(raw, begin, end - begin);
  const std::size_t before = from.size();
  from.resize(before + (end - begin));
  std::iota(from.begin() + static_cast<std::ptrdiff_t>(before), from.end(), static_cast<std::uint32_t>(begin));
}

void MappedText::put_code_point(std::uint32_t code, std::size_t origin) {
  if (code < 0x80) return put(static_cast<char>(code), origin);
  const auto tail = [&](unsigned shift) { put(static_cast<char>(0x80 | ((code >> shift) & 0x3f)), origin); };
  if (code < 0x800) {
    put(static_cast<char>(0xc0 | (code >> 6)), origin);
  } else if (code < 0x10000) {
    put(static_cast<char>(0xe0 | (code >> 12)), origin);
    tail(6);
  } else {
    put(static_cast<char>(0xf0 | (code >> 18)), origin);
    tail(12);
    tail(6);
  }
  tail(0);
}

void MappedText::map_back(Edits inner, std::size_t base, bool keep_length, Edits& outer) const {
  for (Edit& edit : inner) {
    Edit mapped{base + from[edit.begin], base + from[edit.end], std::move(edit.text)};
    if (keep_length) {
      std::replace_if(
          mapped.text.begin(), mapped.text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '*');
      const std::size_t length = mapped.end - mapped.begin;
      if (mapped.text.size() < length) mapped.text.append(length - mapped.text.size(), '*');
    }
    outer.push_back(std::move(mapped));
  }
}

void escape_json(Edits& edits, std::size_t from) {
  for (std::size_t i = from; i < edits.size(); ++i) {
    std::string& text = edits[i].text;
    const bool plain = std::none_of(
        text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    if (plain) continue;
    std::string out;
    for (char c : text) {
      constexpr std::string_view digits = "0123456789abcdef";
      if (c == '"' || c == '\\') {
        out.append({'\\', c});
      } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
        out.append("\\u00").append({digits[byte >> 4U], digits[byte & 15U]});
      } else {
        out.push_back(c);
      }
    }
    text = std::move(out);
  }
}

MappedText unescape_json(std::string_view raw) {
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t slash = std::min(raw.find('\\', at), raw.size());
    const std::size_t run = slash + 1 >= raw.size() ? raw.size() : slash;
    if (run > at) {
      out.put_run(raw, at, run);
      at = run;
      continue;
    }
    const char c = raw[at + 1];
    if (c == 'u') {
      const int high = hex4(raw, at + 2);
      if (high < 0) {
        out.put(raw[at], at);
        ++at;
        continue;
      }
      auto code = static_cast<std::uint32_t>(high);
      std::size_t length = 6;
      if (high >= 0xd800 && high < 0xdc00 && at + 7 < raw.size() && raw[at + 6] == '\\' && raw[at + 7] == 'u') {
        const int low = hex4(raw, at + 8);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<std::uint32_t>(low) - 0xdc00);
          length = 12;
        }
      }
      out.put_code_point(code, at);
      at += length;
      continue;
    }
    constexpr std::string_view letters = "nrtbf";
    constexpr std::string_view values = "\n\r\t\b\f";
    const std::size_t which = letters.find(c);
    out.put(which == std::string_view::npos ? c : values[which], at);
    at += 2;
  }
  out.finish(raw.size());
  return out;
}

MappedText unescape_xml(std::string_view raw, bool& has_cdata) {
  constexpr std::string_view open = "<![CDATA[";
  constexpr std::size_t entity_bytes_max = 12;
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] == '&') {
      const std::size_t semicolon = raw.substr(at, entity_bytes_max).find(';');
      const long code = semicolon == std::string_view::npos ? -1 : entity(raw.substr(at + 1, semicolon - 1));
      if (code >= 0) {
        out.put_code_point(static_cast<std::uint32_t>(code), at);
        at += semicolon + 1;
        continue;
      }
    } else if (raw[at] == '<' && raw.substr(at, open.size()) == open) {
      has_cdata = true;
      const std::size_t begin = at + open.size();
      std::size_t close = raw.find("]]>", begin);
      if (close == std::string_view::npos) close = raw.size();
      if (begin < close) out.put_run(raw, begin, close);
      at = close == raw.size() ? close : close + 3;
      continue;
    }
    const std::size_t run = std::min(markup_bytes.find(raw, at + 1), raw.size());
    out.put_run(raw, at, run);
    at = run;
  }
  out.finish(raw.size());
  return out;
}

MappedText strip_escapes(std::string_view raw) {
  constexpr std::size_t sequence_bytes_max = 4096;  // an OSC title or link
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t escape = std::min(raw.find('\x1b', at), raw.size());
    const std::size_t run = escape + 1 >= raw.size() ? raw.size() : escape;
    if (run > at) {
      out.put_run(raw, at, run);
      at = run;
      continue;
    }
    std::size_t stop = at + 2;
    if (raw[at + 1] == '[') {
      while (stop < raw.size() &&
             (static_cast<unsigned char>(raw[stop]) < 0x40 || static_cast<unsigned char>(raw[stop]) > 0x7e) &&
             stop - at < 64)
        ++stop;
      ++stop;
    } else if (raw[at + 1] == ']') {
      while (stop < raw.size() && stop - at < sequence_bytes_max && raw[stop] != '\a' && raw[stop] != '\x1b' &&
             raw[stop] != '\n')
        ++stop;
      if (stop < raw.size() && raw[stop] == '\a') ++stop;
      // A sequence that does not end as one is text.
      if (stop >= raw.size() || (raw[stop - 1] != '\a' && raw[stop] != '\x1b')) stop = at + 2;
    } else if (raw[at + 1] == '(' || raw[at + 1] == ')') {
      ++stop;
    }
    at = stop < raw.size() ? stop : raw.size();
  }
  out.finish(raw.size());
  return out;
}

MappedText unescape_percent(std::string_view raw, bool form) {
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] == '%' && at + 2 < raw.size() && hex_digit(raw[at + 1]) >= 0 && hex_digit(raw[at + 2]) >= 0) {
      out.put(static_cast<char>(hex_digit(raw[at + 1]) * 16 + hex_digit(raw[at + 2])), at);
      at += 3;
      continue;
    }
    out.put(form && raw[at] == '+' ? ' ' : raw[at], at);
    ++at;
  }
  out.finish(raw.size());
  return out;
}

}  // namespace holdpoint::masker
