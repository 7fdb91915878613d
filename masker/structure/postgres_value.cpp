#include "masker/structure/postgres_value.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "bus/base/encoding.hpp"
#include "masker/detect/harmless.hpp"
#include "masker/structure/position_map.hpp"

namespace holdpoint::masker {
namespace {

enum class Form { text, integer, decimal, date, timestamp, uuid, json, jsonb, bytea, array, opaque };

struct Type {
  Form form;
  std::uint32_t element = 0;
};

/// Types that hold no text are opaque; types of the database's own (enumerations, domains) are read as text.
Type type_of(std::uint32_t oid) {
  switch (oid) {
    case 17:
      return {Form::bytea};
    case 20:  // int8
    case 21:  // int2
    case 23:  // int4
    case 26:  // oid
      return {Form::integer};
    case 700:   // float4
    case 701:   // float8
    case 1700:  // numeric
      return {Form::decimal};
    case 114:
      return {Form::json};
    case 3802:
      return {Form::jsonb};
    case 1082:
      return {Form::date};
    case 1114:
    case 1184:
      return {Form::timestamp};
    case 2950:
      return {Form::uuid};
    case 199:
      return {Form::array, 114};
    case 3807:
      return {Form::array, 3802};
    case 1001:
      return {Form::array, 17};
    case 1005:
      return {Form::array, 21};
    case 1007:
      return {Form::array, 23};
    case 1016:
      return {Form::array, 20};
    case 1231:
      return {Form::array, 1700};
    case 1182:
      return {Form::array, 1082};
    case 2951:
      return {Form::array, 2950};
    case 1003:  // name[]
    case 1009:  // text[]
    case 1014:  // bpchar[]
    case 1015:  // varchar[]
      return {Form::array, 25};
    case 16:   // bool
    case 600:  // point …
    case 601:
    case 602:
    case 603:
    case 604:
    case 628:
    case 718:
    case 650:   // cidr
    case 829:   // macaddr
    case 869:   // inet
    case 1083:  // time
    case 1186:  // interval
    case 1266:  // timetz
    case 1560:  // bit
    case 1562:
      return {Form::opaque};
    default:
      return {Form::text};
  }
}

constexpr std::string_view blank_date = "1900-01-01";
constexpr std::int32_t blank_days = -36524;  // since 2000-01-01
constexpr std::int64_t microseconds_per_day = 86'400'000'000;
constexpr std::string_view blank_uuid = "00000000-0000-0000-0000-000000000000";

std::int64_t read_integer(std::string_view bytes) {
  std::uint64_t value = !bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

std::string write_integer(std::int64_t value, std::size_t width) {
  std::string out;
  for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<char>((value >> (i * 8)) & 0xff));
  return out;
}

class Cell {
 public:
  Cell(Scan& scan, KeyClass key, Hits hits, std::size_t base, int depth)
      : scan_(scan), key_(key), hits_(hits), base_(base), depth_(depth) {}

  std::optional<std::string> mask(Type type, bool binary, std::string_view value) {
    if (value.empty() || type.form == Form::opaque) return std::nullopt;
    if (type.form == Form::array) return binary ? binary_array(value) : text_array(type, value);
    return binary ? binary_value(type.form, value) : text_value(type.form, value);
  }

 private:
  Leaf leaf_of(std::string_view value) const {
    Leaf leaf;
    leaf.text = value;
    leaf.hits = hits_;
    leaf.hits_base = base_;
    leaf.key = key_;
    leaf.model = scan_.model_class(value);
    return leaf;
  }

  Edits judge(std::string_view value, bool number = false) {
    Leaf leaf = leaf_of(value);
    leaf.number = number;
    Edits found;
    scan_.value(leaf, depth_, found);
    order(found);
    return found;
  }

  /// What was made here from the cell's bytes has no hits yet.
  Edits judge_made(std::string_view value, bool number = false) {
    std::vector<Hit> own;
    if (!find_triggers(value, own)) scan_.block("pattern scan failed");
    Cell made(scan_, key_, own, 0, depth_);
    return made.judge(value, number);
  }

  std::optional<std::string> raw_bytes(std::string_view value) {
    Edits found;
    scan_.binary_value(leaf_of(value), depth_, found);
    if (found.empty()) return std::nullopt;
    order(found);
    return splice(value, found);
  }

  std::optional<std::string> text_value(Form form, std::string_view value) {
    if (form == Form::bytea && value.starts_with("\\x")) {
      const auto bytes = from_hex(to_lower(value.substr(2)));
      if (!bytes) return std::nullopt;
      std::vector<Hit> own;
      if (!find_triggers(*bytes, own)) scan_.block("pattern scan failed");
      const auto masked = Cell(scan_, key_, own, 0, depth_).raw_bytes(*bytes);
      if (!masked) return std::nullopt;
      return "\\x" + to_hex(*masked);
    }
    const Edits found = judge(value, form == Form::integer || form == Form::decimal);
    if (found.empty()) return std::nullopt;
    const bool whole = found.size() == 1 && found[0].begin == 0 && found[0].end == value.size();
    if (form == Form::date || form == Form::timestamp) {
      if (value.size() < blank_date.size()) return std::nullopt;  // infinity
      return std::string(blank_date) + std::string(value.substr(blank_date.size()));
    }
    if (form == Form::uuid) return std::string(blank_uuid);
    std::string out = splice(value, found);
    if (whole && (form == Form::json || form == Form::jsonb)) {
      if (scan_.length_preserving() && out.size() > 2) out = out.substr(2);
      return '"' + out + '"';
    }
    return out;
  }

