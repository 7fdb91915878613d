// The canonical request of Signature Version 4, shared by verifying and signing so that the two cannot drift apart.
// Source: AWS "Create a signed AWS API request"; checked against AWS's own test suite.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bus/base/crypto.hpp"
#include "gateway/aws/http_head.hpp"

namespace holdpoint::aws {

/// S3 signs the path as sent; every other service normalises it ("." "..", "//") and encodes it once more.
enum class PathRule { raw, normalised };

/// s3 and the scopes that speak it (s3express, s3-object-lambda, s3-outposts).
PathRule path_rule(std::string_view service);

std::string canonical_path(std::string_view raw_path, PathRule rule);

/// Decoded, encoded again by RFC 3986, sorted by key then value; `leave_out` names a parameter that is not signed
/// (X-Amz-Signature). Fails with `malformed` on an incomplete escape.
Result<std::string> canonical_query(std::string_view raw_query, std::string_view leave_out = {});

/// `signed_headers` in lower case, sorted, unique; `added` stand behind the head's own.
Result<std::string> canonical_request(const HttpHead& head, PathRule rule, std::string_view leave_out,
                                      const std::vector<std::string>& signed_headers, std::string_view payload_word,
                                      const Headers& added = {});

/// `scope` is date/region/service/aws4_request.
std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical);

/// "a;b;c"
std::string join_header_names(const std::vector<std::string>& names);

}  // namespace holdpoint::aws
