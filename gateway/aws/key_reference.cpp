#include "gateway/aws/key_reference.hpp"

#include <algorithm>
#include <map>

#include "bus/base/encoding.hpp"
#include "bus/base/text.hpp"
#include "gateway/aws/embedded_file.hpp"

HOLDPOINT_EMBED_FILE(holdpoint_aws_condition_keys, HOLDPOINT_AWS_CONDITION_KEYS)

namespace holdpoint::aws {
namespace {

using Reference = std::map<std::string, ReferenceKey, std::less<>>;

Reference read_reference() {
  Reference out;
  std::string_view text = holdpoint_aws_condition_keys();
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (line.empty() || line.front() == '#') continue;
    const std::string_view name = take(line, ' ');
    const bool is_arn = take(line, ' ') == "a";
    const std::string prefix = std::string(take(line, ' ')) + ":";
    ReferenceKey& key = out[to_lower(name)];
    key.name = name;
    key.is_arn = is_arn;
    while (!line.empty()) key.actions.push_back(to_lower(prefix + std::string(take(line, ' '))));
  }
  for (auto& [name, key] : out) std::sort(key.actions.begin(), key.actions.end());
  return out;
}

const Reference& reference() {
  static const Reference all = read_reference();
  return all;
}

}  // namespace

const ReferenceKey* reference_key(std::string_view key) {
  const Reference& all = reference();
  if (const auto whole = all.find(key); whole != all.end())
    return key.ends_with('/') || key.ends_with(':') ? nullptr : &whole->second;
  // "s3:requestobjecttag/team" -> "s3:requestobjecttag/"; a free part may hold the separator itself.
  for (std::size_t i = key.size(); i > 0; --i) {
    if (key[i - 1] != '/' && key[i - 1] != ':') continue;
    const auto part = all.find(key.substr(0, i));
    if (part != all.end() && i < key.size()) return &part->second;
  }
  return nullptr;
}

bool has_condition_key(std::string_view key, std::string_view action) {
  const ReferenceKey* known = reference_key(key);
  return known != nullptr && std::ranges::binary_search(known->actions, action, std::less<>());
}

std::vector<std::string_view> condition_keys_of(std::string_view prefix) {
  std::vector<std::string_view> out;
  const std::string begin = std::string(prefix) + ":";
  for (auto each = reference().lower_bound(begin); each != reference().end() && each->first.starts_with(begin); ++each)
    out.push_back(each->second.name);
  return out;
}

}  // namespace holdpoint::aws
