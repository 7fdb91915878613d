// How many lines a second something that outsiders can cause may write: a log that can be flooded hides what it should
// show. Single-threaded, pure.
#pragma once

#include <utility>

#include "bus/base/time.hpp"

namespace holdpoint::telemetry {

class Pace {
 public:
  explicit Pace(unsigned lines_per_second) : lines_max_(lines_per_second) {}

  /// Whether the line may be written.
  bool take(Instant now) {
    if (now < begin_ || now - begin_ >= std::chrono::seconds(1)) {
      begin_ = now;
      lines_ = 0;
    }
    if (lines_ < lines_max_) return ++lines_, true;
    ++missed_;
    return false;
  }
  /// Lines not written since this was last asked.
  unsigned long missed() { return std::exchange(missed_, 0); }

 private:
  unsigned lines_max_;
  unsigned lines_ = 0;
  unsigned long missed_ = 0;
  Instant begin_{};
};

}  // namespace holdpoint::telemetry
