// From the wire to one understood operation: route, parameters, the (action, resource) pairs, condition keys. What
// cannot be classified is refused with a reason, never guessed.
#pragma once

#include <optional>

#include "gateway/aws/operation.hpp"
#include "gateway/aws/route.hpp"

namespace holdpoint::aws {

enum class BodyNeed {
  none,    ///< the operation has no body
  parse,   ///< read it whole before deciding, up to the bound
  stream,  ///< data: may pass through, the decision does not need it
};

struct BodyPlan {
  BodyNeed need = BodyNeed::none;
  std::size_t bytes_max = 0;   ///< of `parse`
  std::optional<Route> route;  ///< where the body cannot change it: classify() then takes it as it is
};

/// From the head alone. Fails as classify does, so that a bad request is refused before its body is read.
Result<BodyPlan> needs_body(const HttpHead& head, const CallScope& scope);

struct Classified {
  Operation operation;
  Route route;  ///< points into the table; upstream_request.hpp rebuilds the head from it
};

/// `body` is the decoded body (aws-chunked taken off), empty where the plan says `stream`; `known` is the
/// plan's route for the same head and scope. Fails with `malformed`, `too_large`, `denied` (contradictions, what the
/// operation does not model), `not_found` or `unsupported`.
Result<Classified> classify(const HttpHead& head, const CallScope& scope, BytesView body,
                            std::optional<Route> known = {});

}  // namespace holdpoint::aws
