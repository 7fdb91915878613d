// Condition keys that a request determines: tags, DynamoDB's keys and attributes, S3's prefix and ACL, and a few more.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// Names in lower case. Values err on the side of more: dynamodb:LeadingKeys holds every key attribute's value where
/// the request does not say which one is the partition key, so that a ForAllValues condition fails closed.
ContextKeys context_keys(const OperationModel& operation, const Json& parameters);

}  // namespace holdpoint::aws
