#include "gateway/aws/actions.hpp"

#include <algorithm>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "bus/base/text.hpp"
#include "gateway/aws/embedded_file.hpp"
#include "gateway/aws/resources.hpp"
#include "gateway/aws/table.hpp"

HOLDPOINT_EMBED_FILE(holdpoint_aws_actions, HOLDPOINT_AWS_ACTIONS)

namespace holdpoint::aws {
namespace {

std::vector<std::string> collect() {
  std::vector<std::string> names;
  std::string_view text = holdpoint_aws_actions();
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (line.empty() || line.front() == '#') continue;
    const std::string prefix = std::string(take(line, ' ')) + ":";
    while (!line.empty()) names.push_back(to_lower(prefix + std::string(take(line, ' '))));
  }
  // Operations that the reference does not name yet.
  for (const auto& service : Table::instance().services()) {
    for (const auto& operation : service->operations()) {
      for (const auto& action : actions_of(operation)) names.push_back(to_lower(action));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

const std::vector<std::string>& known_actions() {
  static const std::vector<std::string> names = collect();
  return names;
}

}  // namespace holdpoint::aws