  std::optional<std::string> binary_value(Form form, std::string_view value) {
    switch (form) {
      case Form::integer:
        return integer(value);
      case Form::decimal:
        return decimal(value);
      case Form::date:
        return day(value, value.size() == 4 ? read_integer(value) : 0, 4);
      case Form::timestamp: {
        if (value.size() != 8) return std::nullopt;
        const std::int64_t time = read_integer(value);
        return day(value, time / microseconds_per_day, 8);
      }
      case Form::uuid:
        return uuid(value);
      case Form::jsonb: {
        // A version byte stands before the text.
        Cell text(scan_, key_, hits_, base_ + 1, depth_);
        const auto masked = text.text_value(Form::json, value.substr(1));
        if (!masked) return std::nullopt;
        return std::string(value.substr(0, 1)) + *masked;
      }
      case Form::json:
        return text_value(Form::json, value);
      default:
        return raw_bytes(value);
    }
  }

  std::optional<std::string> integer(std::string_view value) {
    const std::int64_t number = read_integer(value);
    if (number < 0 || value.size() > 8) return std::nullopt;
    const std::string digits = std::to_string(number);
    const Edits found = judge_made(digits, true);
    if (found.empty()) return std::nullopt;
    const std::string masked = splice(digits, found);
    std::int64_t out = 0;
    (void)std::from_chars(masked.data(), masked.data() + masked.size(), out);
    return write_integer(out, value.size());
  }

