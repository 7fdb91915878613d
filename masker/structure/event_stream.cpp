// Event streams: each message's payload by its own content type, and what goes on from message to message as one: the
// bytes of payloads that are no documents (log lines, rows), and the text members of successive JSON events (a model's
// words, their base64). What crosses messages is masked first; then each message stands for itself.
#include <algorithm>
#include <map>
#include <optional>

#include "bus/base/encoding.hpp"
#include "masker/structure/event_messages.hpp"
#include "masker/structure/json_members.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sequence.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t header_value_bytes_max = 65535;

struct Event {
  std::string kind;  ///< its event or exception type
  std::string type;  ///< of its content, lower case
  std::string headers;
  std::string payload;
};

bool is_document_type(std::string_view type) {
  return type.find("json") != std::string_view::npos || type.find("xml") != std::string_view::npos ||
         type.find("cbor") != std::string_view::npos;
}

/// Members that models call a blob: base64 in JSON.
bool may_hold_base64(std::string_view name) {
  constexpr std::string_view names[] = {"bytes", "blob", "data", "chunk", "payload", "body", "content", "audio"};
  const std::string lower = to_lower(name);
  return std::find(std::begin(names), std::end(names), lower) != std::end(names);
}

class EventStreamWalk {
 public:
  EventStreamWalk(Scan& scan, int depth) : scan_(scan), depth_(depth) {}

  void run(std::vector<Event>& events) {
    std::map<std::string_view, std::vector<Event*>> kinds;
    for (Event& event : events) kinds[event.kind].push_back(&event);
    for (auto& [kind, members] : kinds) {
      scan_.push(kind);
      mask_kind(members);
      scan_.pop();
    }
    for (Event& event : events) headers(event);
  }

 private:
  using Documents = std::vector<std::string*>;

  void mask_kind(std::vector<Event*>& events) {
    Documents objects;
    Documents raw;
    for (Event* event : events) {
      if (event->payload.empty()) continue;
      if (event->payload.front() == '{') objects.push_back(&event->payload);
      if (!is_document_type(event->type)) raw.push_back(&event->payload);
    }
    mask_members(objects, depth_ + 1);
    const bool packed_each =
        std::all_of(raw.begin(), raw.end(), [](const std::string* each) { return packing_of(*each) != Packing::none; });
    if (!packed_each) mask_joined(raw, depth_ + 1);
    for (Event* event : events) {
      if (packed_each || is_document_type(event->type)) mask_document(event->payload, event->type);
    }
  }

  void mask_document(std::string& document, std::string_view type) {
    Edits found;
    scan_.walk_document(document, type, depth_ + 1, found);
    if (found.empty()) return;
    order(found);
    document = splice(document, found);
  }

