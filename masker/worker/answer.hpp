// MaskRequested -> PayloadMasked (PROTOCOL.md, "masks"): between the bus's messages and the engine. Pure.
#pragma once

#include "bus/wire/envelope.hpp"

namespace holdpoint::masker {

/// Fails with `malformed` on a request without its attachment, with `unsupported` on parts of a stream.
Result<wire::Message> answer_mask_request(const wire::Message& request);

}  // namespace holdpoint::masker