  /// Whole numerics of up to 19 digits: groups of 10,000, the first worth 10,000^weight.
  std::optional<std::string> decimal(std::string_view value) {
    constexpr std::size_t head_bytes = 8;
    if (value.size() < head_bytes + 2 || value.size() == 8) return std::nullopt;
    const std::int64_t groups = read_integer(value.substr(0, 2));
    const std::int64_t weight = read_integer(value.substr(2, 2));
    constexpr std::int64_t groups_max = 4;  // five can exceed 64 bits
    if (groups < 1 || groups > groups_max || weight + 1 < groups || weight + 1 > groups_max ||
        value.size() != head_bytes + 2 * static_cast<std::size_t>(groups))
      return std::nullopt;
    std::uint64_t number = 0;
    for (std::int64_t i = 0; i <= weight; ++i) {
      const auto at = head_bytes + 2 * static_cast<std::size_t>(i);
      number = number * 10'000 + (i < groups ? static_cast<std::uint64_t>(read_integer(value.substr(at, 2))) : 0);
    }
    const std::string digits = std::to_string(number);
    const Edits found = judge_made(digits, true);
    if (found.empty()) return std::nullopt;
    const std::string masked = splice(digits, found);
    std::uint64_t left = 0;
    (void)std::from_chars(masked.data(), masked.data() + masked.size(), left);
    std::string out(value);
    for (std::int64_t i = weight; i >= 0; --i, left /= 10'000) {
      if (i >= groups) continue;
      const auto at = head_bytes + 2 * static_cast<std::size_t>(i);
      out.replace(at, 2, write_integer(static_cast<std::int64_t>(left % 10'000), 2));
    }
    return out;
  }

  std::optional<std::string> day(std::string_view value, std::int64_t days, std::size_t width) {
    constexpr std::int64_t days_max = 1'000'000;
    if (value.size() != width || key_.hint < Hint::password || days > days_max || days < -days_max) return std::nullopt;
    using namespace std::chrono;
    const year_month_day date{sys_days{year{2000} / 1 / 1} + std::chrono::days{days}};
    char text[24];
    const int length = std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    if (judge_made({text, static_cast<std::size_t>(length)}).empty()) return std::nullopt;
    if (width == 4) return write_integer(blank_days, 4);
    return write_integer(blank_days * microseconds_per_day, 8);
  }

  std::optional<std::string> uuid(std::string_view value) {
    if (value.size() != 16 || key_.hint < Hint::password) return std::nullopt;
    std::string text = to_hex(value);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
    if (judge_made(text).empty()) return std::nullopt;
    return std::string(16, '\0');
  }

  /// dimensions, has-nulls, element type, (size, lower bound) each, then elements with their lengths; -1 is null.
  std::optional<std::string> binary_array(std::string_view value) {
    constexpr std::size_t head_bytes = 12;
    constexpr std::int64_t dimensions_max = 6;
    const auto unreadable = [&] { return scan_.block("an array cannot be read"), std::nullopt; };
    if (value.size() < head_bytes) return unreadable();
    const std::int64_t dimensions = read_integer(value.substr(0, 4));
    const Type element = type_of(static_cast<std::uint32_t>(read_integer(value.substr(8, 4))));
    if (dimensions < 0 || dimensions > dimensions_max || element.form == Form::array) return unreadable();
    std::size_t at = head_bytes + 8 * static_cast<std::size_t>(dimensions);
    if (at > value.size()) return unreadable();
    std::string out(value.substr(0, at));
    bool changed = false;
    while (at < value.size()) {
      if (value.size() - at < 4) return unreadable();
      const std::int64_t length = read_integer(value.substr(at, 4));
      at += 4;
      if (length > static_cast<std::int64_t>(value.size() - at)) return unreadable();
      const std::string_view piece = value.substr(at, length < 0 ? 0 : static_cast<std::size_t>(length));
      at += piece.size();
      std::vector<Hit> own;
      if (!find_triggers(piece, own)) scan_.block("pattern scan failed");
      const auto masked = Cell(scan_, key_, own, 0, depth_).mask(element, true, piece);
      changed |= masked.has_value();
      out += write_integer(masked ? static_cast<std::int64_t>(masked->size()) : length, 4);
      out += masked ? *masked : std::string(piece);
    }
    return changed ? std::optional(out) : std::nullopt;
  }

  /// {a,"b \"c\"",{d}}: elements are masked where they stand.
  std::optional<std::string> text_array(Type type, std::string_view value) {
    Edits found;
    std::size_t at = 0;
    while (at < value.size()) {
      const char c = value[at];
      if (c == '{' || c == '}' || c == ',') {
        ++at;
        continue;
      }
      const bool quoted = c == '"';
      const std::size_t begin = quoted ? at + 1 : at;
      std::size_t end = begin;
      while (end < value.size() && (quoted ? value[end] != '"' : value[end] != ',' && value[end] != '}'))
        end += value[end] == '\\' ? 2 : 1;
      end = std::min(end, value.size());
      at = quoted ? std::min(end + 1, value.size()) : std::max(end, at + 1);
      element({type.element == 0 ? Form::text : type_of(type.element).form}, value.substr(begin, end - begin), begin,
              quoted, found);
    }
    if (found.empty()) return std::nullopt;
    order(found);
    return splice(value, found);
  }

  void element(Type type, std::string_view raw, std::size_t begin, bool quoted, Edits& found) {
    if (raw.empty() || raw == "NULL") return;
    const MappedText plain = unescape_backslashes(raw);
    std::vector<Hit> own;
    if (!find_triggers(plain.text, own)) scan_.block("pattern scan failed");
    const auto masked = Cell(scan_, key_, own, 0, depth_).mask(type, false, plain.text);
    if (!masked) return;
    Edits whole{{begin, begin + raw.size(), *masked}};
    escape_json(whole, 0);
    // What needs quotes now stood in quotes before: masks alone have none of the letters that ask for them.
    if (!quoted && whole[0].text != *masked) return scan_.block("an array's element cannot be written");
    found.push_back(std::move(whole[0]));
  }

  Scan& scan_;
  KeyClass key_;
  Hits hits_;
  std::size_t base_;
  int depth_;
};

}  // namespace

MappedText unescape_backslashes(std::string_view raw) {
  const auto digit = [](char c, int base) {
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : 16;
    return value < base ? value : -1;
  };
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] != '\\' || at + 1 >= raw.size()) {
      out.put(raw[at], at);
      ++at;
      continue;
    }
    const char c = raw[at + 1];
    const bool hex = c == 'x' && at + 2 < raw.size() && digit(raw[at + 2], 16) >= 0;
    if (hex || digit(c, 8) >= 0) {
      const int base = hex ? 16 : 8;
      std::size_t next = at + (hex ? 2 : 1);
      const std::size_t stop = next + (hex ? 2 : 3);
      int code = 0;
      while (next < raw.size() && next < stop && digit(raw[next], base) >= 0)
        code = code * base + digit(raw[next++], base);
      out.put(static_cast<char>(code & 0xff), at);
      at = next;
      continue;
    }
    constexpr std::string_view letters = "nrtbfv";
    constexpr std::string_view values = "\n\r\t\b\f\v";
    const std::size_t which = letters.find(c);
    out.put(which == std::string_view::npos ? c : values[which], at);
    at += 2;
  }
  out.finish(raw.size());
  return out;
}

std::optional<std::string> mask_postgres_value(Scan& scan, const PostgresColumn& column, KeyClass key,
                                               std::string_view value, Hits hits, std::size_t base, int depth) {
  Cell cell(scan, key, hits, base, depth);
  // Without a description the format is not known either.
  if (column.type == 0 && column.name.empty()) return cell.mask({Form::text}, true, value);
  return cell.mask(type_of(column.type), column.binary, value);
}

}  // namespace holdpoint::masker
