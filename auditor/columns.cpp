#include "auditor/columns.hpp"

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

std::string column_text(const std::string& text) {
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
  const auto time = from_rfc3339(text);
  if (!time || *time < Instant{}) return std::nullopt;
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

}  // namespace

const std::vector<std::string_view>& column_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Column& column : kColumns) all.push_back(column.name);
    return all;
  }();
  return names;
}

std::vector<std::optional<std::string>> columns_of(BytesView entry) {
  std::vector<std::optional<std::string>> values(std::size(kColumns));
  const auto event = parse_json(entry, record::kEventLimits);
  if (!event || !event->is_object()) return values;
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
