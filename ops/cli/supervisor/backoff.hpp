// When a process that died may start again: at once, then after 0.2 s, doubling to 30 s; a process that ran for a
// minute starts from the beginning. Pure: the caller has the clock.
#pragma once

#include <algorithm>
#include <chrono>

#include "bus/base/time.hpp"

namespace holdpoint::supervisor {

class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(200);
  static constexpr Duration kLongest = std::chrono::seconds(30);
  static constexpr Duration kSettled = std::chrono::minutes(1);

  /// A process that started at `started` died at `now`: when to start the next.
  Instant next_start(Instant started, Instant now) {
    if (now - started >= kSettled) delay_ = Duration::zero();
    const Instant at = now + delay_;
    delay_ = delay_ == Duration::zero() ? kFirst : std::min(delay_ * 2, kLongest);
    return at;
  }

 private:
  Duration delay_ = Duration::zero();
};

}  // namespace holdpoint::supervisor
