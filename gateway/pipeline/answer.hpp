// The head of an answer on its way back, and what must be mended when masking has changed the body. Pure.
#pragma once

#include <string>
#include <string_view>

#include "gateway/aws/http_head.hpp"

namespace holdpoint::pipeline {

/// The target's headers without those of the hop and without Content-Length, which the connection sets.
aws::Headers answer_headers(const aws::Headers& upstream);

/// After `body` was changed: x-amz-crc32 is computed anew (its absence fails Go's SDK), checksums and digests of the
/// old bytes are dropped. ETag stays, so that If-Match still works.
void mend_headers(aws::Headers& headers, std::string_view body);

/// x-amzn-RequestId, x-amz-request-id; empty when the target named none.
std::string upstream_request_id(const aws::Headers& headers);

}  // namespace holdpoint::pipeline
