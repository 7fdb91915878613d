// XML bodies, strictly: no document type, no processing instruction, UTF-8 only, bounded depth and size. The adapter of
// libexpat.
#pragma once

#include "bus/base/json.hpp"

namespace holdpoint::aws {

struct XmlLimits {
  std::size_t depth_max = 64;
  std::size_t elements_max = 200000;
};

/// {"Root": content}. Content of an element: its text, or an object of its children, where repeated ones are an array
/// and attributes (but namespaces) are "@name". Prefixes are dropped. Fails with `malformed` or `too_large`.
Result<Json> parse_xml(BytesView text, XmlLimits limits = {});

}  // namespace holdpoint::aws
