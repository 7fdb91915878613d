// YAML as configuration is read: a plain tree in which every value knows its place. Aliases, anchors, tags and second
// documents are refused: configuration is read by people, top down.
//
// Not here: what the values mean (section.hpp, compile.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/base/result.hpp"

namespace holdpoint::config {

struct Mark {
  int line = 0;  ///< from 1; 0 = no place in particular
  int column = 0;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Mark mark;
  std::string text;                ///< of a scalar
  std::vector<YamlNode> items;     ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map, in order, duplicates included
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

/// Fails with `configuration`; `where` then says at which place. At most 20,000 values, 30 levels deep.
Result<YamlNode> parse_yaml(std::string_view text, Mark& where);

}  // namespace holdpoint::config
