#include "masker/finding.hpp"

#include "bus/config/mask_classes.hpp"

namespace holdpoint::masker {
namespace {
constexpr auto& names = config::kMaskClasses;
constexpr std::size_t rows_max = 256;
}  // namespace

std::string_view name(Class kind) { return names[static_cast<std::size_t>(kind)]; }

Class class_from_name(std::string_view name) {
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Class>(i);
  }
  return Class::none;
}

bool is_personal(Class kind) { return kind >= Class::card; }

std::string splice(std::string_view bytes, const Edits& edits) {
  std::string out;
  out.reserve(bytes.size() + edits.size() * 16);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    out.append(bytes.substr(at, edit.begin - at));
    out.append(edit.text);
    at = edit.end;
  }
  out.append(bytes.substr(at));
  return out;
}

void Tally::add(Class kind, std::string_view rule, std::string_view path) {
  // Rows of one document come in runs, so the newest are looked at first.
  if (findings_.size() >= rows_max) path = {};
  for (auto row = findings_.rbegin(); row != findings_.rend(); ++row) {
    if (row->kind == kind && row->rule == rule && row->path == path) {
      ++row->count;
      return;
    }
  }
  findings_.push_back({kind, std::string(rule), std::string(path), 1});
}

}  // namespace holdpoint::masker
