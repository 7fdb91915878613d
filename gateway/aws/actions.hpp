// The name of every action that a policy can mean: AWS's reference of IAM actions (table/actions.txt, written by
// ops/generate/aws-table), and what the table of operations needs beyond it. For lint, not for deciding.
#pragma once

#include <string>
#include <vector>

namespace holdpoint::aws {

/// "dynamodb:getitem": lower case, sorted, each once. Made when first asked for; thread-safe.
const std::vector<std::string>& known_actions();

}  // namespace holdpoint::aws
