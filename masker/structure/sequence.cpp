#include "masker/structure/sequence.hpp"

#include <algorithm>

namespace holdpoint::masker {

std::vector<Edits> Sequence::cut(const Edits& edits) const {
  std::vector<Edits> out(ends_.size());
  std::size_t piece = 0;
  for (const Edit& edit : edits) {
    while (piece < ends_.size() && ends_[piece] <= edit.begin) ++piece;
    std::string_view text = edit.text;
    for (std::size_t at = edit.begin, in = piece; in < ends_.size() && at < edit.end; ++in) {
      const std::size_t start = in == 0 ? 0 : ends_[in - 1];
      const std::size_t stop = std::min(edit.end, ends_[in]);
      if (stop == at) continue;  // an empty piece
      std::size_t length = stop == edit.end ? text.size() : std::min(text.size(), stop - at);
      // A character of several bytes stays whole.
      while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80) ++length;
      out[in].push_back({at - start, stop - start, std::string(text.substr(0, length))});
      text.remove_prefix(length);
      at = stop;
    }
  }
  return out;
}

}  // namespace holdpoint::masker
