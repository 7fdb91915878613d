// The (action, resource) pairs that an operation needs, from the table's templates and its parameters.
//
// A resource that the request does not determine comes out with "*" in its place ("…:instance/*"): policy must treat
// such a pair as any resource that fits it, so that a Deny on one of them is not passed by.
#pragma once

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

/// "aws", "aws-cn" or "aws-us-gov".
std::string_view partition(std::string_view region);

/// Fails with `too_large` when check_resources does.
Result<std::vector<Requirement>> requirements_of(const Route& route, const Json& parameters, const CallScope& scope);

/// Policy compares each resource with each statement: a call has at most 10,000 of them, each of at most 2,048 bytes
/// (AWS's own bound for an ARN), all together at most 2 MiB. Fails with `too_large`.
Result<void> check_resources(const std::vector<Requirement>& requirements);

/// Services whose resources hide in the parameters; empty = use the templates.
std::vector<Requirement> dynamodb_requirements(const OperationModel& operation, const Json& parameters,
                                               const CallScope& scope);
/// S3's names outside the path (a copy's or a rename's source, what DeleteObjects lists): what two readers could take
/// for different objects is `malformed`.
Result<void> check_s3_names(const OperationModel& operation, const Json& parameters);
std::vector<Requirement> s3_requirements(const OperationModel& operation, const Json& parameters,
                                         const CallScope& scope);

/// One spelling for each resource: that of the ARN which AWS decides on.
void spell_as_aws(std::vector<Requirement>& requirements);
/// The same, with what the call says by its other parameters. Fails with `malformed` where two name different things.
Result<void> spell_names(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                         std::vector<Requirement>& requirements);

/// Adds the machines that a call to Systems Manager works on, Targets among them; a target that is not named by its id
/// may be any machine.
void add_ssm_machines(const OperationModel& operation, const Json& parameters, const CallScope& scope,
                      std::vector<Requirement>& out);

/// "dynamodb:GetItem" and so on, as the table gives them.
std::vector<std::string> actions_of(const OperationModel& operation);

}  // namespace holdpoint::aws
