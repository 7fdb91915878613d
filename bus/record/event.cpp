#include "bus/record/event.hpp"

#include <algorithm>
#include <cstdint>

#include "bus/record/event_limits.hpp"

namespace holdpoint::record {

namespace {

constexpr std::size_t kMembersUsual = 32;
constexpr std::size_t kBytesUsual = 1536;

/// The first eight bytes of a name, which has no NUL, as a number that sorts as they do.
std::uint64_t front_of(std::string_view name) {
  std::uint64_t front = 0;
  for (std::size_t i = 0; i < sizeof front; ++i)
    front = front << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  return front;
}

void append_text(BytesView value, std::string& out) {
  if (is_utf8(value)) {
    append_json_text(value, out);
  } else {
    append_json(text_json(value), out);
  }
}

}  // namespace

EventData::EventData(const Json& object) {
  for (const auto& [name, value] : object.items()) json(name, value);
}

void EventData::begin(std::string_view name) {
  if (members_.empty()) {
    members_.reserve(kMembersUsual);
    written_.reserve(kBytesUsual);
  }
  members_.push_back({written_.size(), name.size(), 0});
  append_json_text(name, written_);
  HOLDPOINT_INVARIANT(written_.size() == members_.back().begin + name.size() + 2);
  written_.push_back(':');
}

void EventData::text(std::string_view name, BytesView value) {
  begin(name);
  append_text(value, written_);
  end();
}

void EventData::json(std::string_view name, const Json& value) {
  begin(name);
  append_json(value, written_);
  end();
}

void EventData::begin_list(std::string_view name) {
  begin(name);
  written_.push_back('[');
}

void EventData::list_text(BytesView value) {
  if (written_.back() != '[') written_.push_back(',');
  append_text(value, written_);
}

void EventData::end_list() {
  written_.push_back(']');
  end();
}

std::string EventData::to_json() const {
  struct Placed {
    std::uint64_t front;  ///< tells most names apart
    const Member* member;
  };
  std::vector<Placed> sorted;
  sorted.reserve(members_.size());
  const auto before = [this](const Placed& a, const Placed& b) {
    return a.front != b.front ? a.front < b.front : name_of(*a.member) < name_of(*b.member);
  };
  // Most come in their order already: only the others look for their place.
  for (const Member& member : members_) {
    const Placed next{front_of(name_of(member)), &member};
    const bool behind = sorted.empty() || !before(next, sorted.back());
    sorted.insert(behind ? sorted.end() : std::upper_bound(sorted.begin(), sorted.end(), next, before), next);
  }
  std::string out;
  out.reserve(written_.size() + sorted.size() + 2);
  out.push_back('{');
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Member& member = *sorted[i].member;
    if (i > 0) {
      HOLDPOINT_INVARIANT(sorted[i - 1].front != sorted[i].front || name_of(*sorted[i - 1].member) != name_of(member));
      out.push_back(',');
    }
    out.append(written_, member.begin, member.end - member.begin);
  }
  out.push_back('}');
  return out;
}

std::string EventData::text_of(std::string_view name) const {
  for (const Member& member : members_) {
    if (name_of(member) != name) continue;
    const std::size_t begin = member.begin + name.size() + 3;  // behind `"name":`
    const std::string_view value = std::string_view(written_).substr(begin, member.end - begin);
    const bool plain = value.size() >= 2 && value.front() == '"' && value.find('\\') == std::string_view::npos;
    if (plain) return std::string(value.substr(1, value.size() - 2));
    const auto parsed = parse_json(value);
    HOLDPOINT_INVARIANT(parsed);
    return parsed->is_string() ? parsed->get<std::string>() : std::string();
  }
  return {};
}

Json EventData::values() const {
  // Deeper than what is read from outside: an agent's parameters are one member of it.
  auto parsed = parse_json(to_json(), kEventLimits);
  HOLDPOINT_INVARIANT(parsed);
  return std::move(*parsed);
}

std::string event_to_json(const Event& event) { return event_to_json(event, holdpoint::to_json(event.data)); }

std::string event_to_json(const Event& event, std::string_view data) {
  // By hand, in the order of a sorted object: two are written per call, and their data is most of them.
  std::string out;
  out.reserve(data.size() + event.source.size() + event.subject.size() + event.type.size() + 192);
  out.append("{\"data\":").append(data);
  out.append(",\"id\":\"").append(to_text(event.id)).append("\",\"source\":");
  append_json_text(event.source, out);
  out.append(",\"specversion\":\"1.0\",\"subject\":");
  append_json_text(event.subject, out);
  out.append(",\"time\":\"").append(to_rfc3339(event.time)).append("\",\"type\":");
  append_json_text(event.type, out);
  out.push_back('}');
  return out;
}

Result<Event> event_from_json(std::string_view text) {
  auto parsed = parse_json(text, kEventLimits);
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
