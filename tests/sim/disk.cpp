#include "tests/sim/disk.hpp"

namespace holdpoint::sim {

Result<void> Disk::transact(const std::function<Result<void>(Rows&)>& work) {
  Rows changed = rows_;
  auto outcome = work(changed);
  if (!outcome) return outcome;
  if (world_.random().chance(fail_before)) {
    world_.saw("commit failed before it took effect");
    return fail(Code::not_durable, "the commit failed");
  }
  rows_ = std::move(changed);
  if (world_.random().chance(fail_after)) {
    world_.saw("commit failed after it took effect");
    return fail(Code::not_durable, "the commit's answer was lost");
  }
  return outcome;
}

}  // namespace holdpoint::sim
