#include "gateway/pipeline/admission.hpp"

#include <algorithm>
#include <utility>

namespace holdpoint::pipeline {

/// Which bound this call would break; empty when none. Takes the call's share of the second otherwise.
std::string Admission::over(Principal& own, const Limits& limits, Steady::time_point now) const {
  if (limits.in_flight_max != 0 && in_flight_ >= limits.in_flight_max)
    return "this gateway already works on " + std::to_string(in_flight_) + " calls; try again a little later";
  if (limits.in_flight_per_principal_max != 0 && own.in_flight >= limits.in_flight_per_principal_max)
    return "you already have " + std::to_string(own.in_flight) + " calls at work; try again when one has ended";
  const std::uint32_t rate = limits.calls_per_second_per_principal_max;
  if (rate == 0) return {};
  const std::chrono::duration<double> passed = now - own.filled;
  own.filled = now;
  own.room = std::min<double>(rate, own.room + passed.count() * rate);
  if (own.room < 1) return "you begin more than " + std::to_string(rate) + " calls a second; try again a little later";
  own.room -= 1;
  return {};
}

/// Who has no call at work and has rested for a second has nothing that would be forgotten.
void Admission::make_room(Steady::time_point now) {
  if (principals_.size() < kPrincipalsMax) return;
  std::erase_if(principals_, [&](const auto& each) {
    const Principal& own = each.second;
    return own.in_flight == 0 && now - own.filled > std::chrono::seconds(1) && now - own.recorded > kRecordEach;
  });
}

Admission::Answer Admission::enter(const std::string& principal, const Limits& limits, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  Answer answer;
  // Only a newcomer needs room: who is looked after already does not pay for the search.
  const bool known = principals_.contains(principal);
  if (!known) make_room(now);
  if (!known && principals_.size() >= kPrincipalsMax) {
    answer.refused = Refused{"this gateway works for too many principals at once; try again a little later", {}};
    return answer;
  }
  Principal& own = principals_[principal];
  const std::string why = over(own, limits, now);
  if (why.empty()) {
    ++own.in_flight;
    ++in_flight_;
    answer.place = Place(*this, principal);
    return answer;
  }
  answer.refused = Refused{why, {}};
  if (own.recorded == Steady::time_point{} || now - own.recorded >= kRecordEach) {
    own.recorded = now;
    answer.refused->record = std::exchange(own.left_out, 0);
  } else {
    ++own.left_out;
  }
  return answer;
}

void Admission::leave(const std::string& principal) {
  const std::lock_guard lock(mutex_);
  const auto own = principals_.find(principal);
  HOLDPOINT_INVARIANT(own != principals_.end() && own->second.in_flight > 0 && in_flight_ > 0);
  --own->second.in_flight;
  --in_flight_;
}

}  // namespace holdpoint::pipeline
