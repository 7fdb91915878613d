// The files of page/, as built into the program.
#pragma once

#include <string_view>

namespace holdpoint::approvals::console {
extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
}  // namespace holdpoint::approvals::console
