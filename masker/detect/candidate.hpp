// A place in a text that a detector takes for sensitive, before overlaps are settled.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"

namespace holdpoint::masker {

struct Candidate {
  std::size_t begin;
  std::size_t end;
  Class kind;
  std::string_view rule;  ///< a literal
};
using Candidates = std::vector<Candidate>;

/// Sorts and removes overlap: secrets that overlap become one (the union is masked, with the class of the longer),
/// personal data that overlaps a secret goes, of two overlapping personal finds the longer stays.
void settle(Candidates& candidates);

}  // namespace holdpoint::masker
