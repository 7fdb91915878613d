#include "ops/cli/deployment/action_names.hpp"

#include <algorithm>

#include "gateway/aws/actions.hpp"

namespace holdpoint::deployment {
namespace {

class NoContext final : public policy::Context {
 public:
  [[nodiscard]] std::vector<std::string> values(std::string_view) const override { return {}; }
};

}  // namespace

bool matches_an_action(const policy::Pattern& pattern) {
  if (pattern.has_variables()) return true;  // known only when a request comes
  const auto& actions = aws::known_actions();
  const std::string_view prefix = pattern.literal_prefix();
  const NoContext none;
  for (auto action = std::lower_bound(actions.begin(), actions.end(), prefix);
       action != actions.end() && action->starts_with(prefix); ++action) {
    if (pattern.match(*action, none) == policy::Pattern::Match::yes) return true;
  }
  return false;
}

}  // namespace holdpoint::deployment
