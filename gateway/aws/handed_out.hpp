// Operations whose answers hand out something that opens the target past the gateway: credentials, tokens, signed URLs.
// A list that people keep; what the gateway answers itself (STS) never comes here.
//
//   named   permitted only by a statement that names the action in full (policy/engine.hpp); then masked as well
//   masked  permitted as any other, but the answer is always masked, whatever policy says of masks
#pragma once

#include <string_view>

namespace holdpoint::aws {

enum class HandsOut { nothing, masked, named };

struct HandedOut {
  std::string_view service;
  std::string_view operation;
  HandsOut how = HandsOut::nothing;
  std::string_view members;  ///< of the answer, by blanks: what the mask covers for certain
};

/// Null when the operation hands out nothing of the kind.
const HandedOut* handed_out(std::string_view service, std::string_view operation);

/// The whole list, by service and operation.
struct HandedOutList {
  const HandedOut* first;
  const HandedOut* last;
  [[nodiscard]] const HandedOut* begin() const { return first; }
  [[nodiscard]] const HandedOut* end() const { return last; }
};
HandedOutList handed_out_list();

}  // namespace holdpoint::aws
