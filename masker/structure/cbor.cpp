// CBOR (RFC 8949) with byte positions: no tree, one pass. Masks are spliced into strings, whose heads are written anew;
// arrays and maps count members, not bytes, so they stay as they are. Strict: what is malformed is not walked on.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>

#include "bus/base/encoding.hpp"
#include "masker/detect/named_value.hpp"
#include "masker/structure/hit_cursor.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

// The parser is recursive; a stack frame is about 500 bytes.
constexpr int cbor_nesting_max = 256;
constexpr unsigned indefinite = 31;

enum class Major : unsigned { unsigned_integer, negative_integer, bytes, text, array, map, tag, simple };

constexpr std::uint64_t tag_epoch = 1;
constexpr std::uint64_t tag_encoded_cbor = 24;

char lead_byte(Major major, std::uint64_t info) {
  return static_cast<char>(static_cast<unsigned>(major) << 5U | static_cast<unsigned>(info));
}

Major major_of(char lead) { return static_cast<Major>(static_cast<unsigned char>(lead) >> 5U); }

void put_head(std::string& out, Major major, std::uint64_t argument) {
  const auto lead = [&](unsigned info) { out.push_back(lead_byte(major, info)); };
  if (argument < 24) return lead(static_cast<unsigned>(argument));
  unsigned width = 0;
  while (width < 3 && argument >> (8U << width) != 0) ++width;
  lead(24 + width);
  for (unsigned i = 1U << width; i-- > 0;) out.push_back(static_cast<char>((argument >> (i * 8)) & 0xff));
}

class CborWalk {
 public:
  CborWalk(Scan& scan, std::string_view whole, Hits hits, int depth, Edits& edits)
      : scan_(scan), whole_(whole), hits_(hits), depth_(depth), edits_(edits) {}

  /// All items (one, or a sequence). False at the first byte that is not CBOR.
  bool run() {
    while (at_ < whole_.size()) {
      if (!item({}, 0)) return false;
    }
    return true;
  }

 private:
  struct Head {
    Major major;
    unsigned info;
    std::uint64_t argument;
    std::size_t begin;
  };
  struct String {
    bool is_text;
    std::size_t begin;  ///< of its head
    std::size_t end;
    std::size_t content = 0;  ///< where its bytes begin; of an indefinite one they stand in `joined`
    std::string_view value;
    std::string joined;
    std::vector<std::size_t> chunks;  ///< ends within `joined`
    bool pieces = false;
  };
  struct Deferred {
    std::size_t begin;
    std::string_view name;
    KeyFacts own;
  };

  std::optional<Head> head() {
    if (at_ >= whole_.size()) return std::nullopt;
    const auto first = static_cast<unsigned char>(whole_[at_]);
    Head head{major_of(whole_[at_]), first & 31U, first & 31U, at_};
    ++at_;
    if (head.info < 24 || head.info == indefinite) return head;
    if (head.info > 27) return std::nullopt;
    const std::size_t width = std::size_t{1} << (head.info - 24);
    if (whole_.size() - at_ < width) return std::nullopt;
    head.argument = 0;
    for (std::size_t i = 0; i < width; ++i)
      head.argument = head.argument << 8 | static_cast<unsigned char>(whole_[at_ + i]);
    at_ += width;
    return head;
  }

  [[nodiscard]] bool at_break() const { return at_ < whole_.size() && whole_[at_] == '\xff'; }

  /// The bytes of a definite string whose head was read.
  std::optional<std::string_view> content(const Head& head) {
    if (head.argument > whole_.size() - at_) return std::nullopt;
    const std::string_view value = whole_.substr(at_, head.argument);
    if (head.major == Major::text && !is_utf8(value)) return std::nullopt;
    at_ += head.argument;
    return value;
  }

  bool read_string(const Head& head, String& out) {
    out.is_text = head.major == Major::text;
    out.begin = head.begin;
    if (head.info != indefinite) {
      out.content = at_;
      const auto value = content(head);
      if (!value) return false;
      out.value = *value;
    } else {
      out.pieces = true;
      while (!at_break()) {
        const auto piece = this->head();
        if (!piece || piece->major != head.major || piece->info == indefinite) return false;
        const auto value = content(*piece);
        if (!value) return false;
        out.joined.append(*value);
        out.chunks.push_back(out.joined.size());
      }
      ++at_;
      out.value = out.joined;
    }
    out.end = at_;
    return true;
  }

