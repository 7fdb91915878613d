// How many calls may be at work, in this gateway and for one principal, and how many a principal may begin in a second.
// Shared by the shards; asked only where the configuration sets a bound.
//
// Who is over a bound is refused as overloaded as soon as the signature stands, in the form that SDKs answer with
// patience: before the body is read, unless the signature needs it. A flood of refusals would fill the record that it
// is kept from: of each principal one a second stands there, with the number of those that were left out before it.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "bus/base/place.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::pipeline {

class Admission {
 public:
  using Steady = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kRecordEach{1};
  /// Principals that are looked after; those that rest are forgotten first.
  static constexpr std::size_t kPrincipalsMax = 20000;

  /// 0 = no bound.
  struct Limits {
    std::uint32_t in_flight_max = 0;
    std::uint32_t in_flight_per_principal_max = 0;
    std::uint32_t calls_per_second_per_principal_max = 0;  ///< also how many may come at once
    [[nodiscard]] bool any() const {
      return in_flight_max != 0 || in_flight_per_principal_max != 0 || calls_per_second_per_principal_max != 0;
    }
  };

  /// One call at work, until it goes.
  using Place = holdpoint::Place<Admission>;

  struct Refused {
    std::string reason;
    std::optional<std::uint64_t> record;  ///< how many were left out before; nullopt = this one is left out too
  };
  struct Answer {
    Place place;
    std::optional<Refused> refused;
  };
  /// The admission outlives its places.
  Answer enter(const std::string& principal, const Limits& limits, Steady::time_point now);

 private:
  friend Place;
  struct Principal {
    std::uint32_t in_flight = 0;
    double room = 0;  ///< calls that may begin at once
    Steady::time_point filled{};
    Steady::time_point recorded{};
    std::uint64_t left_out = 0;
  };

  void leave(const std::string& principal);
  void make_room(Steady::time_point now);
  [[nodiscard]] std::string over(Principal& own, const Limits& limits, Steady::time_point now) const;

  std::mutex mutex_;
  std::size_t in_flight_ = 0;
  std::map<std::string, Principal> principals_;
};

}  // namespace holdpoint::pipeline
