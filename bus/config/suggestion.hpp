// "Did you mean …?" for names in files that people write.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace holdpoint::config {

/// `; did you mean "X"?` for the candidate nearest to `name` (at most half of its letters differ), else nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace holdpoint::config