  bool item(const KeyFacts& facts, int nesting) {
    const auto read = head();
    if (!read || nesting >= cbor_nesting_max) return false;
    switch (read->major) {
      case Major::unsigned_integer:
      case Major::negative_integer:
        if (read->info == indefinite) return false;
        integer(*read, facts.key);
        return true;
      case Major::bytes:
      case Major::text: {
        String string;
        if (!read_string(*read, string)) return false;
        leaf(string, facts, Class::none);
        return true;
      }
      case Major::array:
        return elements(*read, facts, nesting);
      case Major::map:
        return members(*read, facts.key, nesting);
      case Major::tag:
        return tagged(*read, facts, nesting);
      default:
        return simple_value(*read, facts.key);
    }
  }

  bool elements(const Head& head, const KeyFacts& facts, int nesting) {
    if (head.info == indefinite) {
      while (!at_break()) {
        if (!item(facts, nesting + 1)) return false;
      }
      ++at_;
      return true;
    }
    if (head.argument > whole_.size() - at_) return false;  // each takes a byte
    for (std::uint64_t i = 0; i < head.argument; ++i) {
      if (!item(facts, nesting + 1)) return false;
    }
    return true;
  }

  bool members(const Head& head, KeyClass inherited, int nesting) {
    std::array<Deferred, 4> deferred{};
    std::size_t deferred_count = 0;
    std::string sibling_name;
    bool secure = false;
    const bool open = head.info == indefinite;
    if (!open && head.argument > (whole_.size() - at_) / 2) return false;
    // Names of indefinite length live here until what waits for its sibling is done.
    std::vector<std::unique_ptr<String>> names;
    for (std::uint64_t i = 0; open ? !at_break() : i < head.argument; ++i) {
      const auto key = this->head();
      if (!key) return false;
      if (key->major != Major::text) {
        // A number or a structure in place of a name tells nothing about the value.
        at_ = key->begin;
        if (!item({}, nesting + 1) || !item({inherited}, nesting + 1)) return false;
        continue;
      }
      auto name = std::make_unique<String>();
      if (!read_string(*key, *name)) return false;
      name_text(*name);
      KeyFacts own = scan_.key_facts_of(name->value);
      scan_.push(name->value);
      const std::size_t begin = at_;
      const bool text_value = begin < whole_.size() && major_of(whole_[begin]) == Major::text;
      bool good = true;
      if (own.values && deferred_count < deferred.size() && is_scalar()) {
        deferred[deferred_count++] = {begin, name->value, own};
        good = skip_scalar();
        names.push_back(std::move(name));
      } else {
        if (own.key.hint == Hint::generic) own.key = inherited;
        good = item(own, nesting + 1);
      }
      scan_.pop();
      if (!good) return false;
      if (!text_value) continue;
      if (own.names && sibling_name.empty() && last_text_.size() < 256) sibling_name = last_text_;
      secure |= last_text_ == "SecureString";
    }
    if (open) ++at_;
    const std::size_t end = at_;
    for (std::size_t i = 0; i < deferred_count; ++i) {
      if (!resolve(deferred[i], sibling_name, secure, inherited)) return false;
    }
    at_ = end;
    return true;
  }

  [[nodiscard]] bool is_scalar() const { return at_ < whole_.size() && major_of(whole_[at_]) <= Major::text; }

  bool skip_scalar() {
    const auto read = head();
    if (!read) return false;
    if (read->major != Major::bytes && read->major != Major::text) return read->info != indefinite;
    String string;
    if (!read_string(*read, string)) return false;
    remember(string);
    return true;
  }

