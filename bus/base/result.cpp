#include "bus/base/result.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace holdpoint {
namespace {
constexpr std::array<std::string_view, 21> kNames = {
    "",         "malformed",   "too_large",     "not_found",   "denied",    "unauthenticated",
    "expired",  "rejected",    "overloaded",    "unavailable", "timed_out", "outcome_unknown",
    "conflict", "not_durable", "configuration", "unsupported", "internal",  "review_closed",
    "revoked",  "stale",       "tampered"};
}

std::string_view name(Code code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "internal";
}

Code code_from_name(std::string_view text) {
  for (std::size_t index = 1; index < kNames.size(); ++index) {
    if (kNames[index] == text) return static_cast<Code>(index);
  }
  return Code::internal;
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(std::string(name(error.code)) + ": " + error.context);
}

void invariant_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: invariant failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace holdpoint
