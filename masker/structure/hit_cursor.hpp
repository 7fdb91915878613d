// The hits of one value after the other, without looking at all of them each time.
#pragma once

#include "masker/detect/triggers.hpp"

namespace holdpoint::masker {

class HitCursor {
 public:
  explicit HitCursor(Hits hits) : hits_(hits) {}

  /// Those that lie between `begin` and `end`. Values come mostly in order; a deferred one steps back.
  Hits within(std::size_t begin, std::size_t end) {
    while (at_ > 0 && hits_[at_ - 1].end > begin) --at_;
    while (at_ < hits_.size() && hits_[at_].end <= begin) ++at_;
    std::size_t start = at_;
    while (at_ < hits_.size() && hits_[at_].end <= end) ++at_;
    while (start < at_ && hits_[start].begin < begin) ++start;
    return hits_.subspan(start, at_ - start);
  }

 private:
  Hits hits_;
  std::size_t at_ = 0;
};

}  // namespace holdpoint::masker
