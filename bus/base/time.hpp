// Time as the project counts it. Actors never read a clock: `now` is handed to them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdpoint {

using Duration = std::chrono::microseconds;
using Instant = std::chrono::sys_time<Duration>;

/// The wall clock. Only `main`, adapters and transports call it.
Instant system_now();
/// A clock that nobody sets, for how long something took or was silent. Only differences mean anything.
Instant steady_now();

/// RFC 3339 in UTC with microseconds: 2026-11-01T12:00:00.000000Z.
std::string to_rfc3339(Instant instant);
/// Accepts Z or a numeric offset, 0 to 9 fractional digits; nullopt for anything else.
std::optional<Instant> from_rfc3339(std::string_view text);

/// "90s", "15m", "1h", "2d", "250ms"; nullopt for anything else, zero, negative, or more than ten years.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact form of the above.
std::string to_text(Duration duration);

inline std::int64_t to_unix_ms(Instant instant) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(instant.time_since_epoch()).count();
}
inline Instant from_unix_ms(std::int64_t ms) { return Instant(std::chrono::milliseconds(ms)); }
inline std::int64_t to_unix_seconds(Instant instant) {
  return std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count();
}
inline Instant from_unix_seconds(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }

}  // namespace holdpoint
