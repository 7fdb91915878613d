#include "bus/base/json.hpp"

#include <algorithm>
#include <vector>

namespace holdpoint {
namespace {

// Builds the DOM, and refuses duplicate keys and too deep nesting, which nlohmann's own builder would let pass.
class StrictBuilder {
 public:
  StrictBuilder(Json& root, std::size_t depth_max) : root_(root), depth_max_(depth_max) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t& value) { return put(std::move(value)); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    const auto [place, inserted] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name));
    if (!inserted) error_ = fail(Code::malformed, "duplicate key \"" + display(place->first, 80) + "\"");
    member_ = &place->second;
    return inserted;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& exception) {
    const bool range = exception.id == 406;
    error_ = fail(Code::malformed,
                  (range ? "number out of range at byte " : "invalid JSON at byte ") + std::to_string(position));
    return false;
  }
  Error take_error() { return std::move(error_); }

 private:
  Json& place() {
    if (open_.empty()) return root_;
    if (open_.back()->is_array()) return open_.back()->get_ref<Json::array_t&>().emplace_back();
    return *member_;
  }
  bool put(Json value) {
    place() = std::move(value);
    return true;
  }
  bool open(Json empty) {
    if (open_.size() == depth_max_) {
      error_ = fail(Code::too_large, "JSON nested deeper than " + std::to_string(depth_max_));
      return false;
    }
    Json& here = place();
    here = std::move(empty);
    open_.push_back(&here);  // stays where it is: its container grows only after this is closed
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json& root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::size_t depth_max_;
  Error error_ = fail(Code::malformed, "invalid JSON");
};

bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void write_text(const std::string& text, std::string& out) {
  if (!is_plain(text)) {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  out.push_back('"');
  out.append(text);
  out.push_back('"');
}

// What nlohmann writes, byte for byte; but texts, which are nearly all plain, are copied instead of decoded.
void write_json(const Json& value, std::string& out) {
  char separator = 0;
  const auto separate = [&](char begin) {
    out.push_back(separator == 0 ? begin : ',');
    separator = ',';
  };
  switch (value.type()) {
    case Json::value_t::string:
      return write_text(value.get_ref<const std::string&>(), out);
    case Json::value_t::object:
      if (value.empty()) break;
      for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
        separate('{');
        write_text(name, out);
        out.push_back(':');
        write_json(member, out);
      }
      out.push_back('}');
      return;
    case Json::value_t::array:
      if (value.empty()) break;
      for (const Json& element : value) {
        separate('[');
        write_json(element, out);
      }
      out.push_back(']');
      return;
    default:
      break;
  }
  out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error missing(std::string_view member, std::string_view kind) {
  return fail(Code::malformed, "member \"" + std::string(member) + "\" is missing or is no " + std::string(kind));
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.bytes_max) {
    return fail(Code::too_large, "JSON of more than " + std::to_string(limits.bytes_max) + " bytes");
  }
  // nlohmann skips a byte-order mark, which would be a second text for the same value.
  if (text.starts_with("\xef\xbb\xbf")) return fail(Code::malformed, "JSON must not begin with a byte-order mark");
  // nlohmann takes a NUL for the end and would leave unread what another reader sees behind it.
  if (text.find('\0') != std::string_view::npos) return fail(Code::malformed, "JSON must not hold a NUL");
  Json root;
  StrictBuilder builder(root, limits.depth_max);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return builder.take_error();
  return root;
}

std::string to_json(const Json& value) {
  std::string out;
  write_json(value, out);
  return out;
}

Json text_json(BytesView bytes) {
  if (is_utf8(bytes)) return Json(std::string(bytes));
  return Json{{"base64", to_base64(bytes)}};
}

Result<std::string> get_string(const Json& object, std::string_view member) {
  const auto found = object.find(member);
  if (!object.is_object() || found == object.end() || !found->is_string()) return missing(member, "string");
  return found->get<std::string>();
}

Result<std::int64_t> get_int(const Json& object, std::string_view member) {
  const auto found = object.find(member);
  if (!object.is_object() || found == object.end() || !found->is_number_integer()) return missing(member, "integer");
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > INT64_MAX) return missing(member, "integer");
  return found->get<std::int64_t>();
}

Result<bool> get_bool(const Json& object, std::string_view member) {
  const auto found = object.find(member);
  if (!object.is_object() || found == object.end() || !found->is_boolean()) return missing(member, "boolean");
  return found->get<bool>();
}

std::string string_or(const Json& object, std::string_view member, std::string_view otherwise) {
  const auto found = object.find(member);
  if (!object.is_object() || found == object.end() || !found->is_string()) return std::string(otherwise);
  return found->get<std::string>();
}

}  // namespace holdpoint
