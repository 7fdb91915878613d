// What a call needs beside its own action, because a service acts on the caller's behalf: iam:PassRole for each role
// and instance profile that it hands over, and the secrets that Parameter Store reads for it.
#pragma once

#include <vector>

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// Appends to `out`. A role of which only the name is known, or that stands behind an instance profile, is open: its
/// path is IAM's to know.
void add_implied(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                 std::vector<Requirement>& out);

}  // namespace holdpoint::aws
