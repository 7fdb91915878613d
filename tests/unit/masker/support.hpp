// Shorthand for the masker's tests.
#pragma once

#include <string>
#include <string_view>

#include "masker/mask.hpp"

namespace holdpoint::masker::testing {

inline MaskOutput mask_as(std::string_view type, std::string_view bytes, std::string_view service = "s3",
                          std::string_view operation = "GetObject") {
  MaskInput input;
  input.content_type = type;
  input.service = service;
  input.operation = operation;
  return mask(input, bytes);
}

inline std::string text(std::string_view bytes) { return mask_as("text/plain", bytes).bytes; }
inline std::string json(std::string_view bytes, std::string_view service = "dynamodb",
                        std::string_view operation = "GetItem") {
  return mask_as("application/x-amz-json-1.0", bytes, service, operation).bytes;
}

}  // namespace holdpoint::masker::testing
