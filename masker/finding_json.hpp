// Findings as the bus and the command line tell them. Apart from finding.hpp, which the engine includes everywhere.
#pragma once

#include <vector>

#include "bus/base/json.hpp"
#include "masker/finding.hpp"

namespace holdpoint::masker {

/// [{"class","rule","count","path"?}]: no path in plain text.
inline Json findings_json(const std::vector<Finding>& findings) {
  Json rows = Json::array();
  for (const Finding& finding : findings) {
    Json row = {{"class", name(finding.kind)}, {"rule", finding.rule}, {"count", finding.count}};
    if (!finding.path.empty()) row["path"] = finding.path;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace holdpoint::masker
