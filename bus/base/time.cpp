#include "bus/base/time.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace holdpoint {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Exactly `digits` decimal digits at the front of `text`, which are taken off; -1 otherwise.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

// Exactly `digits` of them, then `behind`; where the text goes on.
char* put_number(char* to, unsigned value, std::size_t digits, char behind) {
  for (std::size_t i = digits; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
  to[digits] = behind;
  return to + digits + 1;
}

constexpr std::array<std::pair<std::string_view, Duration>, 5> kUnits = {
    {{"ms", milliseconds(1)}, {"s", seconds(1)}, {"m", minutes(1)}, {"h", hours(1)}, {"d", days(1)}}};

}  // namespace

Instant system_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

Instant steady_now() {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::string to_rfc3339(Instant instant) {
  const auto day = std::chrono::floor<days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Duration> time(instant - day);
  char text[sizeof "YYYY-MM-DDThh:mm:ss.uuuuuuZ"];
  const int year = static_cast<int>(date.year());
  const bool usual = year >= 0 && year <= 9999;
  char* to = put_number(text, usual ? static_cast<unsigned>(year) : 0, 4, '-');
  to = put_number(to, static_cast<unsigned>(date.month()), 2, '-');
  to = put_number(to, static_cast<unsigned>(date.day()), 2, 'T');
  to = put_number(to, static_cast<unsigned>(time.hours().count()), 2, ':');
  to = put_number(to, static_cast<unsigned>(time.minutes().count()), 2, ':');
  to = put_number(to, static_cast<unsigned>(time.seconds().count()), 2, '.');
  to = put_number(to, static_cast<unsigned>(time.subseconds().count()), 6, 'Z');
  if (!usual) return std::to_string(year) + std::string(text + 4, to);
  return {text, to};
}

std::optional<Instant> from_rfc3339(std::string_view text) {
  const int year = take_number(text, 4);
  if (year < 0 || !take_char(text, '-')) return std::nullopt;
  const int month = take_number(text, 2);
  if (month < 1 || !take_char(text, '-')) return std::nullopt;
  const int day = take_number(text, 2);
  if (day < 1 || (!take_char(text, 'T') && !take_char(text, 't'))) return std::nullopt;
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take_char(text, ':')) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take_char(text, ':')) return std::nullopt;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return std::nullopt;

  std::int64_t fraction_us = 0;
  if (take_char(text, '.')) {
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, text.remove_prefix(1)) {
      if (digits < 6) fraction_us = fraction_us * 10 + (text.front() - '0');
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    for (; digits < 6; ++digits) fraction_us *= 10;
  }

  minutes offset{0};
  if (!take_char(text, 'Z') && !take_char(text, 'z')) {
    const bool west = take_char(text, '-');
    if (!west && !take_char(text, '+')) return std::nullopt;
    const int offset_hour = take_number(text, 2);
    if (offset_hour < 0 || offset_hour > 23 || !take_char(text, ':')) return std::nullopt;
    const int offset_minute = take_number(text, 2);
    if (offset_minute < 0 || offset_minute > 59) return std::nullopt;
    offset = hours(offset_hour) + minutes(offset_minute);
    if (west) offset = -offset;
  }
  if (!text.empty()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) +
         Duration(fraction_us) - offset;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0 || end == text.data()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  constexpr Duration kLongest = days(3653);
  for (const auto& [suffix, length] : kUnits) {
    if (unit != suffix) continue;
    if (count > kLongest / length) return std::nullopt;
    return count * length;
  }
  return std::nullopt;
}

std::string to_text(Duration duration) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (duration >= unit->second && duration % unit->second == Duration::zero()) {
      return std::to_string(duration / unit->second) + std::string(unit->first);
    }
  }
  return std::to_string(duration / milliseconds(1)) + "ms";
}

}  // namespace holdpoint
