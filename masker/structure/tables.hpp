// The tables as text, compiled in from the .tsv files beside this one (structure/tables.cpp.in).
#pragma once

#include <string_view>

namespace holdpoint::masker {
extern const std::string_view curated_table;
extern const std::string_view model_table;
}  // namespace holdpoint::masker
