// What an agent gets instead of an answer: the service's own error shape, with a code that its SDK understands and
// does not retry unless retrying helps. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/aws/error_shape.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/operation/message.hpp"

namespace holdpoint::pipeline {

/// How an error of the intake stands in the record.
operation::Refusal refusal_of(const Error& error);

/// What is known of the request for its error shape.
struct RefusedRequest {
  const aws::HttpHead& head;
  const aws::Operation* operation =
      nullptr;  ///< null = not classified: the shape follows the scope and the request's form
  std::string_view scope_service;
  std::optional<aws::Refusal> kind;  ///< when the code alone does not say it (an unknown key)
  std::string_view request_id;
};
aws::ErrorAnswer refusal_answer(const RefusedRequest& request, const operation::Refusal& refusal);

}  // namespace holdpoint::pipeline
