#include "bus/config/suggestion.hpp"

#include <algorithm>
#include <vector>

#include "bus/base/encoding.hpp"

namespace holdpoint::config {
namespace {

// Levenshtein's distance. Both texts are names: callers bound them.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t kNameBytesMax = 80;
  if (name.size() > kNameBytesMax) return {};
  const std::string lowered = to_lower(name);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(name.size() / 2, 1) + 1;
  for (const auto candidate : candidates) {
    // An abbreviation is meant for what it begins.
    const std::string target = to_lower(candidate);
    const bool begins = name.size() >= 3 && target.starts_with(lowered);
    const std::size_t candidate_distance = begins ? 1 : distance(lowered, target);
    if (candidate_distance >= best_distance) continue;
    best = candidate;
    best_distance = candidate_distance;
  }
  return best.empty() ? std::string() : "; did you mean \"" + std::string(best) + "\"?";
}

}  // namespace holdpoint::config
