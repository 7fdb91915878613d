// What requests to the service `reviews` have in common: who may send which, and members that are checked as they are
// read. For the files of the service alone.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "approvals/service.hpp"

namespace holdpoint::approvals {

constexpr std::size_t kInvocationBytesMax = 256;  // SDKs send a UUID

inline Result<Id> get_id(const Json& object, std::string_view member) {
  const auto text = get_string(object, member);
  if (!text) return text.error();
  const auto id = id_from_text(*text);
  if (!id || id->empty()) return fail(Code::malformed, std::string(member) + " is not an identifier");
  return *id;
}

inline bool is_plain(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// An invocation id is chosen by the agent's client: what is none at all counts as none.
inline std::string invocation_id_of(const Json& object) {
  std::string id = string_or(object, "invocation_id");
  return is_plain(id, kInvocationBytesMax) ? id : std::string();
}

/// Fails with `denied` when the sender's role may not say this.
inline Result<void> may_say(const wire::Envelope& request) {
  using wire::Role;
  struct Row {
    std::string_view type;
    std::array<Role, 2> roles;
  };
  static constexpr std::array<Row, 9> kRows{{{"ReviewRequested", {Role::gateway}},
                                             {"ReviewStatusRequested", {Role::gateway}},
                                             {"GrantClaimRequested", {Role::gateway}},
                                             {"GrantSettled", {Role::gateway}},
                                             {"ClaimsOfGatewayRequested", {Role::gateway}},
                                             {"ReviewsRequested", {Role::op, Role::frontend}},
                                             {"ReviewRequestedById", {Role::op, Role::frontend}},
                                             {"VoteCast", {Role::op, Role::frontend}},
                                             {"ConsoleLinkRequested", {Role::op}}}};
  const Role role = request.sender.role;
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return each.type == request.message.type; });
  const bool may = row != kRows.end() && role != Role::none &&
                   std::find(row->roles.begin(), row->roles.end(), role) != row->roles.end();
  if (may) return {};
  return fail(Code::denied, "a " + std::string(wire::name(role)) + " may not send " + request.message.type);
}

// What a gateway says it is must be what its key says: the key is stamped by the broker.
inline Result<void> check_name(const std::string& said, const std::string& own) {
  if (said == own) return {};
  return fail(Code::denied, "the gateway " + own + " may not act under another name");
}

inline Result<const Json*> get_list(const Json& object, const char* member, std::size_t max) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_array()) return fail(Code::malformed, std::string(member) + " is missing");
  if (found->size() > max) return fail(Code::too_large, std::string(member) + " holds too many");
  return &*found;
}

// Whatever is wrong with a token, the reviewer is not known; but keys that are not there yet may come.
inline Error not_verified(const Error& error) {
  const bool later = error.code == Code::unavailable || error.code == Code::not_found;
  return fail(later ? Code::unavailable : Code::unauthenticated, error.context);
}

}  // namespace holdpoint::approvals
