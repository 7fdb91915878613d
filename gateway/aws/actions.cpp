#include "gateway/aws/actions.hpp"

#include <algorithm>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "bus/base/text.hpp"
#include "gateway/aws/resources.hpp"
#include "gateway/aws/table.hpp"

__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "holdpoint_aws_actions_begin:\n"
    ".incbin \"" HOLDPOINT_AWS_ACTIONS
    "\"\n"
    "holdpoint_aws_actions_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
__attribute__((visibility("hidden"))) extern const char holdpoint_aws_actions_begin[];
__attribute__((visibility("hidden"))) extern const char holdpoint_aws_actions_end[];
}

namespace holdpoint::aws {
namespace {

std::vector<std::string> collect() {
  std::vector<std::string> names;
  std::string_view text{holdpoint_aws_actions_begin,
                        static_cast<std::size_t>(holdpoint_aws_actions_end - holdpoint_aws_actions_begin)};
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
