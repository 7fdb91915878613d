// The one compressed body that AWS's SDKs send: CloudWatch's PutMetricData beyond 10 KiB, as gzip. It is read for the
// decision and sent on as it came. Anywhere else Content-Encoding is refused (headers.hpp): a service that overlooked
// it would read other bytes than we did.
#pragma once

#include <string>

#include "gateway/aws/http_head.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// Whether the body says to be gzip and the scope is CloudWatch's.
bool is_compressed(const HttpHead& head, const CallScope& scope);
/// Whether the operation may come compressed.
bool takes_compressed(const OperationModel& operation);

/// One gzip member and nothing after it. Fails with `malformed`, or `too_large` beyond `bytes_max` of plain text.
Result<std::string> gunzip(BytesView body, std::size_t bytes_max);

}  // namespace holdpoint::aws
