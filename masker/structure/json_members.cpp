#include "masker/structure/json_members.hpp"

#include "bus/base/encoding.hpp"

namespace holdpoint::masker {
namespace {

constexpr int event_nesting_max = 32;  // events are flat
constexpr std::size_t path_bytes_max = 128;
constexpr std::size_t members_max = 1U << 16;
constexpr std::size_t indices_bytes_max = 128;

class MemberWalk {
 public:
  explicit MemberWalk(std::string_view text) : text_(text) {}

  std::optional<std::vector<JsonMember>> run() {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != '{' || !value({}, {}, false, 0)) return std::nullopt;
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    for (JsonMember& member : found_) member.path += indices_;
    return std::move(found_);
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool string(std::size_t& begin, std::size_t& end) {
    begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return false;
    end = at_++;
    return true;
  }

  bool value(const std::string& path, std::string_view name, bool in_array, int nesting) {
    if (at_ >= text_.size() || nesting > event_nesting_max) return false;
    const char c = text_[at_];
    if (c == '{') return object(path, in_array, nesting);
    if (c == '[') return array(path, name, nesting);
    if (c == '"') {
      std::size_t begin = 0;
      std::size_t end = 0;
      if (!string(begin, end)) return false;
      if (in_array || end == begin) return true;
      found_.push_back({path, name, begin, end});
      return found_.size() <= members_max;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) > ' ' && text_[at_] != ',' &&
           text_[at_] != '}' && text_[at_] != ']')
      ++at_;
    if (at_ == begin) return false;
    constexpr std::size_t index_digits_max = 8;
    if (!in_array && indices_.size() + name.size() < indices_bytes_max && at_ - begin <= index_digits_max &&
        to_lower(name).ends_with("index"))
      indices_.append(" ").append(name).append("=").append(text_.substr(begin, at_ - begin));
    return true;
  }

  bool object(const std::string& path, bool in_array, int nesting) {
    ++at_;
    skip_space();
    if (at_ < text_.size() && text_[at_] == '}') return ++at_, true;
    while (true) {
      skip_space();
      std::size_t begin = 0;
      std::size_t end = 0;
      if (at_ >= text_.size() || text_[at_] != '"' || !string(begin, end)) return false;
      const std::string_view name = text_.substr(begin, end - begin);
      skip_space();
      if (at_ >= text_.size() || text_[at_++] != ':') return false;
      skip_space();
      std::string inner = path;
      if (inner.size() < path_bytes_max) inner.append(inner.empty() ? "" : ".").append(name.substr(0, 128));
      if (!value(inner, name, in_array, nesting + 1)) return false;
      skip_space();
      if (at_ >= text_.size()) return false;
      if (text_[at_] == '}') return ++at_, true;
      if (text_[at_++] != ',') return false;
    }
  }

  bool array(const std::string& path, std::string_view name, int nesting) {
    ++at_;
    skip_space();
    if (at_ < text_.size() && text_[at_] == ']') return ++at_, true;
    while (true) {
      skip_space();
      if (!value(path, name, true, nesting + 1)) return false;
      skip_space();
      if (at_ >= text_.size()) return false;
      if (text_[at_] == ']') return ++at_, true;
      if (text_[at_++] != ',') return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<JsonMember> found_;
  std::string indices_;
};

}  // namespace

std::optional<std::vector<JsonMember>> json_text_members(std::string_view text) { return MemberWalk(text).run(); }

}  // namespace holdpoint::masker