  /// A "value" whose name stood beside it, in either order.
  bool resolve(const Deferred& later, const std::string& sibling_name, bool secure, KeyClass inherited) {
    KeyFacts facts = later.own;
    facts.key = inherited;
    if (!sibling_name.empty()) {
      const std::size_t slash = sibling_name.find_last_of("/:");
      const KeyClass named = scan_.key_class(std::string_view(sibling_name).substr(slash + 1));
      if (named.hint != Hint::none && named.hint != Hint::generic) facts.key = named;
    }
    at_ = later.begin;
    scan_.push(later.name);
    const auto read = head();
    bool good = read.has_value();
    if (good && (read->major == Major::bytes || read->major == Major::text)) {
      String string;
      good = read_string(*read, string);
      if (good) leaf(string, facts, secure ? Class::secret : Class::none);
    } else if (good) {
      integer(*read, facts.key);
    }
    scan_.pop();
    return good;
  }

  bool tagged(const Head& head, const KeyFacts& facts, int nesting) {
    if (head.info == indefinite) return false;
    if (head.argument == tag_epoch && at_ < whole_.size()) {
      // A time, as an integer or a float.
      const Major major = major_of(whole_[at_]);
      if (major == Major::unsigned_integer || major == Major::negative_integer || major == Major::simple)
        return skip_scalar();
    }
    if (head.argument != tag_encoded_cbor) return item(facts, nesting + 1);
    const auto inner = this->head();
    if (!inner || inner->major != Major::bytes) return false;
    String string;
    if (!read_string(*inner, string)) return false;
    if (depth_ >= nested_depth_max) return scan_.block("encodings are nested too deeply"), true;
    Edits found;
    if (!scan_.walk_cbor(string.value, depth_ + 1, found)) return false;
    replace(string, found);
    return true;
  }

  bool simple_value(const Head& head, KeyClass key) {
    if (head.info == indefinite) return false;  // a break where an item belongs
    if (head.info == 27) {
      double value = 0;
      std::memcpy(&value, &head.argument, sizeof value);
      constexpr double exact_max = 9007199254740992.0;
      if (value >= 100'000'000 && value < exact_max && value == std::floor(value)) whole_float(head, value, key);
    }
    return true;
  }

  /// The digits of a number and what is left of them; nothing when they may stay.
  std::optional<std::uint64_t> masked_digits(std::uint64_t number, KeyClass key) {
    const std::string digits = std::to_string(number);
    const Class model = scan_.model_class(digits);
    const bool interesting =
        key.hint >= Hint::password || digits.size() >= 9 || model != Class::none || scan_.has_patterns();
    if (!interesting) return std::nullopt;
    Leaf leaf;
    leaf.text = digits;
    leaf.key = key;
    leaf.model = model;
    leaf.number = true;
    Edits found;
    scan_.value(leaf, depth_, found);
    if (found.empty()) return std::nullopt;
    order(found);
    const std::string masked = splice(digits, found);
    std::uint64_t value = 0;
    (void)std::from_chars(masked.data(), masked.data() + masked.size(), value);
    return value;
  }

