// XML with byte positions: tags, attributes, character data. Not a validator. Elements that wrap ("member", "item",
// "value") lend the name of what they stand in; a pair of sibling elements (ParameterKey, ParameterValue) is a name and
// its value in either order.
#include <cstring>

#include "bus/base/encoding.hpp"
#include "masker/structure/hit_cursor.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t elements_max = 256;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view local(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

class XmlWalk {
 public:
  XmlWalk(Scan& scan, std::string_view text, Hits hits, int depth, Edits& edits)
      : scan_(scan), text_(text), hits_(hits), depth_(depth), edits_(edits) {}

  /// False at the first byte that is not XML.
  bool run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<' && !starts("<![CDATA[")) {
        if (!markup()) return false;
      } else if (!characters()) {
        return false;
      }
    }
    return open_.empty();
  }

 private:
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Element {
    std::string_view name;
    KeyClass key;
    std::string_view child_name;  ///< text of a child called Name, Key …
    Span child_value;             ///< character data of a child called Value …, not looked at yet
    std::string_view value_name;
    bool secure = false;
  };

  [[nodiscard]] bool starts(std::string_view prefix) const { return text_.substr(at_, prefix.size()) == prefix; }

  bool markup() {
    if (starts("<!--")) return skip_to("-->");
    if (starts("<?")) return skip_to("?>");
    if (starts("<!")) return skip_to(">");  // a document type; entities of its own stay unresolved text
    if (starts("</")) return close_tag();
    return open_tag();
  }

  bool skip_to(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + end.size();
    return true;
  }

  std::string_view read_name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '>' && text_[at_] != '/' && text_[at_] != '=' &&
           text_[at_] != '<')
      ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool open_tag() {
    ++at_;
    const std::string_view name = local(read_name());
    if (name.empty() || open_.size() >= elements_max) return false;
    const KeyClass own = scan_.key_class(name);
    open_.push_back({name, own.hint == Hint::generic ? inherited() : own, {}, {}, {}, false});
    scan_.push(name);
    if (!attributes()) return false;
    if (starts("/>")) {
      at_ += 2;
      leave();
      return true;
    }
    if (at_ >= text_.size() || text_[at_] != '>') return false;
    ++at_;
    return true;
  }

  [[nodiscard]] KeyClass inherited() const { return open_.empty() ? KeyClass{} : open_.back().key; }

  bool attributes() {
    std::string_view sibling;
    while (true) {
      skip_space();
      if (at_ >= text_.size()) return false;
      if (text_[at_] == '>' || text_[at_] == '/') return true;
      const std::string_view name = local(read_name());
      skip_space();
      if (name.empty() || at_ >= text_.size() || text_[at_] != '=') return false;
      ++at_;
      skip_space();
      if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return false;
      const std::size_t begin = at_ + 1;
      const std::size_t end = text_.find(text_[at_], begin);
      if (end == std::string_view::npos) return false;
      at_ = end + 1;
      KeyClass key = scan_.key_class(name);
      // <add key="ApiKey" value="…"/>
      if (is_name_key(name)) sibling = text_.substr(begin, end - begin);
      if (is_value_key(name)) key = sibling.empty() ? inherited() : scan_.key_class(sibling);
      scan_.push(name);
      leaf({begin, end}, key, Class::none);
      scan_.pop();
    }
  }

  bool close_tag() {
    at_ += 2;
    const std::string_view name = local(read_name());
    skip_space();
    if (open_.empty() || open_.back().name != name || at_ >= text_.size() || text_[at_] != '>') return false;
    ++at_;
    leave();
    return true;
  }

  void leave() {
    const Element done = open_.back();
    // What waited for its sibling name.
    if (done.child_value.end > done.child_value.begin) {
      KeyClass key = done.key;
      if (!done.child_name.empty()) {
        const std::size_t slash = done.child_name.find_last_of("/:");
        const KeyClass named =
            scan_.key_class(slash == std::string_view::npos ? done.child_name : done.child_name.substr(slash + 1));
        if (named.hint != Hint::none && named.hint != Hint::generic) key = named;
      }
      scan_.push(done.value_name);
      leaf(done.child_value, key, done.secure ? Class::secret : Class::none);
      scan_.pop();
    }
    open_.pop_back();
    scan_.pop();
  }

  /// Character data up to the next tag, CDATA sections included.
  bool characters() {
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char* open = static_cast<const char*>(std::memchr(text_.data() + at_, '<', text_.size() - at_));
      if (open == nullptr) {
        at_ = text_.size();
        break;
      }
      at_ = static_cast<std::size_t>(open - text_.data());
      if (!starts("<![CDATA[")) break;
      if (!skip_to("]]>")) return false;
    }
    Span span{begin, at_};
    while (span.begin < span.end && is_space(text_[span.begin])) ++span.begin;
    while (span.end > span.begin && is_space(text_[span.end - 1])) --span.end;
    if (span.begin == span.end) return true;
    if (open_.empty()) return false;
    text_of_element(span);
    return true;
  }

  void text_of_element(Span span) {
    Element& element = open_.back();
    const std::string_view raw = text_.substr(span.begin, span.end - span.begin);
    if (open_.size() > 1) {
      Element& parent = open_[open_.size() - 2];
      if (raw.size() < 256 && parent.child_name.empty() && is_name_key(element.name)) parent.child_name = raw;
      if (raw == "SecureString") parent.secure = true;
      if (is_value_key(element.name) && parent.child_value.end == 0) {
        parent.child_value = span;
        parent.value_name = element.name;
        return;
      }
    }
    leaf(span, element.key, Class::none);
  }

  void leaf(Span span, KeyClass key, Class model) {
    const std::string_view raw = text_.substr(span.begin, span.end - span.begin);
    if (raw.empty()) return;
    Leaf leaf;
    leaf.key = key;
    leaf.model = model != Class::none && scan_.is_due(model, "model") ? model : scan_.model_class(raw);
    if (raw.find('&') == std::string_view::npos && raw.find("<![CDATA[") == std::string_view::npos) {
      leaf.text = raw;
      leaf.hits = hits_.within(span.begin, span.end);
      leaf.hits_base = span.begin;
      const std::size_t before = edits_.size();
      scan_.value(leaf, depth_, edits_);
      shift(edits_, before, span.begin);
      return;
    }
    bool has_cdata = false;
    const MappedText plain = unescape_xml(raw, has_cdata);
    std::vector<Hit> own;
    if (!find_triggers(plain.text, own)) return scan_.block("pattern scan failed");
    leaf.text = plain.text;
    leaf.hits = own;
    Edits inner;
    scan_.value(leaf, depth_, inner);
    if (inner.empty()) return;
    if (has_cdata) {
      // A mask may cross the section's markers, so the whole is written anew as escaped text.
      order(inner);
      std::string again = xml_escape(splice(plain.text, inner));
      if (scan_.length_preserving() && again.size() != raw.size())
        return scan_.block("a CDATA section cannot keep its length");
      edits_.push_back({span.begin, span.end, std::move(again)});
      return;
    }
    plain.map_back(std::move(inner), span.begin, scan_.length_preserving(), edits_);
  }

  Scan& scan_;
  std::string_view text_;
  HitCursor hits_;
  int depth_;
  Edits& edits_;
  std::vector<Element> open_;
  std::size_t at_ = 0;
};

}  // namespace

void Scan::walk_xml(std::string_view text, int depth, Edits& edits) {
  std::vector<Hit> hits;
  if (!find_triggers(text, hits)) return block("pattern scan failed");
  Edits found;
  const std::size_t names = path_.size();
  XmlWalk walk(*this, text, hits, depth, found);
  if (!walk.run()) {
    path_.resize(names);
    // Pages are never well formed, and no operator means their elements.
    if (input_.content_type.find("xml") != std::string::npos || !opens_page(text)) want_structure(depth);
    free_text(text, hits, 0, {}, depth, found);
  }
  order(found);
  append(std::move(found), edits);
}

}  // namespace holdpoint::masker
