#include "bus/base/json.hpp"

#include <set>
#include <vector>

namespace holdpoint {
namespace {

// Wraps nlohmann's DOM builder: refuses duplicate keys and too deep nesting, which the builder would let pass.
class StrictBuilder {
 public:
  StrictBuilder(Json& root, std::size_t depth_max) : builder_(root, false), depth_max_(depth_max) {}

  bool null() { return builder_.null(); }
  bool boolean(bool value) { return builder_.boolean(value); }
  bool number_integer(Json::number_integer_t value) { return builder_.number_integer(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return builder_.number_unsigned(value); }
  bool number_float(Json::number_float_t value, const std::string& text) { return builder_.number_float(value, text); }
  bool string(std::string& value) { return builder_.string(value); }
  bool binary(Json::binary_t& value) { return builder_.binary(value); }
  bool start_object(std::size_t size) {
    keys_.emplace_back();
    return deeper() && builder_.start_object(size);
  }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second) {
      error_ = fail(Code::malformed, "duplicate key \"" + display(name, 80) + "\"");
      return false;
    }
    return builder_.key(name);
  }
  bool end_object() {
    keys_.pop_back();
    --depth_;
    return builder_.end_object();
  }
  bool start_array(std::size_t size) { return deeper() && builder_.start_array(size); }
  bool end_array() {
    --depth_;
    return builder_.end_array();
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& exception) {
    const bool range = exception.id == 406;
    error_ = fail(Code::malformed,
                  (range ? "number out of range at byte " : "invalid JSON at byte ") + std::to_string(position));
    return false;
  }
  Error take_error() { return std::move(error_); }

 private:
  bool deeper() {
    if (++depth_ <= depth_max_) return true;
    error_ = fail(Code::too_large, "JSON nested deeper than " + std::to_string(depth_max_));
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> builder_;
  std::vector<std::set<std::string>> keys_;
  std::size_t depth_ = 0;
  std::size_t depth_max_;
  Error error_ = fail(Code::malformed, "invalid JSON");
};

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

std::string to_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

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
