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

void Findings::add(const Json& told, std::string_view place) {
  if (!told.is_array()) return;
  for (const Json& each : told) {
    if (!each.is_object()) continue;
    const auto often = each.find("count");
    const bool whole = often != each.end() && often->is_number_integer() && *often > 0;
    count({known_class(string_or(each, "class")), known_rule(string_or(each, "rule")),
           place.empty() ? plain_path(string_or(each, "path")) : std::string(place),
           whole ? std::min(often->get<std::uint64_t>(), kCountMax) : 1});
  }
}

void Findings::count(Row row) {
  if (rows_.size() >= kRowsWithPathMax) row.path.clear();
  const auto same = std::find_if(rows_.begin(), rows_.end(), [&](const Row& each) {
    return each.kind == row.kind && each.rule == row.rule && each.path == row.path;
  });
  if (same != rows_.end()) {
    same->count += row.count;
  } else if (rows_.size() < kRowsMax) {
    rows_.push_back(std::move(row));
  } else {
    rows_.back().count += row.count;
  }
}

Json Findings::to_json() const {
  Json out = Json::array();
  for (const Row& row : rows_) {
    Json each{{"class", row.kind}, {"rule", row.rule}, {"count", row.count}};
    if (!row.path.empty()) each["path"] = row.path;
    out.push_back(std::move(each));
  }
  return out;
}

std::string Findings::header() const {
  if (rows_.empty()) return {};
  std::uint64_t count = 0;
  std::set<std::string_view> kinds;
  for (const Row& row : rows_) {
    count += row.count;
    kinds.insert(row.kind);
  }
  std::string names;
  for (const std::string_view kind : kinds) {
    if (!names.empty()) names += ',';
    names += kind;
  }
  return std::to_string(count) + "; classes=\"" + names + "\"";
}

}  // namespace holdpoint::record
