// One of an owner's bounded places, taken for a principal and given back when it goes. The owner outlives it.
#pragma once

#include <string>
#include <utility>

namespace holdpoint {

/// `Owner` makes it a friend and has `void leave(const std::string& principal)`.
template <class Owner>
class Place {
 public:
  Place() = default;
  Place(Owner& owner, std::string principal) : owner_(&owner), principal_(std::move(principal)) {}
  Place(Place&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), principal_(std::move(other.principal_)) {}
  Place& operator=(Place&& other) noexcept {
    if (this == &other) return *this;
    leave();
    owner_ = std::exchange(other.owner_, nullptr);
    principal_ = std::move(other.principal_);
    return *this;
  }
  ~Place() { leave(); }

 private:
  void leave() {
    if (Owner* const owner = std::exchange(owner_, nullptr)) owner->leave(principal_);
  }
  Owner* owner_ = nullptr;
  std::string principal_;
};

}  // namespace holdpoint
