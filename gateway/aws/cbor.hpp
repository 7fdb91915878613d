// CBOR bodies of rpc-v2-cbor to the same JSON as everything else.
#pragma once

#include "bus/base/json.hpp"

namespace holdpoint::aws {

/// Byte strings become base64 text. Fails with `malformed` on duplicate keys, trailing bytes, keys that are no text,
/// and with `unsupported` on tags other than timestamps.
Result<Json> parse_cbor(BytesView bytes);

}  // namespace holdpoint::aws
