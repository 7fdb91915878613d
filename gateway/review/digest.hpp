// What a review is bound to (DESIGN.md, invariant 4): an HMAC over principal, target, operation, actions, resources and
// canonical parameters, the body's hash where the body is data. Date, signature, attempt, trace ids and automatic
// idempotency tokens are not in it: the classifier leaves them out of `parameters`.
#pragma once

#include <optional>
#include <string>

#include "bus/base/crypto.hpp"
#include "gateway/aws/operation.hpp"

namespace holdpoint::review {

/// Of the gateway group's newest session key: all gateways make the same digests, and nobody else can test a guess.
Secret digest_key(BytesView session_key);

/// Base64. `body_hash` must be there exactly when the operation's body is data.
std::string operation_digest(BytesView key, std::string_view principal, std::string_view role_arn,
                             std::string_view target, const aws::Operation& operation,
                             const std::optional<Hash>& body_hash);

}  // namespace holdpoint::review
