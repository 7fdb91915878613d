// SQS answers carry MD5 digests of bodies and attributes; SDKs refuse a message whose digest does not fit.
#pragma once

#include <string>

namespace holdpoint::masker {

/// The answer (JSON or XML) with MD5OfBody and MD5OfMessageAttributes computed from what stands in it now. Answers
/// that do not parse come back unchanged.
std::string correct_sqs_digests(std::string bytes);

}  // namespace holdpoint::masker
