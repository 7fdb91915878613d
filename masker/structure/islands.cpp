#include "masker/structure/islands.hpp"

#include <algorithm>
#include <cstring>

namespace holdpoint::masker {
namespace {

constexpr std::size_t kClosersMax = 1U << 21;  // 16 MiB, and at most twice that for the lines

}  // namespace

/// At a line's beginning, or as {" behind a log line's head.
std::size_t Islands::find(std::size_t from) const {
  for (std::size_t at = from; at < text_.size(); ++at) {
    const char* brace = static_cast<const char*>(std::memchr(text_.data() + at, '{', text_.size() - at));
    if (brace == nullptr) return text_.size();
    at = static_cast<std::size_t>(brace - text_.data());
    std::size_t next = at + 1;
    while (next < text_.size() &&
           (text_[next] == ' ' || text_[next] == '\n' || text_[next] == '\r' || text_[next] == '\t'))
      ++next;
    if (next < text_.size() && text_[next] == '"') return at;
  }
  return text_.size();
}

std::size_t Islands::end(std::size_t open) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t at = open; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == '\n') {
      if (quoted) return 0;
      if (!read_) read_lines();
      return closer(at + 1, depth);
    }
    if (quoted) {
      if (c == '\\' && at + 1 < text_.size() && text_[at + 1] != '\n') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    } else if (c == '\x1b') {
      return 0;
    }
  }
  return 0;
}

bool Islands::read_line(std::size_t begin, std::size_t end, std::size_t& opened,
                        std::vector<std::uint32_t>& closed) const {
  bool quoted = false;
  for (std::size_t at = begin; at < end; ++at) {
    const char c = text_[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++opened;
    } else if (c == '}' || c == ']') {
      if (opened > 0) {
        --opened;
      } else if (closed.size() <= kClosersMax) {
        closed.push_back(static_cast<std::uint32_t>(at));
      }
    } else if (c == '\x1b') {
      return false;
    }
  }
  return !quoted && end < text_.size();
}

/// From the last line to the first: each line's closers stand before those of the lines behind it that it leaves over.
/// A closer is stepped over once for each bracket that opens, and is made once, so all of it is linear.
void Islands::read_lines() {
  read_ = true;
  std::uint32_t first = none;
  std::vector<std::uint32_t> closed;
  for (std::size_t end = text_.size();;) {
    std::size_t begin = end;
    while (begin > 0 && text_[begin - 1] != '\n') --begin;
    const std::uint32_t before = first;
    std::size_t opened = 0;
    closed.clear();
    if (!read_line(begin, end, opened, closed)) first = none;
    for (; opened > 0 && first != none; --opened) first = closers_[first].outer;
    if (closers_.size() + closed.size() > kClosersMax) {
      full_ = true;
      return;
    }
    for (std::size_t i = closed.size(); i-- > 0;) {
      closers_.push_back({closed[i], first});
      first = static_cast<std::uint32_t>(closers_.size() - 1);
    }
    if (first != before) lines_.push_back({static_cast<std::uint32_t>(begin), first});
    if (begin == 0) return;
    end = begin - 1;
  }
}

/// The offset behind the bracket that closes `depth` levels from the beginning of `line` on; 0 when there is none.
std::size_t Islands::closer(std::size_t line, std::size_t depth) const {
  // The nearest line at or behind it that changed something.
  const auto behind =
      std::partition_point(lines_.begin(), lines_.end(), [&](const Line& each) { return each.begin >= line; });
  if (behind == lines_.begin()) return 0;
  std::uint32_t at = std::prev(behind)->closer;
  for (; depth > 1 && at != none; --depth) at = closers_[at].outer;
  return at == none ? 0 : closers_[at].at + std::size_t{1};
}

}  // namespace holdpoint::masker
