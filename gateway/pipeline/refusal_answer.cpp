#include "gateway/pipeline/refusal_answer.hpp"

#include "gateway/aws/table.hpp"

namespace holdpoint::pipeline {

operation::Refusal refusal_of(const Error& error) {
  switch (error.code) {
    case Code::unauthenticated:
    case Code::tampered:
    case Code::expired:
      return {"unauthenticated", error.code, error.context};
    case Code::malformed:
    case Code::too_large:
    case Code::unsupported:
    case Code::not_found:
      return {"invalid", error.code, error.context};
    case Code::overloaded:
      return {"overloaded", error.code, error.context};
    case Code::unavailable:
    case Code::timed_out:
    case Code::not_durable:
    case Code::stale:
    case Code::configuration:
    case Code::internal:
      return {"unavailable", error.code, error.context};
    default:
      return {"denied", error.code, error.context};
  }
}

aws::ErrorAnswer refusal_answer(const RefusedRequest& request, const operation::Refusal& refusal) {
  aws::ErrorContext context = aws::error_context(request.head, request.scope_service);
  if (request.operation != nullptr) {
    context.protocol = request.operation->protocol;
    const aws::ServiceModel* service = aws::Table::instance().service(request.operation->service);
    context.query_compatible = service != nullptr && service->query_compatible;
  }
  aws::Refusal kind = request.kind.value_or(aws::Refusal::denied);
  if (!request.kind) {
    // What people or policy said is a denial, whatever its code reads like to a client. Of revoked access it is the
    // credentials that are refused: no other call would do better with them.
    const bool judged = refusal.decision == "denied" || refusal.decision == "rejected" || refusal.decision == "expired";
    const bool unknown = refusal.code == Code::outcome_unknown || refusal.code == Code::conflict;
    if (unknown) {
      kind = aws::Refusal::outcome_unknown;
    } else if (!judged || refusal.code == Code::revoked) {
      kind = aws::refusal_for(Error{refusal.code, {}});
    }
  }
  return aws::error_answer(kind, refusal.reason, request.head, context, request.request_id);
}

}  // namespace holdpoint::pipeline
