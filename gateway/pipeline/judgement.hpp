// Policy's word on one classified call: the adapter between the pipeline's facts and the policy engine. Pure.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/configuration/snapshot.hpp"
#include "gateway/policy/decision.hpp"
#include "gateway/record/operation_record.hpp"

namespace holdpoint::pipeline {

/// Fails with `configuration` for a session policy that does not parse any more.
Result<policy::Decision> decide(const configuration::Snapshot& snapshot, const identity::Session& session,
                                const aws::Operation& operation, const config::RoleSettings& role,
                                const config::Target& target, const record::OperationFacts& facts, Instant now);

/// Whether `now_asked` asks for something that `reviewed` did not: more people, other people, a shorter grant.
bool is_stricter(const policy::ReviewTerms& now_asked, const policy::ReviewTerms& reviewed);

}  // namespace holdpoint::pipeline
