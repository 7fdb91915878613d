#include "masker/detect/candidate.hpp"

#include <algorithm>

namespace holdpoint::masker {

void settle(Candidates& candidates) {
  if (candidates.size() < 2) return;
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const Candidate next = candidates[i];
    Candidate& last = candidates[kept];
    if (next.begin >= last.end) {
      candidates[++kept] = next;
      continue;
    }
    const bool last_personal = is_personal(last.kind);
    const bool next_personal = is_personal(next.kind);
    const bool next_longer = next.end - next.begin > last.end - last.begin;
    if (last_personal != next_personal) {
      if (last_personal) last = next;
    } else if (last_personal) {
      if (next_longer) last = next;
    } else {
      if (next_longer) {
        last.kind = next.kind;
        last.rule = next.rule;
      }
      last.end = std::max(last.end, next.end);
    }
  }
  candidates.resize(kept + 1);
}

}  // namespace holdpoint::masker
