// Condition keys that a request determines: tags, DynamoDB's keys and attributes, S3's prefix and ACL, and a few more.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// Names in lower case. A key that stands without a value is one that the request has and that could not be read.
/// Values err on the side of more: dynamodb:LeadingKeys holds every key attribute's value where the request does not
/// say which one is the partition key, so that a ForAllValues condition fails closed.
ContextKeys context_keys(const OperationModel& operation, const Json& parameters);

/// Whether any request yields `key` (a service's, in lower case).
bool is_derived_key(std::string_view key);
/// Whether a request that needs `action` and yields no `key` has none for AWS either, so that a condition on it may
/// take it as absent. Not so for what only AWS knows (an instance's type), nor for keys that are not derived.
bool is_absence_known(std::string_view key, std::string_view action);

/// DynamoDB's own keys.
void add_dynamodb_keys(const OperationModel& operation, const Json& parameters, ContextKeys& keys);

}  // namespace holdpoint::aws
