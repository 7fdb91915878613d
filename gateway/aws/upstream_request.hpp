// What is sent is what was inspected: the head is built anew from the parse, with the headers that the operation models
// and a known list, for a host that the table or the operator names, and signed with credentials of the gateway's own.
#pragma once

#include "gateway/aws/classify.hpp"
#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/sigv4.hpp"

namespace holdpoint::aws {

/// How the body goes on.
enum class BodyTransfer {
  verbatim,  ///< as it came, aws-chunked of an unsigned form included
  decoded,   ///< aws-chunked taken off (signed chunks were verified and cannot be signed again)
};

/// Unsigned, without Content-Length, Transfer-Encoding and Connection: those are the sender's. Fails with `denied` when
/// a host label would not be one, `unsupported` for what cannot be sent on (S3 access points).
Result<HttpHead> rebuild_head(const HttpHead& head, const Classified& call, const Endpoint& endpoint,
                              BodyTransfer transfer);

/// The above, signed: with the body's SHA-256 in hexadecimal, or the word of an unsigned form.
Result<HttpHead> upstream_head(const HttpHead& head, const Classified& call, const Endpoint& endpoint,
                               BodyTransfer transfer, const SigningIdentity& identity, std::string_view payload,
                               Instant now);

}  // namespace holdpoint::aws
