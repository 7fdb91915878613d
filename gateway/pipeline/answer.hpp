// The head of an answer on its way back, and what must be mended when masking has changed the body. Pure.
#pragma once

#include <string>
#include <string_view>

#include "bus/base/json.hpp"
#include "gateway/aws/http_head.hpp"

namespace holdpoint::pipeline {

/// The target's headers without those of the hop, those that are the gateway's own (x-holdpoint-…), and
/// Content-Length, which the connection sets.
aws::Headers answer_headers(const aws::Headers& upstream);

/// After `body` was changed: x-amz-crc32 is computed anew (its absence fails Go's SDK), checksums and digests of the
/// old bytes are dropped. ETag stays, so that If-Match still works.
void mend_headers(aws::Headers& headers, std::string_view body);

/// The headers that may carry somebody's data (an object's metadata, a log's end), as [{"Name","Value"}] for the
/// masker: all but those that are known to be the protocol's own; names that an owner gave, where they are not plain.
Json telling_headers(const aws::Headers& headers);
/// Puts the masked values back, without the headers whose names were masked. False when `masked` is not the answer to
/// telling_headers(): nothing may leave then.
bool take_masked_headers(aws::Headers& headers, const Json& masked);

/// x-amzn-RequestId, x-amz-request-id; empty when the target named none.
std::string upstream_request_id(const aws::Headers& headers);

}  // namespace holdpoint::pipeline
