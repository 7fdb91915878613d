// How many operations may wait for people: in this gateway, and of one principal. Shared by the shards.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bus/base/place.hpp"
#include "bus/base/result.hpp"

namespace holdpoint::review {

class Parking {
 public:
  /// Holds one place until it goes.
  using Place = holdpoint::Place<Parking>;

  struct Limits {
    std::uint32_t total_max = 0;
    std::uint32_t per_principal_max = 0;
  };
  /// Fails with `overloaded`, saying which bound. The parking outlives its places.
  Result<Place> enter(const std::string& principal, Limits limits);
  [[nodiscard]] std::size_t size() const;

 private:
  friend Place;
  void leave(const std::string& principal);

  mutable std::mutex mutex_;
  std::size_t total_ = 0;
  std::map<std::string, std::uint32_t> by_principal_;
};

}  // namespace holdpoint::review
