// Pieces that belong together although something stands between them: the payloads of frames, a text member of
// successive events, the messages of a COPY. What is found in the whole is cut back into the pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"

namespace holdpoint::masker {

class Sequence {
 public:
  void add(std::string_view piece) {
    whole_.append(piece);
    ends_.push_back(whole_.size());
  }
  [[nodiscard]] const std::string& whole() const { return whole_; }
  [[nodiscard]] std::size_t pieces() const { return ends_.size(); }

  /// One list per piece, in its coordinates. A mask that crosses pieces fills the earlier ones up to the bytes it
  /// replaces there, and the last takes the rest, so that reading over the cut shows the mask. `edits` are ordered.
  [[nodiscard]] std::vector<Edits> cut(const Edits& edits) const;

 private:
  std::string whole_;
  std::vector<std::size_t> ends_;
};

}  // namespace holdpoint::masker
