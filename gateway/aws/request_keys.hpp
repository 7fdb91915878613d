// Condition keys of services that a request tells by itself, one line each: which member holds the key's value, for
// which actions, and whether a request without that member has no such key for AWS either.
//
// Not here: DynamoDB's keys and tags (condition_keys.hpp), which keys exist at all (key_reference.hpp).
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/aws/table.hpp"

namespace holdpoint::aws {

/// Adds what `parameters` tell. A key that stands without a value is one that the request has and that cannot be read:
/// a name where AWS compares ARNs.
void add_request_keys(const OperationModel& operation, const Json& parameters, ContextKeys& keys);

/// Whether some request that needs `action` tells `key` (both in lower case). The gateway's own knowledge, as
/// ec2:Region, counts.
bool is_derived_key(std::string_view key, std::string_view action);
/// Whether any does.
bool is_derived_key(std::string_view key);
/// Whether a request that needs `action` and tells no `key` has none for AWS either, so that a condition on it may take
/// it as absent: AWS does not have the key for that action, or the member that is missing is all there is. Not so for
/// what AWS knows beside the request (an instance's type, a default).
bool is_absence_known(std::string_view key, std::string_view action);

/// Every key that some request tells, in lower case; for tests.
std::vector<std::string_view> derived_keys();

}  // namespace holdpoint::aws
