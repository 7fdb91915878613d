// What a terminal shows: bytes with colours, moves of the cursor, corrections and lines that the margin broke. Looked
// at as they were sent, and once more as they are seen, so that neither an erased letter nor a wrap hides a value.
#include <algorithm>
#include <array>

#include "masker/detect/byte_set.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"

namespace holdpoint::masker {
namespace {

constexpr ByteSet line_ends_shown("\r\n");
constexpr std::size_t control_bytes_max = 4096;  // a title, a link, a device's answer

/// Where the escape sequence at `at` ends, and what it leaves on the screen: nothing, a space or a new line.
std::size_t skip_sequence(std::string_view raw, std::size_t at, char& shown) {
  shown = '\0';
  const char kind = at + 1 < raw.size() ? raw[at + 1] : '\0';
  if (kind == '[') {
    std::size_t end = at + 2;
    while (end < raw.size() && end - at < 64 && raw[end] >= 0x20 && raw[end] < 0x40) ++end;
    if (end >= raw.size()) return raw.size();
    if (raw[end] == 'C' || raw[end] == 'G') shown = ' ';
    if (std::string_view("ABEFHdf").find(raw[end]) != std::string_view::npos) shown = '\n';
    return end + 1;
  }
  if (std::string_view("]PX^_").find(kind) != std::string_view::npos && kind != '\0') {
    const std::size_t end = raw.substr(0, at + control_bytes_max).find_first_of("\a\x1b\n", at + 2);
    if (end == std::string_view::npos || raw[end] == '\n') return std::min(at + 2, raw.size());
    return std::min(raw.size(), raw[end] == '\a' ? end + 1 : end + 2);
  }
  const bool designates = kind == '(' || kind == ')' || kind == '#' || kind == '%' || kind == ' ';
  return std::min(raw.size(), at + (designates ? 3 : 2));
}

void erase_letter(MappedText& seen) {
  if (seen.text.empty() || seen.text.back() == '\n') return;
  bool tail = true;
  while (tail && !seen.text.empty()) {
    tail = (static_cast<unsigned char>(seen.text.back()) & 0xc0U) == 0x80;
    seen.text.pop_back();
    seen.from.pop_back();
  }
}

/// The letters in the order of the bytes, without what was erased or never shown.
MappedText read_screen(std::string_view raw) {
  MappedText seen;
  seen.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const char c = raw[at];
    if (c == '\x1b') {
      char shown = '\0';
      const std::size_t end = skip_sequence(raw, at, shown);
      if (shown != '\0') seen.put(shown, at);
      at = std::max(end, at + 1);
      continue;
    }
    if (c == '\b' || c == '\x7f') {
      erase_letter(seen);
    } else if (c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20) {
      seen.put(c, at);
    } else if (c == '\r') {
      // The line is written again, unless this is one half of a line end.
      if (at + 1 < raw.size() && raw[at + 1] != '\n' && raw[at + 1] != '\r') seen.put('\r', at);
    }
    ++at;
  }
  seen.finish(raw.size());
  return seen;
}

/// Letters, not bytes.
std::size_t width_of(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

/// How wide the screen was: as its widest lines are, when terminals are that wide or two lines in a row are. 0: lines
/// were never broken, or it cannot be told.
std::size_t screen_width(std::string_view text) {
  constexpr auto usual = std::to_array<std::size_t>({80, 100, 120, 132, 160, 200, 240});
  constexpr std::size_t width_min = 40;
  std::size_t widest = 0;
  bool filled = false;  // two of the widest in a row: a value of several lines
  std::size_t before = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(line_ends_shown.find(text, at), text.size());
    std::size_t width = width_of(text.substr(at, end - at));
    // A line editor's space behind the margin.
    if (end < text.size() && text[end] == '\r' && end > at && text[end - 1] == ' ') --width;
    if (width > widest) filled = false;
    widest = std::max(widest, width);
    filled |= width == widest && before == width;
    before = width;
    at = end + 1;
  }
  if (widest < width_min) return 0;
  return filled || std::find(usual.begin(), usual.end(), widest) != usual.end() ? widest : 0;
}

/// Without the line ends that only the margin made: behind a line as wide as the screen, within a word. Line editors
/// write a space that goes to the next line and is written over.
MappedText join_wraps(const MappedText& seen) {
  const std::string_view text = seen.text;
  const std::size_t margin = screen_width(text);
  MappedText out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(line_ends_shown.find(text, at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool echoed = end < text.size() && text[end] == '\r' && line.ends_with(' ');
    const bool within = end + 1 < text.size() && text[end + 1] > ' ';
    const bool wrapped = margin > 0 && within && width_of(line) == margin + (echoed ? 1 : 0);
    const std::size_t stop = echoed && wrapped ? end - 1 : end;
    for (std::size_t i = at; i < stop; ++i) out.put(text[i], seen.from[i]);
    if (!wrapped && end < text.size()) out.put('\n', seen.from[end]);
    at = end + 1;
  }
  out.finish(seen.from.back());
  return out;
}

/// Appends what is not masked yet. Every letter is one byte of the original, and what follows the last one stays.
void map_back(const MappedText& seen, const Edits& inner, Edits& outer) {
  const std::size_t known = outer.size();
  for (const Edit& edit : inner) {
    if (edit.end <= edit.begin) continue;
    const Edit mapped{seen.from[edit.begin], seen.from[edit.end - 1] + std::size_t{1}, edit.text};
    const auto begin = outer.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(known);
    const auto after =
        std::upper_bound(begin, end, mapped.begin, [](std::size_t at, const Edit& each) { return at < each.begin; });
    const bool masked = after != begin && std::prev(after)->end >= mapped.end;
    if (!masked) outer.push_back(mapped);
  }
}

}  // namespace

void Scan::walk_terminal(std::string_view bytes, int depth, Edits& edits) {
  Edits found;
  walk_text(bytes, depth, found);
  const MappedText seen = read_screen(bytes);
  const MappedText unwrapped = join_wraps(seen);
  if (unwrapped.text != bytes) {
    order(found);
    Edits seen_alone;
    walk_text(unwrapped.text, depth, seen_alone);
    map_back(unwrapped, seen_alone, found);
  }
  order(found);
  append(std::move(found), edits);
}

}  // namespace holdpoint::masker
