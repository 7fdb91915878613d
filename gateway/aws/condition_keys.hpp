// Condition keys that a request determines: tags, DynamoDB's keys and attributes, and those of request_keys.hpp.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// Names in lower case. A key that stands without a value is one that the request has and that could not be read.
/// Values err on the side of more: dynamodb:LeadingKeys holds every key attribute's value where the request does not
/// say which one is the partition key, so that a ForAllValues condition fails closed.
ContextKeys context_keys(const OperationModel& operation, const Json& parameters);

/// DynamoDB's own keys.
void add_dynamodb_keys(const OperationModel& operation, const Json& parameters, ContextKeys& keys);

}  // namespace holdpoint::aws
