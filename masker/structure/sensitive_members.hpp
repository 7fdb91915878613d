// (service, operation, path of a member) -> class, from two tables compiled in: curated.tsv, written by hand, and
// model.tsv, generated from the AWS models' sensitive trait (ops/generate/mask-table).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"

namespace holdpoint::masker {

struct SensitiveMember {
  std::vector<std::string> path;  ///< lower case, the last name last; "*" matches any one name
  Class kind;
  bool judged = false;  ///< masked only where the value looks like a secret: environments hold settings too
};

/// The members of one operation's answer, those of "*" included. Names in any case. Built once per process.
std::vector<const SensitiveMember*> sensitive_members(std::string_view service, std::string_view operation);

/// True when the last names of `path` are those of the member. List and map levels are not part of `path`.
bool matches(const SensitiveMember& member, std::span<const std::string_view> path);

/// Operations whose answers are never touched: image manifests and layers, code and packages.
bool is_untouchable(std::string_view service, std::string_view operation);

}  // namespace holdpoint::masker
