// JSON with byte positions: no tree, one pass, strings seen where they stand. Not a validator: what clients would
// read decides, and a text that is not JSON is walked as text as well.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "masker/detect/byte_set.hpp"
#include "masker/structure/hit_cursor.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

// The parser is recursive; a stack frame is about 300 bytes.
constexpr int nesting_max = 256;
constexpr ByteSet number_token_bytes("0123456789+-.eE");
constexpr std::size_t kTellingNameBytesMin = 8;  // no token is shorter

class JsonWalk {
 public:
  JsonWalk(Scan& scan, std::string_view text, Hits hits, int depth, Edits& edits)
      : scan_(scan), text_(text), hits_(hits), depth_(depth), edits_(edits) {}

  /// All values of the text (one, or one per line). False at the first byte that is not JSON.
  bool run() {
    skip_space();
    if (at_ >= text_.size()) return true;
    while (at_ < text_.size()) {
      if (!value({}, 0)) return false;
      skip_space();
    }
    return true;
  }

 private:
  struct Deferred {
    std::size_t begin;
    std::string_view name;
    KeyFacts own;
  };

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool value(const KeyFacts& facts, int nesting) {
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return nesting < nesting_max && object(facts.key, nesting + 1);
      case '[':
        return nesting < nesting_max && array(facts, nesting + 1);
      case '"':
        return string_value(facts);
      default:
        return scalar(facts.key);
    }
  }

  /// A name as it is meant; one that is written with escapes is kept in `room`.
  static std::string_view plain_name(std::string_view raw, std::string& room) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    room = unescape_json(raw).text;
    return room;
  }

  /// The raw inside of the string at the cursor; the cursor moves behind it.
  std::optional<std::string_view> string() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size()) {
      const char* quote = static_cast<const char*>(std::memchr(text_.data() + at_, '"', text_.size() - at_));
      if (quote == nullptr) return std::nullopt;
      const auto end = static_cast<std::size_t>(quote - text_.data());
      std::size_t slashes = 0;
      while (end - slashes > begin && text_[end - slashes - 1] == '\\') ++slashes;
      at_ = end + 1;
      if (slashes % 2 == 0) return text_.substr(begin, end - begin);
    }
    return std::nullopt;
  }

  bool string_value(const KeyFacts& facts) {
    const auto raw = string();
    if (!raw) return false;
    leaf(*raw, facts, Class::none);
    return true;
  }

  bool scalar(KeyClass key) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) > ' ') && text_[at_] != ',' &&
           text_[at_] != '}' && text_[at_] != ']' && text_[at_] != ':' && text_[at_] != '"' && text_[at_] != '{' &&
           text_[at_] != '[') {
      ++at_;
    }
    const std::string_view token = text_.substr(begin, at_ - begin);
    if (token.empty()) return false;
    const char first = token[0];
    if (first == '-' || (first >= '0' && first <= '9')) {
      if (number_token_bytes.find_other(token) != std::string_view::npos) return false;
      number(token, begin, key);
      return true;
    }
    return token == "true" || token == "false" || token == "null" || token == "NaN";
  }

  void number(std::string_view token, std::size_t begin, KeyClass key) {
    const bool interesting = key.hint == Hint::password || key.hint == Hint::secret || key.hint == Hint::personal ||
                             token.size() >= 9 || scan_.has_patterns();
    const Class model = scan_.model_class(token);
    if (!interesting && model == Class::none) return;
    Leaf number;
    number.text = token;
    number.key = key;
    number.model = model;
    number.number = true;
    edit_leaf(number, begin);
  }

  bool array(const KeyFacts& facts, int nesting) {
    ++at_;
    skip_space();
    if (at_ < text_.size() && text_[at_] == ']') return ++at_, true;
    while (true) {
      skip_space();
      if (!value(facts, nesting)) return false;
      skip_space();
      if (at_ >= text_.size()) return false;
      if (text_[at_] == ']') return ++at_, true;
      if (text_[at_++] != ',') return false;
    }
  }

  bool object(KeyClass inherited, int nesting) {
    ++at_;
    std::array<Deferred, 4> deferred{};  // more values than names in one object do not describe each other
    std::size_t deferred_count = 0;
    std::string_view sibling_name;
    bool secure = false;
    skip_space();
    if (at_ < text_.size() && text_[at_] == '}') return ++at_, true;
    while (true) {
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"') return false;
      const auto raw_name = string();
      if (!raw_name) return false;
      skip_space();
      if (at_ >= text_.size() || text_[at_++] != ':') return false;
      skip_space();
      if (at_ >= text_.size()) return false;
      const std::string_view name = *raw_name;
      name_text(name);
      std::string room;  // the walk's path refers to it
      const std::string_view plain = plain_name(name, room);
      KeyFacts own = scan_.key_facts_of(plain);
      scan_.push(plain);
      const std::size_t begin = at_;
      bool good = true;
      const bool text_value = text_[at_] == '"';
      if (own.values && text_[at_] != '{' && text_[at_] != '[' && deferred_count < deferred.size()) {
        deferred[deferred_count++] = {begin, name, own};
        good = text_value ? string().has_value() : skip_scalar();
      } else {
        if (own.key.hint == Hint::generic) own.key = inherited;
        good = value(own, nesting);
      }
      scan_.pop();
      if (!good) return false;
      if (text_value) {
        const std::string_view raw = text_.substr(begin + 1, at_ - begin - 2);
        if (own.names && sibling_name.empty() && raw.size() < 256) sibling_name = raw;
        secure |= raw == "SecureString";
      }
      skip_space();
      if (at_ >= text_.size()) return false;
      if (text_[at_] == '}') break;
      if (text_[at_++] != ',') return false;
    }
    const std::size_t end = ++at_;
    for (std::size_t i = 0; i < deferred_count; ++i) resolve(deferred[i], sibling_name, secure, inherited);
    at_ = end;
    return true;
  }

  /// Where people choose names (a map's keys, tags), a name may hold what a value may.
  void name_text(std::string_view raw) {
    const auto begin = static_cast<std::size_t>(raw.data() - text_.data());
    const Hits hits = raw.size() < kTellingNameBytesMin ? Hits() : hits_.within(begin, begin + raw.size());
    const auto digits = std::count_if(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (hits.empty() && digits < 9 && !scan_.has_patterns()) return;
    const std::size_t before = edits_.size();
    scan_.free_text(raw, hits, begin, {}, nested_depth_max, edits_);
    for (std::size_t i = before; i < edits_.size(); ++i) {
      edits_[i].begin += begin;
      edits_[i].end += begin;
    }
  }

  bool skip_scalar() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) > ' ' && text_[at_] != ',' &&
           text_[at_] != '}' && text_[at_] != ']')
      ++at_;
    return at_ > begin;
  }

  /// A "value" whose name stood beside it, in either order: {"Name":"db/password","Value":"…"}.
  void resolve(const Deferred& later, std::string_view raw_sibling, bool secure, KeyClass inherited) {
    KeyClass key = inherited;
    std::string sibling_room;
    const std::string_view sibling_name = plain_name(raw_sibling, sibling_room);
    if (!sibling_name.empty()) {
      const std::size_t slash = sibling_name.find_last_of("/:");
      const KeyClass named =
          scan_.key_class(slash == std::string_view::npos ? sibling_name : sibling_name.substr(slash + 1));
      if (named.hint != Hint::none && named.hint != Hint::generic) key = named;
    }
    at_ = later.begin;
    std::string room;
    scan_.push(plain_name(later.name, room));
    if (text_[at_] == '"') {
      KeyFacts facts = later.own;
      facts.key = key;
      if (const auto raw = string()) leaf(*raw, facts, secure ? Class::secret : Class::none);
    } else {
      (void)scalar(key);
    }
    scan_.pop();
  }

  void leaf(std::string_view raw, const KeyFacts& facts, Class model) {
    if (raw.empty()) return;
    const auto begin = static_cast<std::size_t>(raw.data() - text_.data());
    Leaf leaf;
    leaf.key = facts.key;
    leaf.model = model != Class::none && scan_.is_due(model, "model") ? model : scan_.model_class(raw);
    leaf.blob = facts.blob;
    leaf.number = facts.number;
    if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) {
      leaf.text = raw;
      leaf.hits = hits_.within(begin, begin + raw.size());
      leaf.hits_base = begin;
      return edit_leaf(leaf, begin);
    }
    const MappedText plain = unescape_json(raw);
    std::vector<Hit> own;
    if (!find_triggers(plain.text, own)) return scan_.block("pattern scan failed");
    leaf.text = plain.text;
    leaf.hits = own;
    Edits inner;
    scan_.value(leaf, depth_, inner);
    const std::size_t before = edits_.size();
    plain.map_back(std::move(inner), begin, scan_.length_preserving(), edits_);
    escape_json(edits_, before);
  }

  void edit_leaf(const Leaf& leaf, std::size_t begin) {
    const std::size_t before = edits_.size();
    scan_.value(leaf, depth_, edits_);
    shift(edits_, before, begin);
  }

  Scan& scan_;
  std::string_view text_;
  HitCursor hits_;
  int depth_;
  Edits& edits_;
  std::size_t at_ = 0;
};

}  // namespace

void Scan::walk_json(std::string_view text, int depth, Edits& edits) {
  std::vector<Hit> hits;
  if (!find_triggers(text, hits)) return block("pattern scan failed");
  Edits found;
  const std::size_t names = path_.size();
  JsonWalk walk(*this, text, hits, depth, found);
  if (!walk.run()) {
    // Cut off, or no JSON at all: what the structure showed stays, the rest is read as text.
    path_.resize(names);
    if (input_.content_type.find("json") != std::string::npos || opens_json(text)) want_structure(depth);
    free_text(text, hits, 0, {}, depth, found);
  }
  order(found);
  append(std::move(found), edits);
}

}  // namespace holdpoint::masker
