// Encodings inside values: base64 of text or of packed text, hexadecimal, percent-escapes. Each is opened, walked as a
// document of its own, and written back in the same encoding.
#include <algorithm>
#include <array>
#include <optional>

#include "bus/base/encoding.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/structure/compress.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t inflated_bytes_max = 16U << 20;

constexpr ByteSet base64_bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");
constexpr ByteSet url_alone("-_");
constexpr ByteSet hex_bytes("0123456789abcdefABCDEF");

bool is_base64_byte(char c) { return base64_bytes.has(c); }

/// The first nine bytes of base64 in either alphabet; nothing when twelve letters are of neither, or of both.
std::optional<std::array<char, 9>> base64_front(std::string_view text) {
  static constexpr auto values = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < letters.size(); ++i)
      table[static_cast<unsigned char>(letters[i])] = static_cast<std::int8_t>(i);
    table['-'] = 62;
    table['_'] = 63;
    return table;
  }();
  std::array<char, 9> front{};
  bool plain = false;
  bool url = false;
  for (std::size_t group = 0; group < 3; ++group) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const char c = text[group * 4 + i];
      const int value = values[static_cast<unsigned char>(c)];
      if (value < 0) return std::nullopt;
      plain |= c == '+' || c == '/';
      url |= c == '-' || c == '_';
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    for (std::size_t i = 0; i < 3; ++i) front[group * 3 + i] = static_cast<char>(bits >> (16 - 8 * i) & 0xff);
  }
  if (plain && url) return std::nullopt;
  return front;
}

std::optional<Bytes> decode_base64(std::string_view text, bool& url) {
  url = url_alone.find(text) != std::string_view::npos;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  if (url) return from_base64url(text);
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  return from_base64(padded);
}

}  // namespace

/// Runs of base64 inside text (Kubernetes secrets, headers): opened like whole values.
void Scan::encoded_runs(std::string_view text, int depth, Edits& edits) {
  // A run of this length covers one multiple of it, so that few bytes are looked at.
  constexpr std::size_t run_bytes_min = 24;
  std::size_t done = 0;
  for (std::size_t probe = run_bytes_min - 1; probe < text.size(); probe += run_bytes_min) {
    if (probe < done || !is_base64_byte(text[probe])) continue;
    std::size_t begin = probe;
    while (begin > done && is_base64_byte(text[begin - 1])) --begin;
    std::size_t end = probe;
    while (end < text.size() && is_base64_byte(text[end])) ++end;
    while (end < text.size() && text[end] == '=') ++end;
    done = end;
    if (end - begin < run_bytes_min) continue;
    Leaf leaf;
    leaf.text = text.substr(begin, end - begin);
    const std::size_t before = edits.size();
    (void)base64_value(leaf, depth, edits);
    shift(edits, before, begin);
  }
}

/// Base64 of text or of gzip. True when it was one (masked or not).
bool Scan::base64_value(const Leaf& leaf, int depth, Edits& edits) {
  const std::string_view text = leaf.text;
  if (text[8] == '-' && text[13] == '-') return false;  // a UUID
  // The first bytes decide cheaply: random bytes read as 9 printable ones once in ten thousand.
  for (std::size_t i = 0; i < 16; ++i) {
    if (!is_base64_byte(text[i])) return false;
  }
  const auto opening = base64_front(text);
  if (!opening) return false;
  const std::string_view front(opening->data(), opening->size());
  const bool gzip = front.starts_with("\x1f\x8b");
  const bool opaque = packing_of(front) == Packing::zstd || is_wide_front(front);
  if (!gzip && !opaque && !is_textual(front)) {
    // A character of several bytes may be cut at the end of the front.
    const std::size_t ascii = static_cast<std::size_t>(
        std::count_if(front.begin(), front.end(), [](char c) { return c >= 0x20 || c == '\n'; }));
    if (ascii + 2 < front.size()) return false;
  }
  std::string_view body = text;
  while (!body.empty() && (body.back() == '=' || body.back() == '\n')) body.remove_suffix(1);
  if (!std::all_of(body.begin(), body.end(), is_base64_byte)) return false;
  bool url = false;
  const auto decoded = decode_base64(text, url);
  if (!decoded) return false;
  std::string inner;
  if (gzip) {
    if (!blocked_.empty()) return true;
    auto inflated = inflate(*decoded, inflated_bytes_max);
    if (!inflated) {
      block("a compressed value cannot be opened: " + inflated.error().context);
      return true;
    }
    if (!spend(inflated->size())) return true;
    inner = std::move(*inflated);
  } else {
    if (!opaque && !is_textual(*decoded)) return false;
    inner = *decoded;
  }
  Edits found;
  walk_document(inner, {}, depth + 1, found);
  if (found.empty()) return true;
  std::string masked = splice(inner, found);
  if (gzip) masked = compress_gzip(masked);
  std::string again = url ? to_base64url(masked) : to_base64(masked);
  if (url && text.back() == '=') again.append((4 - again.size() % 4) % 4, '=');
  if (fill_ && again.size() != text.size()) again = std::string(text.size(), 'A');
  edits.push_back({0, text.size(), std::move(again)});
  return true;
}

/// PostgreSQL's \x… and long runs of hexadecimal that hold text.
bool Scan::hex_value(const Leaf& leaf, int depth, Edits& edits) {
  std::string_view text = leaf.text;
  const std::size_t prefix = text.starts_with("\\x") || text.starts_with("0x") ? 2 : 0;
  text.remove_prefix(prefix);
  if (text.size() % 2 != 0) return false;
  if (hex_bytes.find_other(text.substr(0, 16)) != std::string_view::npos) return false;
  const auto front = from_hex(text.substr(0, 16));
  if (!front || !is_textual(*front)) return false;
  const auto decoded = from_hex(text);
  if (!decoded || !is_textual(*decoded)) return false;
  Edits found;
  walk_document(*decoded, {}, depth + 1, found);
  if (!found.empty()) edits.push_back({prefix, prefix + text.size(), to_hex(splice(*decoded, found))});
  return true;
}

bool Scan::percent_value(const Leaf& leaf, int depth, Edits& edits) {
  const MappedText plain = unescape_percent(leaf.text, false);
  Edits found;
  walk_document(plain.text, {}, depth + 1, found);
  plain.map_back(std::move(found), 0, fill_, edits);
  return true;
}

}  // namespace holdpoint::masker
