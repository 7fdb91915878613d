// Policy's word on one classified call: the adapter between the pipeline's facts and the policy engine. Pure.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/configuration/snapshot.hpp"
#include "gateway/policy/decision.hpp"
#include "gateway/record/operation_record.hpp"

namespace holdpoint::pipeline {

/// `session_policy` is the compiled session.policy; null when the session has none.
Result<policy::Decision> decide(const configuration::Snapshot& snapshot, const identity::Session& session,
                                const policy::Policy* session_policy, const aws::Operation& operation,
                                const config::RoleSettings& role, const config::Target& target,
                                const record::OperationFacts& facts, Instant now);

/// Whether `now_asked` asks for something that `reviewed` did not: more people, other people, a shorter grant.
bool is_stricter(const policy::ReviewTerms& now_asked, const policy::ReviewTerms& reviewed);

}  // namespace holdpoint::pipeline
