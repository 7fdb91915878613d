#include "bus/record/event.hpp"

namespace holdpoint::record {

std::string event_to_json(const Event& event) {
  // By hand, in the order of a sorted object: two are written per call, and their data is most of them.
  std::string out = "{\"data\":" + to_json(event.data);
  out.append(",\"id\":\"").append(to_text(event.id));
  out.append("\",\"source\":").append(to_json(event.source));
  out.append(",\"specversion\":\"1.0\",\"subject\":").append(to_json(event.subject));
  out.append(",\"time\":\"").append(to_rfc3339(event.time));
  out.append("\",\"type\":").append(to_json(event.type)).push_back('}');
  return out;
}

Result<Event> event_from_json(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed) return parsed.error();
  const Json& json = *parsed;
  if (!json.is_object()) return fail(Code::malformed, "an event is a JSON object");
  if (string_or(json, "specversion") != "1.0") return fail(Code::unsupported, "an event has \"specversion\":\"1.0\"");
  Event event;
  const auto id = id_from_text(string_or(json, "id"));
  if (!id) return fail(Code::malformed, "an event's \"id\" is a UUID");
  event.id = *id;
  const auto time = from_rfc3339(string_or(json, "time"));
  if (!time) return fail(Code::malformed, "an event's \"time\" is RFC 3339");
  event.time = *time;
  auto source = get_string(json, "source");
  if (!source) return source.error();
  auto type = get_string(json, "type");
  if (!type) return type.error();
  event.source = std::move(*source);
  event.type = std::move(*type);
  event.subject = string_or(json, "subject");
  const auto data = json.find("data");
  if (data == json.end() || !data->is_object()) return fail(Code::malformed, "an event's \"data\" is an object");
  event.data = *data;
  return event;
}

}  // namespace holdpoint::record
