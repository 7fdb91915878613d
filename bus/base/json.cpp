#include "bus/base/json.hpp"

#include <array>
#include <cstdint>
#include <cstring>

#include "bus/base/json_reader.hpp"

namespace holdpoint {
namespace {

// What stands in a JSON text as it is.
constexpr std::array<bool, 256> kUnescaped = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

/// The same of eight bytes at once: a byte's highest bit shows when it is below 0x20, '"', a backslash, 0x7f or above.
bool is_plain(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighest = 0x8080808080808080U;
  // Zero bytes of x: exact as long as no byte has its highest bit set, which is refused anyway.
  const auto has_zero = [](std::uint64_t x) { return (x - kOnes) & ~x; };
  const std::uint64_t low = eight - kOnes * 0x20;
  return ((eight | (low & ~eight) | has_zero(eight ^ kOnes * '"') | has_zero(eight ^ kOnes * '\\') |
           has_zero(eight ^ kOnes * 0x7f)) &
          kHighest) == 0;
}

bool is_plain(std::string_view text) {
  bool plain = true;
  std::uint64_t eight = 0;
  if (text.size() < sizeof eight) {
    for (const char c : text) plain &= kUnescaped[static_cast<unsigned char>(c)];
    return plain;
  }
  for (std::size_t at = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    plain &= is_plain(eight);
  }
  // The last eight, some of them for the second time.
  std::memcpy(&eight, text.data() + text.size() - sizeof eight, sizeof eight);
  return plain && is_plain(eight);
}

void write_escape(char c, std::string& out) {
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t known = kEscaped.find(c);
  if (known != std::string_view::npos) {
    out.append({'\\', kNames[known]});
  } else {
    out.append("\\u00").append({kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]});
  }
}

void write_text(std::string_view text, std::string& out) {
  if (!is_plain(text)) {
    if (!is_utf8(text)) {
      out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
      return;
    }
    const auto stands = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; };
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      while (end < text.size() && stands(text[end])) ++end;
      out.append(text, at, end - at);
      if (end < text.size()) write_escape(text[end++], out);
      at = end;
    }
    out.push_back('"');
    return;
  }
  const std::size_t begin = out.size();
  out.resize(begin + text.size() + 2, '"');
  text.copy(out.data() + begin + 1, text.size());
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
  // It would be a second text for the same value.
  if (text.starts_with("\xef\xbb\xbf")) return fail(Code::malformed, "JSON must not begin with a byte-order mark");
  // Another reader may take it for the end and leave unread what stands behind it.
  if (text.find('\0') != std::string_view::npos) return fail(Code::malformed, "JSON must not hold a NUL");
  return JsonReader(text, limits).read();
}

std::string to_json(const Json& value) {
  std::string out;
  write_json(value, out);
  return out;
}

void append_json(const Json& value, std::string& out) { write_json(value, out); }
void append_json_text(std::string_view text, std::string& out) { write_text(text, out); }

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
