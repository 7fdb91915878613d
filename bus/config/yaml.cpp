#include "bus/config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "bus/base/encoding.hpp"

namespace holdpoint::config {
namespace {

constexpr std::size_t kNodesMax = 20000;
constexpr std::size_t kDepthMax = 30;

struct Refused {
  Mark mark;
  const char* what;
};

// yaml-cpp counts from 0.
Mark to_mark(const YAML::Mark& mark) { return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1}; }

// Builds the tree from the parser's events; throws Refused for what configuration does not use.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, "", anchor, YamlNode::Kind::null); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{to_mark(mark), "aliases are not accepted"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!is_utf8(value) || value.find('\0') != std::string::npos) throw Refused{to_mark(mark), "expected UTF-8 text"};
    add(mark, tag, anchor, YamlNode::Kind::scalar).text = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

  YamlNode take() { return std::move(root_); }

 private:
  // A list or map under construction; of a map also the key that waits for its value.
  struct Level {
    YamlNode node;
    std::vector<YamlNode> pending_key;
  };

  static YamlNode make(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (anchor != 0) throw Refused{to_mark(mark), "anchors are not accepted"};
    // "?" is a plain scalar's and "!" a quoted one's own tag.
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused{to_mark(mark), "tags (!…) are not accepted"};
    YamlNode node;
    node.kind = kind;
    node.mark = to_mark(mark);
    return node;
  }

  YamlNode& add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    return place(make(mark, tag, anchor, kind));
  }

  YamlNode& place(YamlNode node) {
    if (++nodes_ > kNodesMax) throw Refused{node.mark, "more than 20000 values"};
    if (levels_.empty()) return root_ = std::move(node);
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::list) return level.node.items.emplace_back(std::move(node));
    if (level.pending_key.empty()) return level.pending_key.emplace_back(std::move(node));
    auto& entry = level.node.entries.emplace_back(YamlEntry{std::move(level.pending_key.front()), std::move(node)});
    level.pending_key.clear();
    return entry.value;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (levels_.size() >= kDepthMax) throw Refused{to_mark(mark), "nested deeper than 30 levels"};
    levels_.push_back({make(mark, tag, anchor, kind), {}});
  }

  void close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    place(std::move(node));
  }

  YamlNode root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, Mark& where) {
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return fail(Code::configuration, "the file is empty");
    YamlNode root = builder.take();
    Builder second;
    if (parser.HandleNextDocument(second)) return fail(Code::configuration, "more than one YAML document (---)");
    return root;
  } catch (const Refused& refused) {
    where = refused.mark;
    return fail(Code::configuration, refused.what);
  } catch (const YAML::Exception& error) {
    where = to_mark(error.mark);
    return fail(Code::configuration, "no valid YAML: " + error.msg);
  }
}

}  // namespace holdpoint::config
