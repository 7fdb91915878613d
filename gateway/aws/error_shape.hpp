// A refusal as the answer that the agent's SDK prints: "An error occurred (CODE) when calling the X operation: TEXT".
// Source: FACTS measured with real clients; Smithy protocol specifications.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/aws/http_head.hpp"
#include "gateway/aws/operation.hpp"

namespace holdpoint::aws {

enum class Refusal {
  denied,       ///< policy, a rejected review, a component that failed: final for this attempt, SDKs do not retry
  unknown_key,  ///< access key id or session token that is not ours (any more)
  bad_signature,
  expired_token,
  request_expired,  ///< date outside the window
  missing_signature,
  malformed,
  too_large,
  overloaded,   ///< the protocol's throttling form: SDKs back off and try again
  unavailable,  ///< a component does not answer; 403 so that it is not sent five times within seconds
  unsupported,
  outcome_unknown,  ///< bytes left and no answer came: 4xx, never retried
};

/// Of parse_signature, verify_signature, classify and the rest.
Refusal refusal_for(const Error& error);

struct ErrorAnswer {
  int status = 403;
  Headers headers;   ///< Content-Type, x-amzn-RequestId and so on; without Content-Length
  std::string body;  ///< empty for HEAD
  std::string code;  ///< as the SDK will name it
};

/// What is known of the request when it is refused.
struct ErrorContext {
  std::optional<Protocol> protocol;  ///< nullopt: guessed from head
  bool query_compatible = false;     ///< the service is awsQueryCompatible (sqs, cloudwatch)
};

/// From the head and the credential scope's service alone, for refusals before classification.
/// The service that the request says it is signed for, verified or not: good for nothing but the shape of an error.
std::string claimed_service(const HttpHead& head);

ErrorContext error_context(const HttpHead& head, std::string_view scope_service);

/// `message` is shown through display(); `request_id` is ours.
ErrorAnswer error_answer(Refusal refusal, std::string_view message, const HttpHead& head, const ErrorContext& context,
                         std::string_view request_id);

}  // namespace holdpoint::aws
