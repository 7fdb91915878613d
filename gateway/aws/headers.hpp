// Which headers a call may carry: what its operation models, and a known list. Everything that could change what AWS
// does without our knowing is refused; what means nothing to AWS is dropped when the head is rebuilt.
#pragma once

#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

enum class HeaderUse {
  forward,  ///< sent on as it is
  drop,     ///< harmless or rebuilt (Host, Authorization, hop-by-hop)
  refuse,   ///< an x-amz-* that the operation does not model, a method override, …
};

/// `name` in lower case.
HeaderUse header_use(const Route& route, std::string_view name);

/// Fails with `denied` on a header that is refused, `malformed` on control characters in one that is sent on.
Result<void> check_headers(const Route& route, const HttpHead& head);

}  // namespace holdpoint::aws