  /// Documents that are pieces of one.
  void mask_joined(const Documents& pieces, int depth) {
    if (pieces.empty()) return;
    Sequence sequence;
    for (const std::string* piece : pieces) sequence.add(*piece);
    Edits found;
    scan_.walk_document(sequence.whole(), {}, depth, found);
    if (found.empty()) return;
    order(found);
    std::vector<Edits> cut = sequence.cut(found);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (!cut[i].empty()) *pieces[i] = splice(*pieces[i], cut[i]);
    }
  }

  struct Place {
    std::size_t document;
    std::size_t begin;
    std::size_t end;
  };

  /// Text members that go on from object to object.
  void mask_members(const Documents& objects, int depth) {
    if (objects.size() < 2 || depth > nested_depth_max) return;
    std::map<std::string, std::vector<Place>> streams;
    std::map<std::string, std::string> names;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const auto members = json_text_members(*objects[i]);
      if (!members) continue;
      for (const JsonMember& member : *members) {
        streams[member.path].push_back({i, member.begin, member.end});
        names.try_emplace(member.path, member.name);
      }
    }
    std::vector<Edits> edits(objects.size());
    for (const auto& [path, places] : streams) {
      const std::string& name = names[path];
      if (places.size() < 2 || scan_.key_class(name).hint == Hint::harmless) continue;
      scan_.push(path);
      const bool opened = may_hold_base64(name) && mask_base64(objects, places, depth, edits);
      if (!opened) mask_text(objects, places, depth, edits);
      scan_.pop();
    }
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (edits[i].empty()) continue;
      order(edits[i]);
      *objects[i] = splice(*objects[i], edits[i]);
    }
  }

  void mask_text(const Documents& objects, const std::vector<Place>& places, int depth, std::vector<Edits>& edits) {
    Sequence sequence;
    std::vector<MappedText> plain;
    for (const Place& place : places) {
      plain.push_back(
          unescape_json(std::string_view(*objects[place.document]).substr(place.begin, place.end - place.begin)));
      sequence.add(plain.back().text);
    }
    Edits found;
    scan_.walk_document(sequence.whole(), {}, depth, found);
    order(found);
    std::vector<Edits> cut = sequence.cut(found);
    for (std::size_t i = 0; i < places.size(); ++i) {
      Edits& outer = edits[places[i].document];
      const std::size_t before = outer.size();
      plain[i].map_back(std::move(cut[i]), places[i].begin, scan_.length_preserving(), outer);
      escape_json(outer, before);
    }
  }

  /// True when the members are base64 of text, masked or not.
  bool mask_base64(const Documents& objects, const std::vector<Place>& places, int depth, std::vector<Edits>& edits) {
    std::vector<std::string> decoded;
    std::string whole;
    for (const Place& place : places) {
      const auto plain =
          unescape_json(std::string_view(*objects[place.document]).substr(place.begin, place.end - place.begin));
      auto bytes = from_base64(plain.text);
      if (!bytes) return false;
      whole += *bytes;
      decoded.push_back(std::move(*bytes));
    }
    if (!is_textual(whole)) return false;
    const std::vector<std::string> before = decoded;
    Documents pieces;
    for (std::string& each : decoded) pieces.push_back(&each);
    mask_members(pieces, depth + 1);
    mask_joined(pieces, depth + 1);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (decoded[i] != before[i])
        edits[places[i].document].push_back({places[i].begin, places[i].end, to_base64(decoded[i])});
    }
    return true;
  }

  /// An exception's text and headers that an operation models; not what the protocol itself needs.
  void headers(Event& event) {
    const auto read = read_event_headers(event.headers);
    if (!read) return scan_.block("an event's headers cannot be read");
    std::string out;
    for (EventHeader header : *read) {
      const bool of_protocol = header.name.starts_with(':') && header.name != ":error-message";
      std::string masked;
      if (!of_protocol && (header.type == event_header_string || header.type == event_header_bytes)) {
        masked = header_value(header);
        if (masked.size() > header_value_bytes_max) return scan_.block("an event's masked header is too long");
        header.value = masked;
      }
      write_event_header(out, header);
    }
    event.headers = std::move(out);
  }

  std::string header_value(const EventHeader& header) {
    std::vector<Hit> hits;
    if (!find_triggers(header.value, hits)) scan_.block("pattern scan failed");
    scan_.push(header.name);
    Leaf leaf;
    leaf.text = header.value;
    leaf.hits = hits;
    leaf.key = scan_.key_class(header.name);
    leaf.model = scan_.model_class(header.value);
    Edits found;
    scan_.binary_value(leaf, depth_ + 1, found);
    scan_.pop();
    order(found);
    return splice(header.value, found);
  }

  Scan& scan_;
  int depth_;
};

/// Nothing when the headers cannot be read.
std::optional<Event> read_event(const EventMessage& message) {
  const auto headers = read_event_headers(message.headers);
  if (!headers) return std::nullopt;
  Event event;
  for (const EventHeader& header : *headers) {
    if (header.name == ":event-type" || header.name == ":exception-type" || header.name == ":error-code")
      event.kind = header.value;
    if (header.name == ":content-type") event.type = to_lower(header.value.substr(0, header.value.find(';')));
  }
  event.headers = message.headers;
  event.payload = message.payload;
  return event;
}

}  // namespace

bool Scan::walk_event_stream(std::string_view bytes, int depth, Edits& edits) {
  const auto messages = read_event_messages(bytes);
  if (!messages) return false;
  std::vector<Event> events;
  for (const EventMessage& message : *messages) {
    auto event = read_event(message);
    if (!event) return false;
    events.push_back(std::move(*event));
  }
  EventStreamWalk(*this, depth).run(events);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const EventMessage& message = (*messages)[i];
    if (events[i].headers == message.headers && events[i].payload == message.payload) continue;
    edits.push_back({message.begin, message.end, write_event_message(events[i].headers, events[i].payload)});
  }
  return true;
}

}  // namespace holdpoint::masker