  /// In as many bytes as before: a mask is never larger than what it replaces.
  void write_number(const Head& head, std::uint64_t argument) {
    std::string out(1, whole_[head.begin]);
    const std::size_t width = at_ - head.begin - 1;
    if (width == 0) {
      out[0] = lead_byte(head.major, argument);
    } else {
      for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<char>((argument >> (i * 8)) & 0xff));
    }
    edits_.push_back({head.begin, at_, std::move(out)});
  }

  void integer(const Head& head, KeyClass key) {
    if (const auto masked = masked_digits(head.argument, key); masked && *masked <= head.argument)
      write_number(head, *masked);
  }

  void whole_float(const Head& head, double value, KeyClass key) {
    const auto masked = masked_digits(static_cast<std::uint64_t>(value), key);
    if (!masked) return;
    const auto changed = static_cast<double>(*masked);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &changed, sizeof bits);
    write_number(head, bits);
  }

  void remember(const String& string) {
    if (string.is_text) last_text_ = string.value.substr(0, 256);
  }

  /// Where people choose names, a name may hold what a value may.
  void name_text(const String& name) {
    const auto digits =
        std::count_if(name.value.begin(), name.value.end(), [](char c) { return c >= '0' && c <= '9'; });
    std::vector<Hit> own;
    std::size_t base = 0;
    const Hits hits = hits_of(name, own, base);
    if (hits.empty() && digits < 9 && !scan_.has_patterns()) return;
    Edits found;
    scan_.free_text(name.value, hits, base, {}, nested_depth_max, found);
    replace(name, found);
  }

  Hits hits_of(const String& string, std::vector<Hit>& own, std::size_t& base) {
    if (!string.pieces) {
      base = string.content;
      return hits_.within(string.content, string.content + string.value.size());
    }
    if (!find_triggers(string.value, own)) scan_.block("pattern scan failed");
    return own;
  }

  void leaf(const String& string, const KeyFacts& facts, Class model) {
    remember(string);
    if (string.value.empty()) return;
    Leaf leaf;
    std::vector<Hit> own;
    leaf.text = string.value;
    leaf.hits = hits_of(string, own, leaf.hits_base);
    leaf.key = facts.key;
    leaf.model = model != Class::none && scan_.is_due(model, "model") ? model : scan_.model_class(string.value);
    leaf.number = facts.number;
    Edits found;
    if (string.is_text) {
      scan_.value(leaf, depth_, found);
    } else {
      scan_.binary_value(leaf, depth_, found);
    }
    replace(string, found);
  }

  void replace(const String& string, Edits& found) {
    if (found.empty()) return;
    order(found);
    const std::string value = splice(string.value, found);
    const Major major = string.is_text ? Major::text : Major::bytes;
    std::string out;
    if (!string.pieces) {
      if (value.size() == string.value.size()) {
        out = whole_.substr(string.begin, string.content - string.begin);
      } else {
        put_head(out, major, value.size());
      }
      out.append(value);
    } else {
      write_pieces(string, value, major, out);
    }
    edits_.push_back({string.begin, string.end, std::move(out)});
  }

  /// Of the same length: in the same pieces. Else in one, still of indefinite length.
  static void write_pieces(const String& string, std::string_view value, Major major, std::string& out) {
    out.push_back(lead_byte(major, indefinite));
    std::size_t from = 0;
    if (value.size() == string.value.size()) {
      for (const std::size_t end : string.chunks) {
        put_head(out, major, end - from);
        out.append(value.substr(from, end - from));
        from = end;
      }
    } else {
      put_head(out, major, value.size());
      out.append(value);
    }
    out.push_back('\xff');
  }

  Scan& scan_;
  std::string_view whole_;
  HitCursor hits_;
  int depth_;
  Edits& edits_;
  std::string last_text_;
  std::size_t at_ = 0;
};

}  // namespace

bool Scan::walk_cbor(std::string_view bytes, int depth, Edits& edits) {
  std::vector<Hit> hits;
  if (!find_triggers(bytes, hits)) return block("pattern scan failed"), true;
  Edits found;
  const std::size_t names = path_.size();
  CborWalk walk(*this, bytes, hits, depth, found);
  const bool good = walk.run();
  path_.resize(names);
  if (!good) return false;
  order(found);
  append(std::move(found), edits);
  return true;
}

/// A byte string, a bytea: text, a packed or binary document, or bytes that mean nothing here.
void Scan::binary_value(const Leaf& leaf, int depth, Edits& edits) {
  if (leaf.text.empty()) return;
  if (is_textual(leaf.text)) return value(leaf, depth, edits);
  Class whole = leaf.model;
  std::string_view rule = std::exchange(named_by_, "model");
  if (whole == Class::none) {
    // Judged as the base64 that other protocols would show.
    whole = judge_named(leaf.key, to_base64(leaf.text.substr(0, 96)));
    rule = "name";
    if (whole != Class::none && !is_due(whole, rule)) whole = Class::none;
  }
  if (whole != Class::none) return add(whole, rule, leaf.text, 0, Shape::text, edits);
  if (walk_binary(leaf.text, {}, depth + 1, edits)) return;
  free_text(leaf.text, leaf.hits, leaf.hits_base, leaf.key, nested_depth_max, edits);
}

}  // namespace holdpoint::masker
