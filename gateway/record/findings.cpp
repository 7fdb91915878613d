#include "gateway/record/findings.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "bus/base/text.hpp"
#include "bus/config/mask_classes.hpp"
#include "gateway/record/plain_text.hpp"

namespace holdpoint::record {
namespace {

constexpr std::size_t kRowsWithPathMax = 64;    // an entry stays small; more places than these say nothing new
constexpr std::size_t kRowsMax = 256;           // classes and rules are few; a masker that invents them gets no room
constexpr std::size_t kPathBytesMax = 256;      // as the masker writes them
constexpr std::size_t kRuleBytesMax = 32;       // "near-access-key"
constexpr std::uint64_t kCountMax = 1U << 30U;  // an answer has fewer bytes

/// What a masker of another version calls something that this one does not know.
constexpr std::string_view kOther = "other";

std::string known_class(const std::string& name) {
  const auto classes = std::span(config::kMaskClasses).subspan(1);
  return std::find(classes.begin(), classes.end(), name) == classes.end() ? std::string(kOther) : name;
}

std::string known_rule(const std::string& name) {
  const bool word = !name.empty() && name.size() <= kRuleBytesMax &&
                    std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  return word ? name : std::string(kOther);
}

/// Names of members are the target's words, or those of whoever wrote the data: what may be more is "*".
std::string plain_path(std::string_view path) {
  path = path.substr(0, kPathBytesMax);
  std::string out;
  while (!path.empty()) {
    const std::string_view name = take(path, '.');
    if (!out.empty()) out += '.';
    out += is_plain(name) ? name : "*";
  }
  return out;
}

}  // namespace

void Findings::add(const Json& told, std::string_view place) { take_over(told, place, rows_); }

void Findings::add_unmasked(const Json& told, const std::vector<policy::Unmask>& unmask, std::string_view place) {
  take_over(told, place, left_);
  unmask_ = unmask;
}

void Findings::take_over(const Json& told, std::string_view place, Rows& rows) {
  if (!told.is_array()) return;
  for (const Json& each : told) {
    if (!each.is_object()) continue;
    const auto often = each.find("count");
    const bool whole = often != each.end() && often->is_number_integer() && *often > 0;
    count({known_class(string_or(each, "class")), known_rule(string_or(each, "rule")),
           place.empty() ? plain_path(string_or(each, "path")) : std::string(place),
           whole ? std::min(often->get<std::uint64_t>(), kCountMax) : 1},
          rows);
  }
}

void Findings::count(Row row, Rows& rows) {
  if (rows.size() >= kRowsWithPathMax) row.path.clear();
  const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& each) {
    return each.kind == row.kind && each.rule == row.rule && each.path == row.path;
  });
  if (same != rows.end()) {
    same->count += row.count;
  } else if (rows.size() < kRowsMax) {
    rows.push_back(std::move(row));
  } else {
    rows.back().count += row.count;
  }
}

Json Findings::to_json(const Row& row) {
  Json out{{"class", row.kind}, {"rule", row.rule}, {"count", row.count}};
  if (!row.path.empty()) out["path"] = row.path;
  return out;
}

Json Findings::to_json() const {
  Json out = Json::array();
  for (const Row& row : rows_) out.push_back(to_json(row));
  return out;
}

Json Findings::unmasked_json() const {
  Json out = Json::array();
  for (const Row& row : left_) {
    Json each = to_json(row);
    const auto by = std::find_if(unmask_.begin(), unmask_.end(),
                                 [&](const policy::Unmask& unmask) { return unmask.mask_class == row.kind; });
    if (by != unmask_.end()) {
      each["policy"] = by->policy;
      each["statement"] = by->statement;
      each["until"] = to_rfc3339(by->until);
    }
    out.push_back(std::move(each));
  }
  return out;
}

std::string Findings::header() const {
  if (empty()) return {};
  std::uint64_t masked = 0;
  for (const Row& row : rows_) masked += row.count;
  std::string out = std::to_string(masked);
  for (const auto& [name, rows] : {std::pair{"classes", &rows_}, {"unmasked", &left_}}) {
    std::set<std::string_view> kinds;
    for (const Row& row : *rows) kinds.insert(row.kind);
    std::string names;
    for (const std::string_view kind : kinds) names += (names.empty() ? "" : ",") + std::string(kind);
    if (!names.empty()) out += std::string("; ") + name + "=\"" + names + "\"";
  }
  return out;
}

}  // namespace holdpoint::record
