#include "gateway/http/stream.hpp"

namespace holdpoint::http {

Deadlines::Entry::Entry(Deadlines& owner, std::function<void()> expire) : owner_(owner), expire_(std::move(expire)) {
  owner_.entries_.push_back(this);
  place_ = std::prev(owner_.entries_.end());
}

Deadlines::Entry::~Entry() { owner_.entries_.erase(place_); }

void Deadlines::sweep(SteadyTime now) {
  for (auto each = entries_.begin(); each != entries_.end();) {
    Entry* entry = *each++;  // expire() closes a socket; its owner wakes later, so no entry goes in here
    if (entry->deadline_ > now || entry->expired_) continue;
    entry->expired_ = true;
    entry->expire_();
  }
}

}  // namespace holdpoint::http
