#include "auditor/columns.hpp"

#include <array>
#include <charconv>
#include <map>

#include "auditor/event_scan.hpp"
#include "bus/base/json.hpp"
#include "bus/base/time.hpp"
#include "bus/record/event_limits.hpp"

namespace holdpoint::auditor {
namespace {

enum class Kind { time, text, number, length };
enum class Place { event, data };

struct Column {
  std::string_view name;
  Place place;
  Kind kind;
};

constexpr Column kColumns[] = {
    {"time", Place::event, Kind::time},        {"type", Place::event, Kind::text},
    {"subject", Place::event, Kind::text},     {"session_id", Place::data, Kind::text},
    {"operation_id", Place::data, Kind::text}, {"review_id", Place::data, Kind::text},
    {"principal", Place::data, Kind::text},    {"role_arn", Place::data, Kind::text},
    {"target", Place::data, Kind::text},       {"service", Place::data, Kind::text},
    {"operation", Place::data, Kind::text},    {"region", Place::data, Kind::text},
    {"access", Place::data, Kind::text},       {"decision", Place::data, Kind::text},
    {"outcome", Place::data, Kind::text},      {"code", Place::data, Kind::text},
    {"reason", Place::data, Kind::text},       {"policy", Place::data, Kind::text},
    {"statement", Place::data, Kind::text},    {"status", Place::data, Kind::number},
    {"wait_ms", Place::data, Kind::number},    {"upstream_ms", Place::data, Kind::number},
    {"findings", Place::data, Kind::length},   {"upstream_request_id", Place::data, Kind::text},
    {"reviewer", Place::data, Kind::text},     {"verdict", Place::data, Kind::text},
    {"source_ip", Place::data, Kind::text},    {"user_agent", Place::data, Kind::text},
};

static_assert(std::size(kColumns) == kColumnCount);

constexpr std::size_t kCharactersMax = 500;  // 2,000 bytes: an index entry holds 2,704

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::string column_text(std::string text) {
  if (text.size() <= kCharactersMax && text.find('\0') == std::string::npos) return text;
  std::string out;
  std::size_t characters = 0;
  for (const char byte : text) {
    if (!continues(byte) && ++characters > kCharactersMax) break;
    if (byte == '\0') {
      out += "\xef\xbf\xbd";
    } else {
      out += byte;
    }
  }
  return out;
}

std::optional<std::string> column_time(const std::string& text) {
  // A zone can put the last hour of 9999 into a year that no reader takes.
  constexpr Instant kEnd{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}};
  const auto time = from_rfc3339(text);
  if (!time || *time < Instant{} || *time >= kEnd) return std::nullopt;
  return to_rfc3339(*time);
}

std::optional<std::string> value_of(const Json& member, Kind kind) {
  switch (kind) {
    case Kind::time:
      return member.is_string() ? column_time(member.get_ref<const std::string&>()) : std::nullopt;
    case Kind::text:
      if (!member.is_string()) return std::nullopt;
      return column_text(member.get_ref<const std::string&>());
    case Kind::number:
      if (!member.is_number_integer()) return std::nullopt;
      if (member.is_number_unsigned() && member.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
      return std::to_string(member.get<std::int64_t>());
    case Kind::length:
      if (!member.is_array()) return std::nullopt;
      return std::to_string(member.size());
  }
  return std::nullopt;
}

std::optional<std::string> value_of(const EventMember& member, Kind kind) {
  switch (kind) {
    case Kind::time:
      return member.kind == EventMember::Kind::text ? column_time(event_text(member)) : std::nullopt;
    case Kind::text:
      if (member.kind != EventMember::Kind::text) return std::nullopt;
      return column_text(event_text(member));
    case Kind::number: {
      if (member.kind != EventMember::Kind::integer) return std::nullopt;
      std::int64_t number = 0;  // at most 18 digits; "-0" is 0
      std::from_chars(member.text.data(), member.text.data() + member.text.size(), number);
      return std::to_string(number);
    }
    case Kind::length:
      if (member.kind != EventMember::Kind::list) return std::nullopt;
      return std::to_string(member.size);
  }
  return std::nullopt;
}

/// kColumns by place and name.
const std::map<std::string_view, std::size_t>& columns_at(Place place) {
  static const auto tables = [] {
    std::array<std::map<std::string_view, std::size_t>, 2> all;
    for (std::size_t i = 0; i < std::size(kColumns); ++i) {
      all[static_cast<std::size_t>(kColumns[i].place)][kColumns[i].name] = i;
    }
    return all;
  }();
  return tables[static_cast<std::size_t>(place)];
}

}  // namespace

const std::vector<std::string_view>& column_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Column& column : kColumns) all.push_back(column.name);
    return all;
  }();
  return names;
}

ColumnType column_type(std::size_t index) {
  switch (kColumns[index].kind) {
    case Kind::time:
      return ColumnType::time;
    case Kind::number:
    case Kind::length:
      return ColumnType::number;
    case Kind::text:
      break;
  }
  return ColumnType::text;
}

std::vector<std::optional<std::string>> columns_of(BytesView entry, std::optional<std::string>* source) {
  std::vector<std::optional<std::string>> values(std::size(kColumns));
  thread_local std::vector<EventMember> members;
  if (scan_event(entry, members)) {
    for (const EventMember& member : members) {
      if (source != nullptr && !member.of_data && member.name == "source") {
        *source = member.kind == EventMember::Kind::text ? event_text(member) : "";
      }
      const auto& columns = columns_at(member.of_data ? Place::data : Place::event);
      const auto column = columns.find(member.name);
      if (column != columns.end()) values[column->second] = value_of(member, kColumns[column->second].kind);
    }
    return values;
  }
  const auto event = parse_json(entry, record::kEventLimits);
  if (!event || !event->is_object()) return values;
  if (source != nullptr && event->contains("source")) *source = string_or(*event, "source");
  const auto found = event->find("data");
  const Json* const data = found != event->end() && found->is_object() ? &*found : nullptr;
  for (std::size_t i = 0; i < std::size(kColumns); ++i) {
    const Json* const from = kColumns[i].place == Place::event ? &*event : data;
    if (from == nullptr) continue;
    const auto member = from->find(kColumns[i].name);
    if (member != from->end()) values[i] = value_of(*member, kColumns[i].kind);
  }
  return values;
}

}  // namespace holdpoint::auditor
