// One mapping of a configuration file: its keys are known, its values have kinds, and whatever is wrong is collected
// with its place, so that all of it is reported at once.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"
#include "bus/base/time.hpp"
#include "bus/config/yaml.hpp"

namespace holdpoint::config {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(const Mark& mark, const std::string& what);
  /// Text that names its own place already.
  void add_line(std::string line);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  /// One line each, at most 20.
  [[nodiscard]] Error error() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

class Section {
 public:
  /// Keys of `node` that are not `known`, and keys that are there twice, become problems. `node` must outlive it.
  Section(const YamlNode& node, std::string what, std::initializer_list<std::string_view> known, Problems& problems);

  /// nullptr when the key is absent.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  /// Where an error about a key, or about its absence, points.
  [[nodiscard]] Mark at(std::string_view key) const;
  [[nodiscard]] std::string name_of(std::string_view key) const { return what_ + "." + std::string(key); }

  /// Each takes over the value if it is there and of the right kind; anything else becomes a problem. True when taken.
  bool text(std::string_view key, std::string& out);
  bool required_text(std::string_view key, std::string& out);
  bool texts(std::string_view key, std::vector<std::string>& out);
  bool duration(std::string_view key, Duration min, Duration max, Duration& out);
  template <class Number>
  void number(std::string_view key, std::uint64_t min, std::uint64_t max, Number& out) {
    if (const auto value = whole_number(key, min, max)) out = static_cast<Number>(*value);
  }
  void boolean(std::string_view key, bool& out);
  /// The index of the text among `choices`; nullopt when absent or none of them.
  std::optional<std::size_t> choice(std::string_view key, std::initializer_list<std::string_view> choices);

 private:
  std::optional<std::uint64_t> whole_number(std::string_view key, std::uint64_t min, std::uint64_t max);

  const YamlNode& node_;
  std::string what_;
  std::vector<std::pair<std::string_view, const YamlNode*>> values_;
  Problems& problems_;
};

/// The entries of a list; a problem and nothing when it is none.
const std::vector<YamlNode>& list_entries(const YamlNode& node, const std::string& what, Problems& problems);
/// The entries of a mapping with free keys, in order; duplicates and keys that are no text become problems.
std::vector<std::pair<const YamlNode*, const YamlNode*>> map_entries(const YamlNode& node, const std::string& what,
                                                                     Problems& problems);
/// A scalar's text; a problem when it is none.
std::optional<std::string> scalar_text(const YamlNode& node, const std::string& what, Problems& problems);

}  // namespace holdpoint::config
