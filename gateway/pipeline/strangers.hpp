// The record of callers that nobody knows: no session, a bad signature, a head that cannot be read. Anybody may send
// such requests, and a full journal stops every call, so they get a share of it and no more.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace holdpoint::pipeline {

class Strangers {
 public:
  using Steady = std::chrono::steady_clock;
  /// A burst is an ill-configured client or a test suite; what lasts is a flood. 50 entries/s fill a journal's gigabyte
  /// in some hours without an auditor.
  static constexpr double kBurst = 1000;
  static constexpr double kPerSecond = 50;

  /// How many were left out since the last that went into the record; nullopt when this one is left out too.
  std::optional<std::uint64_t> admit(Steady::time_point now);

 private:
  double room_ = kBurst;
  Steady::time_point refilled_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace holdpoint::pipeline
