// How a reviewer's browser gets in: a link that works once, then a cookie. The store keeps hashes of both, so neither
// a copy of the database nor another replica's memory lets anybody in, and any replica knows every session.
#pragma once

#include <string>

#include "approvals/review_store.hpp"
#include "bus/identity/principal.hpp"

namespace holdpoint::approvals {

constexpr Duration kLinkMax = std::chrono::hours(1);
constexpr Duration kLinkDefault = std::chrono::minutes(10);
constexpr Duration kConsoleSessionMax = std::chrono::hours(12);  ///< one shift of an on-call rota

struct Visitor {
  identity::Principal reviewer;
  std::string csrf;  ///< expected in every request that changes something
};

/// The path of a fresh link, "/enter?code=…". `ttl` is cut to kLinkMax.
Result<std::string> make_link(ReviewStore& store, const identity::Principal& reviewer, Duration ttl, Instant now);
/// Uses the code up. The cookie's value; fails with `unauthenticated`.
Result<std::string> enter(ReviewStore& store, std::string_view code, Instant now);
/// Fails with `unauthenticated`.
Result<Visitor> visitor(ReviewStore& store, std::string_view cookie, Instant now);
Result<void> leave(ReviewStore& store, std::string_view cookie);

}  // namespace holdpoint::approvals
