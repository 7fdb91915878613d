#include "auditor/verify/expected_columns.hpp"

#include "bus/base/json.hpp"
#include "bus/base/time.hpp"
#include "bus/record/event_limits.hpp"

namespace holdpoint::auditor::verify {
namespace {

using Columns = std::map<std::string, std::optional<std::string>>;

// schema/001_audit.sql, by what the columns hold.
constexpr const char* kTextsOfData[] = {
    "session_id", "operation_id", "review_id", "principal", "role_arn",  "target",     "service",
    "operation",  "region",       "access",    "decision",  "outcome",   "code",       "reason",
    "policy",     "statement",    "reviewer",  "verdict",   "source_ip", "user_agent", "upstream_request_id"};
constexpr const char* kNumbersOfData[] = {"status", "wait_ms", "upstream_ms"};

const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

/// The first 500 characters, NUL shown as U+FFFD. The text is valid UTF-8: the parser saw to that.
std::optional<std::string> text(const Json* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto whole = value->get<std::string>();
  std::string cut;
  int characters = 0;
  for (std::size_t at = 0; at < whole.size() && characters < 500; ++characters) {
    const auto lead = static_cast<unsigned char>(whole[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    cut += lead == 0 ? std::string("\xef\xbf\xbd") : whole.substr(at, length);
    at += length;
  }
  return cut;
}

std::optional<std::string> number(const Json* value) {
  if (value == nullptr || (value->is_number_unsigned() && value->get<std::uint64_t>() > 9223372036854775807ULL)) {
    return std::nullopt;
  }
  if (!value->is_number_integer()) return std::nullopt;
  return value->dump();
}

std::optional<std::string> time(const Json* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto instant = from_rfc3339(value->get<std::string>());
  if (!instant || instant->time_since_epoch().count() < 0) return std::nullopt;
  std::string shown = to_rfc3339(*instant);
  if (shown.size() != std::string_view("YYYY-MM-DDThh:mm:ss.uuuuuuZ").size()) return std::nullopt;  // the year 10000
  return shown;
}

}  // namespace

Columns expected_columns(BytesView entry) {
  Columns columns{{"time", {}}, {"type", {}}, {"subject", {}}, {"findings", {}}};
  for (const char* name : kTextsOfData) columns[name] = std::nullopt;
  for (const char* name : kNumbersOfData) columns[name] = std::nullopt;
  const auto event = parse_json(entry, record::kEventLimits);
  if (event.has_error() || !event->is_object()) return columns;
  columns["time"] = time(member(*event, "time"));
  columns["type"] = text(member(*event, "type"));
  columns["subject"] = text(member(*event, "subject"));
  const Json* data = member(*event, "data");
  if (data == nullptr || !data->is_object()) return columns;
  for (const char* name : kTextsOfData) columns[name] = text(member(*data, name));
  for (const char* name : kNumbersOfData) columns[name] = number(member(*data, name));
  const Json* findings = member(*data, "findings");
  if (findings != nullptr && findings->is_array()) columns["findings"] = std::to_string(findings->size());
  return columns;
}

}  // namespace holdpoint::auditor::verify
